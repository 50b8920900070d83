#!/bin/sh
# Every static check. The quick ones run beside the slow one (types); all run, and every failure is shown.
set -u
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
trap 'exit 130' INT TERM
export ASSENT_DATA_DIR="$out/data"
bin=.venv/bin

check() { # name command...
    name=$1
    shift
    "$@" >"$out/$name.log" 2>&1
    case $? in
    0) ;;
    75) echo "$name" >>"$out/skipped" ;; # nobody could be asked: nothing is known, which is neither good nor bad
    *) echo "$name" >>"$out/failed" ;;
    esac
}
production() {
    ASSENT_MODE=production ASSENT_ALLOWED_HOSTS=assent.test \
        ASSENT_SECRET_KEY="$($bin/python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
        $bin/python manage.py check --deploy --fail-level WARNING
}
locks() {
    if grep -nE '://|^[^#]*(--index-url|--extra-index-url|--find-links|--trusted-host)' requirements*.txt; then
        echo "A lock file names a host. Make it anew: make lock"
        return 1
    fi
    # An exact version and a hash for each: nobody can put another package in its place.
    for lock in requirements*.txt; do
        awk -v lock="$lock" '
            /^[^ #]/ { if (name != "" && !sure) loose = loose " " name; name = $1; sure = 0; exact = $1 ~ /==[0-9]/ }
            /--hash=sha256:[0-9a-f]+/ { sure = exact }
            END {
                if (name != "" && !sure) loose = loose " " name
                if (loose != "") { print lock " does not pin with a hash:" loose; exit 1 }
            }' "$lock" || return 1
    done
}

check types $bin/mypy &
types=$!
check lint $bin/ruff check --output-format concise .
check format $bin/ruff format --check .
check imports $bin/lint-imports
check migrations $bin/python manage.py makemigrations --check --dry-run
check templates $bin/djlint --quiet --lint templates
check locks locks
check installed $bin/python scripts/audit.py installed
check weaknesses $bin/python scripts/audit.py weaknesses
check production production
wait $types

for name in lint format types imports migrations templates locks installed weaknesses production; do
    if grep -qx "$name" "$out/failed" 2>/dev/null; then
        printf 'FAILED  %s\n' "$name"
        sed 's/^/        /' "$out/$name.log"
    elif grep -qx "$name" "$out/skipped" 2>/dev/null; then
        printf 'skipped %s: %s\n' "$name" "$(tail -n 1 "$out/$name.log")"
    else
        printf 'ok      %s\n' "$name"
    fi
done
[ ! -e "$out/failed" ]
