#!/bin/sh
# The whole suite, in two sessions at the same time, on SQLite and on PostgreSQL. What no database changes (`once`), the
# browser and the demo run in one of them, so that both end at about the same time. Parts that need a server or browser
# that this machine lacks are skipped by name; the reasons come at the end. Arguments go to
# both sessions: sh scripts/test.sh tests/audit
set -u
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE DATABASE_URL MLFLOW_BACKEND_URL ASSENT_DATA_DIR TEST_DATABASE || true
out=$(mktemp -d)
chmod 711 "$out" # a PostgreSQL of the session runs as a user of its own, below
other=
trap '[ -z "$other" ] || kill "$other" 2>/dev/null; wait; rm -rf "$out"' EXIT
trap 'exit 130' INT TERM HUP
export TMPDIR="$out" # whatever a session forgets goes with it
session() { # name, pytest's arguments: leaves NAME.log and NAME.code
    name=$1
    shift
    .venv/bin/python -m pytest -rs --tb=short "$@"
    echo $? >"$out/$name.code"
}
code() { cat "$out/$1.code" 2>/dev/null || echo "none: it was killed"; }

TEST_DATABASE=postgres session postgres -m "not browser and (not once or once(on='postgresql'))" "$@" >"$out/postgres.log" 2>&1 &
other=$!
echo "== on SQLite, with the browser (PostgreSQL, with the demo, runs beside it)"
session sqlite -m "not demo and not once(on='postgresql')" "$@" 2>&1 | tee "$out/sqlite.log"
wait "$other"
other=
echo
echo "== on PostgreSQL"
cat "$out/postgres.log"
sqlite=$(code sqlite) postgres=$(code postgres)
echo
[ "$sqlite" = 0 ] || echo "FAILED on SQLite (exit code $sqlite)"
[ "$postgres" = 0 ] || echo "FAILED on PostgreSQL (exit code $postgres)"
echo "== closing lines: PostgreSQL, then SQLite"
grep -E "(passed|failed|error).* in " "$out/postgres.log" | tail -n 1
grep -E "(passed|failed|error).* in " "$out/sqlite.log" | tail -n 1
[ "$sqlite" = 0 ] && [ "$postgres" = 0 ]
