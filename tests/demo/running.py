"""Start the demo as a person does, and look at what it leaves behind."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 240.0
OURS = ("ASSENT_", "DATABASE_URL", "REDIS_URL", "MLFLOW_", "PORT", "DJANGO_SETTINGS_MODULE")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(data: Path, **change: str) -> dict[str, str]:
    """A person's environment: none of the test session's variables."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    clean.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**clean, "ASSENT_DATA_DIR": str(data), **change}


def wait_until(true: Callable[[], bool]) -> None:
    """Wait; an assertion fails when it never comes true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@dataclass
class Demo:
    """One start of `manage.py demo`."""

    data: Path
    port: int
    mlflow_port: int
    process: subprocess.Popen[str]
    output: Path

    @classmethod
    def start(cls, data: Path, *, port: int | None = None, mlflow_port: int | None = None, **env: str) -> "Demo":
        """Start it on free ports; its output goes to a file beside the data."""
        port, mlflow_port = port or free_port(), mlflow_port or free_port()
        output = data.with_name(f"{data.name}-{port}-{time.monotonic_ns()}.out")
        given = environment(data, PORT=str(port), MLFLOW_PORT=str(mlflow_port), **env)
        with open(output, "w") as file:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "demo"], cwd=ROOT, env=given, stdin=subprocess.DEVNULL,
                stdout=file, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            )  # fmt: skip
        return cls(data, port, mlflow_port, process, output)

    @property
    def said(self) -> str:
        """Everything that it printed so far."""
        return self.output.read_text()

    def wait_for(self, text: str) -> None:
        """Wait until it says `text`."""
        wait_until(lambda: text in self.said or self.process.poll() is not None)
        assert text in self.said

    def get(self, path: str) -> int:
        """Return the status of a page."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as response:
            return int(response.status)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Signal it, wait, and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def left_running(self) -> list[str]:
        """The command lines of live processes that were started on this data directory."""
        mark = f"ASSENT_DATA_DIR={self.data}".encode()
        return [command for pid in _pids() if (command := _command_with(pid, mark))]


def _pids() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdigit()]


def _command_with(pid: str, mark: bytes) -> str:
    """Return the command line of a process whose environment has `mark`; empty for others and for zombies."""
    try:
        if mark not in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            return ""
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""
