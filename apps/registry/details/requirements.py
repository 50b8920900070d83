"""Requirement lines, read as pip reads them."""

from dataclasses import dataclass

from packaging import requirements as packaging_requirements
from packaging.utils import canonicalize_name

BRINGING = ("-r", "--requirement", "-e", "--editable")  # what lies there is not in the line


@dataclass(frozen=True)
class Requirement:
    """One line. `name` is empty for an option or a path: then nothing more is known of it."""

    line: str
    name: str = ""
    specifier: str = ""  # "==1.2", ">=2,<3", or a URL
    pinned: bool = False  # exactly one version is possible


def lines(text: str) -> list[str]:
    """Return the requirement lines of a requirements.txt: joined continuations, no comments, no blanks."""
    joined = text.replace("\\\r\n", " ").replace("\\\n", " ")
    stripped = (line.split(" #")[0].strip() for line in joined.splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


def parse(line: str) -> Requirement:
    """Read one line. Never raises: what pip would not understand is returned without a name."""
    try:
        parsed = packaging_requirements.Requirement(line.split(" --hash")[0].strip())
    except (packaging_requirements.InvalidRequirement, RecursionError):  # the latter: brackets in brackets
        return Requirement(line)
    name = canonicalize_name(parsed.name)
    if parsed.url:
        return Requirement(line, name, parsed.url, pinned="@" in parsed.url.rsplit("/", 1)[-1])
    parts = list(parsed.specifier)
    pinned = any(part.operator in ("==", "===") and "*" not in part.version for part in parts)
    return Requirement(line, name, str(parsed.specifier), pinned)


def unpinned(requirement_lines: list[str]) -> list[str]:
    """Return the lines that allow more than one version, or cannot be understood. Options (--…) do not count."""
    return [line for line in requirement_lines if not is_option(line) and not parse(line).pinned]


def is_option(line: str) -> bool:
    """Return whether a line only says how to install; one that names another file or a folder brings packages in."""
    return line.startswith("-") and not line.startswith(BRINGING)
