"""Dependencies side by side: which packages came and went, and which moved up or down, by how much."""

from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from apps.registry.comparing.rows import Row, rows
from apps.registry.models import ModelVersion

EXACT = ("==", "===")
COMPARED = ("<", ">", "=", "!", "~")  # how a specifier begins


def package_rows(versions: list[ModelVersion]) -> list[Row]:
    """Pair the requirement lines by package."""
    return [_moved(row) for row in rows([_required(version.requirements or []) for version in versions])]


def runtime_rows(versions: list[ModelVersion]) -> list[Row]:
    """Pair the versions of Python and MLflow that the models were logged with, where one says so."""
    return [_moved(row) for row in rows([_runtime(version) for version in versions])]


def _required(lines: list[str]) -> dict[str, str]:
    """Return what each package must be: "==1.7.0", "[extra]>=2"; a line that names no package stands for itself."""
    found: dict[str, str] = {}
    for line in lines:
        name, wanted = _parsed(line)
        found[name] = f"{found[name]} | {wanted}" if name in found else wanted  # one line per platform
    return found


def _parsed(line: str) -> tuple[str, str]:
    try:
        parsed = Requirement(line.split(" --hash")[0].strip())
    except (InvalidRequirement, RecursionError):
        return line, ""
    return canonicalize_name(parsed.name), str(parsed)[len(parsed.name) :].strip()


def _runtime(version: ModelVersion) -> dict[str, str]:
    flavors = version.mlmodel.get("flavors")
    pyfunc = flavors.get("python_function") if isinstance(flavors, dict) else None
    python_env = version.environment.get("python_env")
    told = {
        "Python": _text(python_env, "python") or _text(pyfunc, "python_version"),
        "MLflow": _text(version.mlmodel, "mlflow_version"),
    }
    return {name: text for name, text in told.items() if text}


def _text(mapping: Any, key: str) -> str:
    value = mapping.get(key) if isinstance(mapping, dict) else None
    return str(value) if isinstance(value, str | int | float) else ""


def _moved(row: Row) -> Row:
    base = _exact(row.base)
    return Row(row.name, row.values, tuple(_move(base, _exact(value)) for value in row.values[1:]))


def _move(base: Version | None, candidate: Version | None) -> str:
    """Return "up", "down", "major up", "major down", or nothing where the two cannot be ordered."""
    if base is None or candidate is None or base == candidate:
        return ""
    way = "up" if candidate > base else "down"
    return f"major {way}" if (base.epoch, base.major) != (candidate.epoch, candidate.major) else way


def _exact(text: str | None) -> Version | None:
    """Return the one version that a text allows: "==1.7.0", "3.11.4"; None where it leaves a choice."""
    wanted = (text or "").split(";")[0].split("]")[-1].strip()
    try:
        if not wanted.startswith(COMPARED):
            return Version(wanted)
        exact = [part.version for part in SpecifierSet(wanted) if part.operator in EXACT]
        return Version(exact[0]) if exact else None
    except ValueError:  # "", "==1.*", "@ file:///…"
        return None
