"""Does any locked package have a known weakness, and is what is installed what is locked?

    python scripts/audit.py installed              # offline: versions of the environment against the lock
    python scripts/audit.py weaknesses             # asks OSV, or reads OSV_DATABASE, its export for PyPI (all.zip)

Exit code 0: nothing found; 1: something was, each on a line; 75: nobody could be asked, so nothing is known.
Weaknesses that were weighed and accepted stand in pyproject.toml, [tool.assent.accepted], each with the reason.
"""

import json
import os
import re
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import httpx
from packaging.markers import Marker
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parent.parent
LOCK = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)\s*(?:;\s*([^\\]+?))?\s*\\?$", re.M)
ASK = "https://api.osv.dev"
NOT_KNOWN = 75  # EX_TEMPFAIL
SECONDS = 20
Package = tuple[str, str]  # name, version


def locked(text: str, *, here: bool = False) -> list[Package]:
    """Return the packages of a lock file, some in a version for each Python; `here`: only what this machine takes."""
    return sorted(
        (canonicalize_name(name), version)
        for name, version, marker in LOCK.findall(text)
        if not here or not marker or Marker(marker).evaluate()
    )


def differences(lock: dict[str, str], installed: dict[str, str]) -> list[str]:
    """Say what is missing, of another version, or not in the lock at all."""
    return [
        f"{name}: locked {lock.get(name, 'not at all')}, installed {installed.get(name, 'not at all')}"
        for name in sorted(lock.keys() | installed.keys())
        if lock.get(name) != installed.get(name)
    ]


def asked(packages: list[Package], address: str) -> list[tuple[Package, str]]:
    """Return what OSV knows of these versions. Raises httpx.HTTPError when it cannot be asked."""
    queries = [{"version": version, "package": {"name": name, "ecosystem": "PyPI"}} for name, version in packages]
    answer = httpx.post(f"{address}/v1/querybatch", json={"queries": queries}, timeout=SECONDS).raise_for_status()
    results = answer.json()["results"]
    return [
        (package, row["id"])
        for package, result in zip(packages, results, strict=True)
        for row in result.get("vulns") or ()
    ]


def read(packages: list[Package], export: Path) -> list[tuple[Package, str]]:
    """Return what OSV's export knows of these versions."""
    found: list[tuple[Package, str]] = []
    with zipfile.ZipFile(export) as archive:
        for name in archive.namelist():
            advisory = json.loads(archive.read(name))
            if not advisory.get("withdrawn"):
                found += [(package, advisory["id"]) for package in _affected(advisory, packages)]
    return sorted(set(found))


def _affected(advisory: dict[str, Any], packages: list[Package]) -> Iterator[Package]:
    for affected in advisory.get("affected", ()):
        name = canonicalize_name(affected.get("package", {}).get("name", ""))
        ranges = [row["events"] for row in affected.get("ranges", ()) if row["type"] == "ECOSYSTEM"]
        for package in packages:
            if package[0] == name and (
                package[1] in affected.get("versions", ()) or any(_within(package[1], events) for events in ranges)
            ):
                yield package


def _within(version: str, events: Iterable[dict[str, str]]) -> bool:
    """Return whether a version lies in a range: introduced … fixed, or … last_affected. What cannot be read does."""
    inside = False
    for event in events:
        try:
            if "introduced" in event and Version(event["introduced"]) <= Version(version):
                inside = True
            if "fixed" in event and Version(event["fixed"]) <= Version(version):
                inside = False
            if "last_affected" in event and Version(event["last_affected"]) < Version(version):
                inside = False
        except InvalidVersion:
            return True
    return inside


def weaknesses() -> int:
    """Look for known weaknesses of everything that is locked, for whatever machine."""
    packages = locked((ROOT / "requirements-dev.txt").read_text())
    export, address = os.environ.get("OSV_DATABASE", ""), os.environ.get("OSV_ADDRESS") or ASK
    try:
        found = read(packages, Path(export)) if export else asked(packages, address)
    except (httpx.HTTPError, OSError, zipfile.BadZipFile, ValueError, TypeError, KeyError) as error:
        return said(NOT_KNOWN, f"{export or address} could not be asked: {error or type(error).__name__}")
    accepted = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"].get("assent", {}).get("accepted", {})
    left = [f"{name} {version}: {known}" for (name, version), known in found if known not in accepted]
    return said(1, *left) if left else said(0, f"{len(packages)} packages, no known weakness")


def installed() -> int:
    """Compare the environment with the lock that it was made from."""
    lock = dict(locked((ROOT / "requirements-dev.txt").read_text(), here=True))
    there = {canonicalize_name(row.metadata["Name"]): row.version for row in distributions()}
    wrong = differences(lock, there)
    return said(1, *wrong) if wrong else said(0, f"{len(lock)} packages, as locked")


def said(code: int, *lines: str) -> int:
    """Print what was found, and return the exit code that goes with it."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return code


if __name__ == "__main__":
    sys.exit({"installed": installed, "weaknesses": weaknesses}[sys.argv[1]]())
