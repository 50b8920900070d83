#!/bin/sh
# Resolve pyproject.toml into requirements.txt and requirements-dev.txt: exact versions, hashes, no addresses.
set -eu
cd "$(dirname "$0")/.."
export UV_SYSTEM_CERTS=1 UV_PYTHON_DOWNLOADS=never UV_NO_CONFIG=1
index=${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-$(python3 -m pip config get global.index-url 2>/dev/null || true)}}
[ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
compile() { .tools/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url "$@"; }
compile pyproject.toml -o requirements.txt
compile pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt
for file in tests/gateway/clients/*.txt; do # older MLflow clients: their version stands in the file itself
    grep -o '^mlflow-[a-z]*==[0-9.]*' "$file" | compile --no-deps - -o "$file"
done
