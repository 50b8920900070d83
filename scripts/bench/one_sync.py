"""One pass over MLflow in a process of its own: the sync that is due, `--full`, or `--changes`.

Prints, as JSON: seconds, calls to MLflow, counts, and the peak of memory (MB).
"""

import json
import resource
import sys
import time
from typing import Any

import django


def main() -> None:
    """Sync, and say what it took."""
    django.setup()
    before = _peak()
    began = time.perf_counter()
    run = _changes() if "--changes" in sys.argv else _sync()
    took = time.perf_counter() - began
    found = {"seconds": took, "calls": run.counts.get("calls", 0), "kind": run.kind, "counts": run.counts}
    sys.stdout.write(json.dumps(found | {"before": before, "peak": _peak()}))


def _sync() -> Any:
    from apps.registry.sync import synchronise

    return synchronise(requested_by="bench", full="--full" in sys.argv)


def _changes() -> Any:
    """Look only at what changed, however small the registry is."""
    from apps.registry.models import DEFAULT_CONNECTION, SyncKind
    from apps.registry.syncing import changes, runs

    with runs.opened(DEFAULT_CONNECTION, SyncKind.CHANGES, "bench") as opened:
        changes.work(opened)
    return opened.run


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
