"""Stops the demo's processes when the supervisor ends, however it ends, also by SIGKILL. Standard library alone.

Run as `python watchdog.py` with a pipe from the supervisor as standard input. Lines: `+PID` a process group to look
after, `-PID` one that is gone. The end of the input means that the supervisor is gone: every group gets SIGTERM, and
SIGKILL after GRACE_SECONDS.
"""

import contextlib
import os
import signal
import sys
import time

GRACE_SECONDS = 8.0


def main() -> None:
    """Read until the end of the input, then stop every group."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        change, group = line[:1], int(line[1:])
        if change == "+":
            groups.add(group)
        else:
            groups.discard(group)
    stop(groups)


def stop(groups: set[int]) -> None:
    """Ask every leader to end, then what it left behind; end by force what is still there after GRACE_SECONDS.

    The leader comes first because a Celery worker finishes its work only while its own children live.
    """
    deadline = time.monotonic() + GRACE_SECONDS
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(group, signal.SIGTERM)
    left = set(groups)
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        members = {group: running(group) for group in left}
        left = {group for group, pids in members.items() if pids}
        for group in left:
            if group not in members[group]:
                send(group, signal.SIGTERM)
    for group in left:
        send(group, signal.SIGKILL)


def send(group: int, number: int) -> bool:
    """Signal a process group; return whether it exists."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


def running(group: int) -> set[int]:
    """Return the group's processes; not the zombies, which only wait for their parent to notice."""
    if not send(group, 0):
        return set()
    try:
        return {int(name) for name in os.listdir("/proc") if name.isdigit() and _alive_in(name, group)}
    except OSError:
        return {group}  # no /proc: believe the signal


def _alive_in(pid: str, group: int) -> bool:
    with contextlib.suppress(OSError, IndexError, ValueError):
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return int(fields[2]) == group and fields[0] not in "ZX"
    return False


if __name__ == "__main__":
    main()
