#!/bin/sh
# The whole suite: everything on SQLite, and what a database can change on PostgreSQL too, at the same time.
# Parts that need a server or browser that this machine lacks are skipped by name; the reasons come at the end.
set -u
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE DATABASE_URL MLFLOW_BACKEND_URL ASSENT_DATA_DIR || true
out=$(mktemp -d)
other=
trap '[ -z "$other" ] || kill "$other" 2>/dev/null; rm -rf "$out"' EXIT
trap 'exit 130' INT TERM HUP
pytest() { .venv/bin/python -m pytest -rs "$@"; }

TEST_DATABASE=postgres pytest -m "not browser and not demo" >"$out/postgres.log" 2>&1 &
other=$!
echo "== on SQLite, with browser, MLflow, worker and demo (PostgreSQL runs beside it)"
{
    pytest "$@"
    echo $? >"$out/sqlite.code"
} | tee "$out/sqlite.log"
sqlite=$(cat "$out/sqlite.code")
wait "$other"
postgres=$?
other=
echo
echo "== on PostgreSQL"
cat "$out/postgres.log"
echo
[ "$sqlite" = 0 ] || echo "FAILED on SQLite (exit code $sqlite)"
[ "$postgres" = 0 ] || echo "FAILED on PostgreSQL (exit code $postgres)"
echo "== closing lines: PostgreSQL, then SQLite"
tail -n 1 "$out/postgres.log"
tail -n 1 "$out/sqlite.log"
[ "$sqlite" = 0 ] && [ "$postgres" = 0 ]
