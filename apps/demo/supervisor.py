"""Start the whole demo on one machine, keep it running, stop all of it.

The order is chosen for speed: MLflow, training and migrations begin together; the web server follows the migrations;
people and models follow the training; worker and beat come last.
"""

import fcntl
import os
import signal
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from apps.demo import commands, ports
from apps.demo.people import ADMIN_NAME, credentials_table, seeded
from apps.demo.processes import Child, DemoError, Processes

START_SECONDS = 300.0
PAUSE_SECONDS = 0.1
MLFLOW_PORT = 5000
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy cannot reach this machine's loopback


class Stopped(BaseException):
    """A signal asked the demo to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Supervisor:
    """One run of the demo on one data directory."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._began = float(os.environ.get("ASSENT_DEMO_STARTED") or time.time())
        self._data: Path = settings.DATA_DIR
        self._own_mlflow = "MLFLOW_BACKEND_URL" not in os.environ
        self._mlflow_url = settings.MLFLOW_BACKEND_URL
        self._marker = self._data / "mlflow" / "trained"
        self._heard = 0  # how much of the training's log has been passed on
        self._up = False

    def run(self) -> int:
        """Start everything, and stay until a signal. Returns the exit code. Raises DemoError."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _raise_stopped)
        processes = None
        try:
            processes = self._processes = Processes(self._data / "logs", self._say, self._take_data_directory())
            self._check_ports()
            processes.start_watchdog()
            self._start()
            self._up = True
            while True:
                time.sleep(PAUSE_SECONDS)
                processes.supervise()
        except Stopped as stopped:
            self._say("stopping")
            return 0 if self._up else 128 + stopped.number
        finally:
            if processes and processes.stop():
                self._say("stopped; nothing is left running")

    # --- Before anything is started ---

    def _take_data_directory(self) -> int:
        """Lock the data directory for this run. Raises DemoError when another demo runs on it."""
        lock_fd = os.open(self._data / "demo.lock", os.O_RDWR | os.O_CREAT, 0o600)
        for patience in range(30, -1, -1):  # the last one may still be stopping
            try:
                fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(PAUSE_SECONDS if patience else 0)
            else:
                return lock_fd
        raise DemoError(
            f"Another demo is running on {self._data}. Stop it (Ctrl-C in its terminal), or give this one its own "
            "data and port: ASSENT_DATA_DIR=/another/folder PORT=8001 make demo"
        )

    def _check_ports(self) -> None:
        """Find the ports. Raises DemoError when one that was asked for is taken."""
        if not ports.is_free(settings.PORT):
            raise DemoError(
                f"Port {settings.PORT} is in use by another program. Stop that program, or choose another port: "
                f"PORT={settings.PORT + 1} make demo"
            )
        if not self._own_mlflow:
            return
        asked = os.environ.get("MLFLOW_PORT")
        if asked and not (asked.isdecimal() and ports.is_free(int(asked))):
            raise DemoError(
                f"Port {asked} for MLflow is in use by another program. Choose another: MLFLOW_PORT=5001 make demo"
            )
        port = int(asked) if asked else ports.next_free(MLFLOW_PORT, but=settings.PORT)
        if port is None:
            raise DemoError(f"No port is free for MLflow from {MLFLOW_PORT} on. Choose one: MLFLOW_PORT=6000 make demo")
        self._mlflow_port = port
        self._mlflow_url = f"http://{ports.HOST}:{port}"
        (self._data / "mlflow.url").write_text(self._mlflow_url)  # settings.py reads it: later commands find the server

    # --- Starting ---

    def _start(self) -> None:
        training = self._start_mlflow()
        self._say("preparing the database")
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", verbosity=0, interactive=False)
        warm = seeded() and training is None
        connections.close_all()
        self._processes.start("web", commands.web(settings.PORT), self._env())
        if warm:
            self._processes.start("worker", commands.worker(), self._env())
        self._wait("the first page", lambda: self._serves("/sign-in/"))
        self._say(f"pages are served at {self.address}")
        if warm:
            self._show_people()
        if training:
            self._wait("the training", lambda: self._trained(training))
        if self._own_mlflow:  # the import, and beat's first sync, would fail before MLflow answers
            self._wait("MLflow", lambda: self._answers(f"{self._mlflow_url}/health"))
        if not warm:
            self._say("importing the models, adding people and policies")
            seeding = self._processes.start(
                "seeding", commands.manage("seed_demo", "--no-training"), self._env(), keep=False
            )
            self._wait("the demo data", lambda: self._finished(seeding))
            self._processes.start("worker", commands.worker(), self._env())
        webhook = None
        if self._own_mlflow:
            webhook = self._processes.start(
                "webhook", commands.manage("register_webhook", ADMIN_NAME), self._env(), keep=False
            )
        self._processes.start("beat", commands.beat(), self._env())
        if self._own_mlflow:  # somebody else's may be down: then the pages say so
            self._wait("everything to be ready", lambda: self._serves("/readyz"))
        if webhook:
            self._wait("the webhook", lambda: self._tried(webhook))
        self._say("ready: models are mirrored, jobs are worked on" if self._own_mlflow else "ready")
        if not warm:
            self._show_people()

    def _show_people(self) -> None:
        self._write(credentials_table(self.address, self._mlflow_url if self._own_mlflow else None))

    def _start_mlflow(self) -> Child | None:
        """Start MLflow and, unless it is done, the training beside it; nothing when the MLflow is somebody else's."""
        if not self._own_mlflow:
            self._say(f"mirroring the MLflow at {self._mlflow_url}")
            return None
        self._say(f"starting MLflow at {self._mlflow_url}")
        folder = self._marker.parent
        folder.mkdir(exist_ok=True)
        env = {**self._env(), **commands.mlflow_webhooks(folder)}
        self._processes.start("mlflow", commands.mlflow(self._mlflow_port, folder), env)
        if self._marker.exists():
            return None
        self._say("training models")
        child = self._processes.start(
            "training", commands.training(self._mlflow_url, self._marker), self._env(), keep=False
        )
        self._heard = child.log.stat().st_size
        return child

    def _env(self) -> dict[str, str]:
        """The children's environment: ours, with the MLflow of this run, and with bytecode kept for quick starts."""
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        own = {
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "GIT_PYTHON_REFRESH": "quiet",
            "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY"), ports.HOST, "localhost"])),
        }
        own["no_proxy"] = own["NO_PROXY"]
        return {**env, **own, "MLFLOW_BACKEND_URL": self._mlflow_url, "PYTHONUNBUFFERED": "1"}

    # --- Waiting ---

    @property
    def address(self) -> str:
        """Where the pages are."""
        return f"http://{ports.HOST}:{settings.PORT}"

    def _wait(self, what: str, done: Callable[[], bool]) -> None:
        """Look after the children until `done`. Raises DemoError after START_SECONDS."""
        deadline = time.monotonic() + START_SECONDS
        while not done():
            self._processes.supervise()
            if time.monotonic() > deadline:
                raise DemoError(
                    f"Waited {START_SECONDS:.0f} s for {what} in vain. The logs say more: {self._processes.logs}"
                )
            time.sleep(PAUSE_SECONDS)

    def _serves(self, path: str) -> bool:
        return self._answers(f"{self.address}{path}")

    @staticmethod
    def _answers(url: str) -> bool:
        """Return whether a GET of `url` is answered with success."""
        try:
            with DIRECT.open(url, timeout=10):
                return True
        except OSError:
            return False

    def _trained(self, child: Child) -> bool:
        with open(child.log) as log:
            log.seek(self._heard)
            news = log.read()
        whole = news[: news.rfind("\n") + 1]
        self._heard += len(whole.encode())
        for line in whole.splitlines():
            if line.startswith("> "):
                self._say(line[2:])
        return self._finished(child)

    def _finished(self, child: Child) -> bool:
        """Return whether a child that is meant to end has ended well. Raises DemoError when it ended badly."""
        code = self._processes.finish(child) if child in self._processes.children else 0
        if code:
            raise DemoError(f"{child.name} failed (exit code {code}): {child.last_words()} The whole log: {child.log}")
        return code == 0

    def _tried(self, child: Child) -> bool:
        """Return whether a child has ended; a bad end is told, and the demo goes on without what it was for."""
        code = self._processes.finish(child)
        if code:
            self._say(f"{child.name} failed, changes show with the next sync instead: {child.last_words()}")
        return code is not None

    def _say(self, text: str) -> None:
        self._write(f"[{time.time() - self._began:5.1f} s] {text}")


def _raise_stopped(number: int, _frame: FrameType | None) -> None:
    raise Stopped(number)
