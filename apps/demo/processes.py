"""The demo's child processes: started in groups of their own, restarted when they die, never left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from apps.demo import watchdog

RESTARTS = 4  # in a row; a process that ran for STEADY_SECONDS starts the count anew
STEADY_SECONDS = 60.0
MAX_LOG_BYTES = 5_000_000
STOP_SECONDS = watchdog.GRACE_SECONDS + 4


class DemoError(Exception):
    """The demo cannot go on; the message says why, and what to do."""


@dataclass
class Child:
    """One process that should be running."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes]
    started: float
    keep: bool = True  # False: it is meant to end, and `finish` says when
    restarts: int = 0
    restart_at: float | None = None  # monotonic; set while it is down

    def last_words(self) -> str:
        """The last line of its log, which usually names the trouble."""
        lines = self.log.read_text(errors="replace").rstrip().rpartition("\n")
        return lines[2][-500:]


@dataclass
class Processes:
    """Every child, and the watchdog that ends them when this process is gone."""

    logs: Path
    say: Callable[[str], None]
    lock_fd: int  # the watchdog keeps it too, so that the data directory stays taken until everything has ended
    children: list[Child] = field(default_factory=list)
    _watchdog: subprocess.Popen[bytes] | None = None

    def start_watchdog(self) -> None:
        """Start the watchdog; before any child."""
        self.logs.mkdir(parents=True, exist_ok=True)
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", watchdog.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[self.lock_fd],
        )

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str], *, keep: bool = True) -> Child:
        """Start a process; with `keep` it is kept running from now on."""
        log = self.logs / f"{name}.log"
        if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        child = Child(name, command, env, log, self._spawn(command, env, log), time.monotonic(), keep)
        self.children.append(child)
        return child

    def finish(self, child: Child) -> int | None:
        """Return the exit code of a child that is meant to end, and forget it; None while it runs."""
        code = child.process.poll()
        if code is not None:
            self._gone(child)
            self.children.remove(child)
        return code

    def supervise(self) -> None:
        """Look at every child once: notice deaths, start again what is due. Raises DemoError when one keeps dying."""
        for child in (child for child in self.children if child.keep):
            if child.restart_at is None:
                if child.process.poll() is not None:
                    self._died(child)
            elif time.monotonic() >= child.restart_at:
                child.restart_at, child.started = None, time.monotonic()
                child.process = self._spawn(child.command, child.env, child.log)

    def stop(self) -> bool:
        """End every child with everything it started; False when nothing was. A second signal cannot interrupt this."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if self._watchdog is None or self._watchdog.stdin is None:
            return False
        self._watchdog.stdin.close()
        deadline = time.monotonic() + STOP_SECONDS
        while self._watchdog.poll() is None and time.monotonic() < deadline:
            for child in self.children:
                child.process.poll()  # collects the ended ones
            time.sleep(0.05)
        return True

    def _spawn(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
        """Start a process. The watchdog knows it before it runs, so that it cannot be lost in between."""
        if self._watchdog is None or self._watchdog.stdin is None:
            raise RuntimeError("start_watchdog comes first")
        pipe = self._watchdog.stdin.fileno()
        with open(log, "ab") as output:
            return subprocess.Popen(
                command,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=lambda: _announce(pipe),  # one write; no other threads here
            )

    def _died(self, child: Child) -> None:
        code = child.process.returncode
        self._gone(child)
        if time.monotonic() - child.started > STEADY_SECONDS:
            child.restarts = 0
        if child.restarts >= RESTARTS:
            words = child.last_words()
            raise DemoError(f"{child.name} keeps ending (last exit code {code}): {words} The whole log: {child.log}")
        pause = 2.0**child.restarts
        child.restarts += 1
        child.restart_at = time.monotonic() + pause
        self.say(f"{child.name} ended (exit code {code}), starting again in {pause:.0f} s. Log: {child.log}")

    def _gone(self, child: Child) -> None:
        """End what a dead child left behind in its group, and take the group off the watchdog's list."""
        watchdog.send(child.process.pid, signal.SIGKILL)
        if self._watchdog and self._watchdog.stdin:
            os.write(self._watchdog.stdin.fileno(), b"-%d\n" % child.process.pid)


def _announce(pipe: int) -> None:
    os.write(pipe, b"+%d\n" % os.getpid())
