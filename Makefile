# make demo · make test · make check · make bench
# Python writes its bytecode: every start is then twice as fast.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: demo test check bench lock format environment environment-dev

demo: ## the whole system with trained models and demo people; Ctrl-C stops it
	@started=$$(date +%s); sh scripts/environment.sh && ASSENT_DEMO_STARTED=$$started exec .venv/bin/python manage.py demo

test: environment-dev ## the whole suite, on SQLite and on PostgreSQL
	@sh scripts/test.sh

check: environment-dev ## lint, types, import contracts, migrations, templates, locks, installed packages, known weaknesses, production settings
	@sh scripts/check.sh

bench: environment-dev ## ratios against MLflow, measured in the same run; PARTS="small sync pages webhook signoff trail explorer visibility compliance cards gateway" chooses
	@.venv/bin/python -m scripts.bench $(PARTS)

lock: environment-dev ## resolve pyproject.toml anew into the hashed lock files
	@sh scripts/lock.sh

format: environment-dev ## format the code and the templates
	@.venv/bin/ruff check --quiet --fix . ; .venv/bin/ruff format . ; .venv/bin/djlint --quiet --reformat templates

environment:
	@sh scripts/environment.sh

environment-dev:
	@sh scripts/environment.sh dev
