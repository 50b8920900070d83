"""The explorer of the trail over ten million events, on PostgreSQL, as pages of a web worker of this run.

BENCH_EVENTS: how many events (default 10,000,000).
"""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

from scripts.bench import large
from scripts.bench.servers import Processes, database, free_port
from tests.servers.postgres import postgres_url

EVENTS = int(os.environ.get("BENCH_EVENTS", "10000000"))


def main() -> None:
    """Start what is needed, measure, and drop it all."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="assent-bench-")))
        processes = Processes(folder / "log")
        ours = stack.enter_context(database(postgres_url(), "explorer"))
        stack.callback(processes.stop)
        os.environ |= large.environment(folder, ours, mlflow=free_port(), redis="")
        large.migrate(ours)
        import django

        django.setup()
        from scripts.bench import exploring

        exploring.measure(processes, EVENTS)


if __name__ == "__main__":
    main()
