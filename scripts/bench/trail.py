"""The trail: how many audited writes a second with the chain on, and how long a million events take to verify.

Each database in a process of its own. The events are generated straight into the table, sealed as `record` seals them.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Any

from apps.demo import commands
from scripts.bench.measuring import head, say, verdict
from scripts.bench.servers import ROOT, database, python
from tests.servers.postgres import postgres_url

EVENTS, FIRST = 1_000_000, 100_000  # verified as a whole, and before that: memory must not grow
SECONDS, WRITERS = 10, (1, 4)
WRITES_TARGET, VERIFY_TARGET = 200, 60  # a second; seconds
BATCH = 10_000
PROGRAM = ROOT / "static" / "cli" / "verify_audit.py"


def main(words: list[str]) -> None:
    """Measure on both databases; with "here" or "export", on the one that the environment names."""
    if words:
        {"here": measure, "export": export}[words[0]]()
        return
    for name in ("SQLite", "PostgreSQL"):
        head(f"the trail on {name}", "measured", "target")
        with tempfile.TemporaryDirectory(prefix="assent-bench-") as folder:
            if name == "SQLite":
                _run(folder)
            else:
                with database(postgres_url(), "trail") as url:
                    _run(folder, DATABASE_URL=url)


def _run(folder: str, **more: str) -> None:
    left_out = ("DATABASE_URL", "REDIS_URL")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    environment |= {"ASSENT_DATA_DIR": folder, "ASSENT_LOG_LEVEL": "ERROR", "DJANGO_SETTINGS_MODULE": "config.settings"}
    subprocess.run(python("scripts.bench.trail", "here"), cwd=ROOT, env=environment | more, check=True)  # noqa: S603


def measure() -> None:
    """Write, fill, export and verify, in this process's database."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from scripts.bench import visitors

    call_command("migrate", verbosity=0)
    visitors.admin()
    for writers in WRITERS:
        rate = writes_a_second(writers)
        who = f"{writers} writer{'s' if writers > 1 else ''}"
        say(f"audited writes a second, {who}", f"{rate:.0f}", verdict(rate >= WRITES_TARGET, str(WRITES_TARGET)))
    file = Path(settings.DATA_DIR) / "trail.jsonl"
    for count in (FIRST, EVENTS):
        fill(count)
        call_command("checkpoint_audit", stdout=open(os.devnull, "w"))  # noqa: SIM115
        with file.open("w", encoding="utf-8") as out:
            call_command("export_audit", stdout=out)
        tell(f"an export as the page streams it, {count:,} events", python("scripts.bench.trail", "export"))
        tell(f"verify_audit, {count:,} events", commands.manage("verify_audit"), VERIFY_TARGET)
        words = [sys.executable, "-I", str(PROGRAM), str(file)]
        tell(f"the program on an export of {count:,} events", words, VERIFY_TARGET)


def export() -> None:
    """Take in an export of the whole trail as somebody gets it who asked on the page or over the API."""
    import django

    django.setup()
    from apps.accounts.models import User
    from apps.audit import exporting

    for _line in exporting.export({}, {}, by=User.objects.get(username="admin"), form="jsonl"):
        pass


def writes_a_second(writers: int) -> float:
    """Return how many events are recorded a second, each in a transaction of its own, over SECONDS."""
    from django.db import connection, transaction

    from apps.audit.actions import Action
    from apps.audit.services import Actor, Target, record

    written, until = [], time.monotonic() + SECONDS

    def write() -> None:
        count = 0
        while time.monotonic() < until:
            with transaction.atomic():
                record(Action.MODEL_CHANGED, by=Actor("bench"), target=Target("model", "churn", 1), after={"n": count})
            count += 1
        written.append(count)
        connection.close()

    threads = [Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(written) / SECONDS


def fill(up_to: int) -> None:
    """Append events until there are so many, as fast as the database takes them, and move the head of the chain."""
    from apps.audit.manifest import present_head
    from apps.audit.models import ChainHead

    start = present_head()
    rows = _sealed(start.id, start.hash, up_to)
    last: tuple[Any, ...] = ()
    while batch := list(islice(rows, BATCH)):
        _insert(batch)
        last = batch[-1]
    if last:
        ChainHead.objects.filter(id=1).update(last_id=last[0], last_hash=last[-1])


def _sealed(number: int, previous: str, up_to: int) -> Iterator[tuple[Any, ...]]:
    """Yield rows of events, the columns in the order of COLUMNS."""
    from apps.audit.chain import canonical_json, event_hash, format_time

    began = datetime(2025, 1, 1, tzinfo=UTC)
    for one in range(number + 1, up_to + 1):
        at = began + timedelta(seconds=one)
        data = {"before": {"stage": "None"}, "after": {"stage": "Staging"}, "request": one, "note": "x" * 100}
        content = {
            "id": one, "action": "version.stage_changed", "outcome": "done", "source": "worker",
            "actor": "system:approvals", "actor_role": "", "model_id": one % 1000, "target_type": "version",
            "target": f"churn-{one % 1000} v{one % 10}", "reason": "Better on the holdout.", "data": data,
            "request_id": f"job-{one}", "address": "", "on_behalf_of": "", "token_prefix": "", "token_name": "",
            "evidence_digest": "",
        }  # fmt: skip
        hashed = {name: value for name, value in content.items() if value != "" or name in OLD_EMPTY}
        seal = event_hash(previous, {**hashed, "at": format_time(at)})
        yield (*(canonical_json(data) if name == "data" else content[name] for name in content), at, previous, seal)
        previous = seal


OLD_EMPTY = ("actor_role", "address")  # empty, and hashed all the same


def _insert(rows: list[tuple[Any, ...]]) -> None:
    from django.db import connection

    columns = (
        "id", "action", "outcome", "source", "actor", "actor_role", "model_id", "target_type", "target", "reason",
        "data", "request_id", "address", "on_behalf_of", "token_prefix", "token_name", "evidence_digest", "at",
        "previous_hash", "hash",
    )  # fmt: skip
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY audit_auditevent ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        place = columns.index("at")
        adapt = connection.ops.adapt_datetimefield_value
        values = [(*row[:place], adapt(row[place]), *row[place + 1 :]) for row in rows]
        marks = ", ".join(["%s"] * len(columns))
        cursor.executemany(f"INSERT INTO audit_auditevent ({names}) VALUES ({marks})", values)  # noqa: S608


def tell(name: str, command: list[str], seconds: int | None = None) -> None:
    """Run a command that must end within so many seconds, where a target is set.

    Print how long it took, how much of the processor, and the most memory that it held.
    """
    began, most = time.perf_counter(), 0.0
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)  # noqa: S603
    while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
        most = max(most, _memory(process.pid))
        time.sleep(0.05)
    took, (_, status, used) = time.perf_counter() - began, ended
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{name}: it failed")
    busy = used.ru_utime + used.ru_stime
    measured = f"{took:.1f} s ({busy:.1f} s of the processor), {most:.0f} MB"
    say(name, measured, verdict(took <= seconds, f"{seconds} s") if seconds else "memory flat")


def _memory(process: int) -> float:
    """Return the most memory (MB) that a process held since it began its program; 0 without /proc."""
    status = Path(f"/proc/{process}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


if __name__ == "__main__":
    main(sys.argv[1:])
