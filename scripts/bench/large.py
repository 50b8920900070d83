"""Ten thousand models on PostgreSQL: MLflow and Assent each with one web worker, on databases made for this run.

The PostgreSQL is TEST_POSTGRES_URL, else this machine's, else the embedded one. Parts: sync, pages, webhook.
"""

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from cryptography.fernet import Fernet

from apps.demo import commands
from scripts.bench import mirror, seeding
from scripts.bench.asking import Caller
from scripts.bench.measuring import head, say, seconds
from scripts.bench.servers import ROOT, Processes, database, for_mlflow, for_psycopg, free_port, redis, wait_for
from tests.servers.postgres import postgres_url

FEW = 1000  # models of the smaller registry, for what must not grow


def main(parts: set[str]) -> None:
    """Start what is needed, measure, and drop it all."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="assent-bench-")))
        processes = Processes(folder / "log")
        server = postgres_url()
        theirs, ours, few = (stack.enter_context(database(server, name)) for name in ("mlflow", "assent", "few"))
        stack.callback(processes.stop)
        os.environ |= environment(folder, ours, mlflow=free_port(), redis=redis(processes, folder))
        mlflow = start_mlflow(processes, theirs, folder)
        seeding.fill(for_psycopg(theirs), 0, FEW, long_model=True)
        migrate(few, ours)
        unchanged = _nothing_changed(few) if "sync" in parts else {}
        seeding.fill(for_psycopg(theirs), FEW, seeding.MODELS)
        if "sync" in parts:
            mirror.measure_import(mlflow, ours)
            mirror.measure_changes(mlflow, ours, unchanged)
        else:
            mirror.sync(ours, "--full")
        if parts & {"pages", "webhook"}:
            _visit(parts, processes, mlflow)
        head("process", "largest memory (MB)")
        for name in processes.groups:
            say(name, f"{processes.peak(name):.0f}")


def environment(folder: Path, database: str, *, mlflow: int, redis: str) -> dict[str, str]:
    """Assent's settings, and MLflow's: it may deliver webhooks to this machine, and soon knows of new ones."""
    return {
        "ASSENT_DATA_DIR": str(folder),
        "ASSENT_LOG_LEVEL": "ERROR",
        "DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "MLFLOW_BACKEND_URL": f"http://127.0.0.1:{mlflow}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_TIMEOUT_SECONDS": "60",
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_WEBHOOK_CACHE_TTL": "1",
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "PORT": str(free_port()),
        "REDIS_URL": redis,
    }


def start_mlflow(processes: Processes, database: str, folder: Path) -> Caller:
    """Start MLflow on this database; it makes its own tables."""
    address = os.environ["MLFLOW_BACKEND_URL"]
    port = int(address.rsplit(":", 1)[1])
    command = commands.mlflow(port, folder)
    command[command.index("--backend-store-uri") + 1] = for_mlflow(database)
    processes.start("MLflow", command)
    wait_for(port)
    return Caller(address)


def migrate(*databases: str) -> None:
    for address in databases:
        environment = os.environ | {"DATABASE_URL": address}
        command = commands.manage("migrate", "--verbosity", "0")
        subprocess.run(command, cwd=ROOT, env=environment, check=True)  # noqa: S603 - our own command


def _nothing_changed(database: str) -> dict[str, object]:
    """Import the smaller registry, and sync once more."""
    mirror.sync(database, "--full")
    return mirror.sync(database, "--changes")


def _visit(parts: set[str], processes: Processes, mlflow: Caller) -> None:
    """What needs Assent's web server."""
    import django

    django.setup()
    from scripts.bench import pages, visitors, webhook

    port = int(os.environ["PORT"])
    processes.start("web", commands.web(port))
    wait_for(port)
    address, person = f"http://127.0.0.1:{port}", visitors.reader()
    api = visitors.with_token(address, person)
    if "pages" in parts:
        names = (seeding.names(0, 1)[0], seeding.LONG_MODEL)
        took = seconds(lambda: visitors.read_details(*names))
        head("reading runs and files", "seconds")
        say(f"{seeding.VERSIONS + seeding.LONG_VERSIONS:,} versions", f"{took:.1f}")
        sides = pages.Sides(api, visitors.with_session(address, person), mlflow)
        pages.measure_lists(sides)
        pages.measure_single(sides)
        guest = visitors.reader_of_a_part()
        pages.measure_part(visitors.with_token(address, guest), visitors.with_session(address, guest))
    if "webhook" in parts:
        webhook.measure(api, mlflow, processes)


if __name__ == "__main__":
    main(set(sys.argv[1:]))
