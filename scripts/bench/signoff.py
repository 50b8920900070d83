"""The sign-off under load, on PostgreSQL and an MLflow of this run, with one web worker and one worker."""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

from scripts.bench import large, mirror, seeding
from scripts.bench.servers import Processes, database, for_psycopg, free_port, redis
from tests.servers.postgres import postgres_url

MODELS = 800


def main() -> None:
    """Start what is needed, measure, and drop it all."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="assent-bench-")))
        processes = Processes(folder / "log")
        server = postgres_url()
        theirs, ours = (stack.enter_context(database(server, name)) for name in ("mlflow_signoff", "signoff"))
        stack.callback(processes.stop)
        os.environ |= large.environment(folder, ours, mlflow=free_port(), redis=redis(processes, folder))
        mlflow = large.start_mlflow(processes, theirs, folder)
        seeding.fill(for_psycopg(theirs), 0, MODELS)
        large.migrate(ours)
        mirror.sync(ours, "--full")
        import django

        django.setup()
        from scripts.bench import deciding

        deciding.measure(processes, mlflow)


if __name__ == "__main__":
    main()
