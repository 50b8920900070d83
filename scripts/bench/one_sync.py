"""One sync in a process of its own. Prints, as JSON: seconds, calls to MLflow, counts, and the peak of memory (MB)."""

import json
import resource
import sys
import time

import django


def main() -> None:
    """Sync, also what is known already where `--full` is given."""
    django.setup()
    from apps.registry.sync import synchronise

    before = _peak()
    began = time.perf_counter()
    run = synchronise(requested_by="bench", full="--full" in sys.argv)
    took = time.perf_counter() - began
    found = {"seconds": took, "calls": run.counts.get("calls", 0), "kind": run.kind, "counts": run.counts}
    sys.stdout.write(json.dumps(found | {"before": before, "peak": _peak()}))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
