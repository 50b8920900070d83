"""The lock files: hashes for everything, addresses for nothing."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.once
ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted(ROOT.glob("requirements*.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_lock_names_no_address(lock):
    assert (
        re.findall(r"\S*://\S*|^--(?:index-url|extra-index-url|find-links|trusted-host).*", lock.read_text(), re.M)
        == []
    )


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_lock_has_hashes_for_every_package(lock):
    entries = re.split(r"\n(?=[A-Za-z0-9])", lock.read_text().strip())
    bare = [
        entry.split("==")[0]
        for entry in entries
        if not re.match(r"\S+==\S+[^\n]*\\\n\s+--hash=sha256:[0-9a-f]{64}", entry)
    ]
    assert bare == []


def test_both_locks_are_there():
    assert [lock.name for lock in LOCKS] == ["requirements-dev.txt", "requirements.txt"]
