"""Run the parts of the bench that are named, or all. Each database is a run of its own."""

import subprocess
import sys

from scripts.bench.servers import ROOT, python

LARGE = ("sync", "pages", "webhook")
PARTS = ("small", *LARGE, "signoff", "trail", "explorer", "visibility", "compliance", "cards", "gateway")


def main(words: list[str]) -> int:
    """Run them. Returns the exit code."""
    if unknown := set(words) - set(PARTS):
        sys.stderr.write(f"There is no part {', '.join(sorted(unknown))}. Choose from: {', '.join(PARTS)}.\n")
        return 2
    chosen = words or list(PARTS)
    runs = [python("scripts.bench.small")] if "small" in chosen else []
    if large := [part for part in LARGE if part in chosen]:
        runs.append(python("scripts.bench.large", *large))
    alone = ("signoff", "trail", "explorer", "visibility", "compliance", "cards", "gateway")
    runs += [python(f"scripts.bench.{part}") for part in alone if part in chosen]
    return max(subprocess.run(run, cwd=ROOT, check=False).returncode for run in runs)  # noqa: S603 - our own commands


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
