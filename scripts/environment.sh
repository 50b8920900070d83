#!/bin/sh
# Make .venv from the hashed lock file. Usage: scripts/environment.sh [dev]
# Needs python3 (3.11 or newer) with pip. A re-run with an unchanged lock file takes no time.
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=0.13.8
lock=requirements.txt
# A development environment stays one, also when only the smaller one is asked for.
[ "${1:-}" = dev ] || [ -e .venv/bin/pytest ] && lock=requirements-dev.txt

say() { printf '%s\n' "environment: $*"; }
fail() { printf '%s\n' "environment: $*" >&2; exit 1; }

# --- Nothing to do? ---
sum() { cksum "$1" scripts/environment.sh tests/gateway/clients/*.txt | tr '\n' ' '; }
stamp=.venv/assent.stamp
if [ -f "$stamp" ] && [ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null; then
    [ "$(cat "$stamp")" = "$(sum "$lock")" ] && exit 0
fi

# --- A Python that is new enough ---
python=
for name in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14}; do
    if command -v "$name" >/dev/null 2>&1 &&
        "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$(command -v "$name")
        break
    fi
done
[ -n "$python" ] || fail "Python 3.11 or newer is needed and was not found. Install it, or name it: PYTHON=/path/to/python3 make demo"
python=$("$python" -c 'import os, sys; print(os.path.realpath(sys.executable))')
"$python" -m pip --version >/dev/null 2>&1 || fail "$python has no pip. Install pip for it (Debian: apt-get install python3-pip), then try again."

unset PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH VIRTUAL_ENV || true
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
export UV_SYSTEM_CERTS=1 UV_PYTHON_DOWNLOADS=never UV_NO_CONFIG=1

# --- uv, pinned, in .tools; uv reads no pip settings, so the package index is handed over ---
uv=.tools/bin/uv
if [ "$("$uv" --version 2>/dev/null | cut -d' ' -f2)" != "$UV_VERSION" ]; then
    say "fetching uv $UV_VERSION"
    rm -rf .tools
    "$python" -m pip install -qq --no-deps --target .tools "uv==$UV_VERSION" || {
        say "uv could not be had; going on with pip alone, which takes a minute or two longer"
        uv=
    }
fi
index=${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-$("$python" -m pip config get global.index-url 2>/dev/null || true)}}
[ -z "$index" ] || export UV_DEFAULT_INDEX="$index"

# --- The environment ---
if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    rm -rf .venv
fi
rm -f "$stamp"
with_uv() {
    [ -x .venv/bin/python ] || "$uv" venv --quiet --python "$python" .venv || return 1
    "$uv" pip sync --quiet --python .venv --require-hashes "$lock"
}
with_pip() {
    [ -x .venv/bin/python ] || "$python" -m venv --without-pip .venv || return 1
    "$python" -m pip --python .venv/bin/python install --quiet --no-deps --no-compile --require-hashes -r "$lock"
}
say "installing $(grep -c '^[a-z0-9]' "$lock") locked packages ($lock)"
if [ -n "$uv" ] && with_uv; then
    :
else
    [ -z "$uv" ] || say "uv did not manage; trying once more with pip alone"
    with_pip || fail "The packages could not be installed. Check that a package index can be reached (pip's own settings are used), then try again."
fi

# --- Older MLflow clients, for the tests alone: each in a folder of its own, with what it needs from .venv ---
client() { # lock file, folder
    if [ -n "$uv" ] && "$uv" pip install --quiet --python .venv --no-deps --require-hashes --target "$2" -r "$1"; then return; fi
    "$python" -m pip install --quiet --no-deps --no-compile --require-hashes --upgrade --target "$2" -r "$1"
}
if [ "$lock" = requirements-dev.txt ]; then
    for file in tests/gateway/clients/*.txt; do
        client "$file" ".tools/clients/$(basename "$file" .txt)" || fail "An older MLflow client could not be installed ($file)."
    done
fi
sum "$lock" >"$stamp"
say "ready"
