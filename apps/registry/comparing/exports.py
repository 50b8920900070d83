"""A comparison as a file for a spreadsheet."""

import csv
import io
import re
from typing import Any

from apps.cells import safe
from apps.masking import masked
from apps.registry.comparing import Comparison, Row

LONGEST_NAME = 60


def csv_text(comparison: Comparison) -> str:
    """Return one line for each thing compared: part, name, change, a value per version, and what metrics mean."""
    target = io.StringIO()
    lines = csv.writer(target)
    names = [f"{version.model.reference}@{version.number}" for version in comparison.versions]
    judged = [f"{word} {name}" for name in names[1:] for word in ("difference", "percent", "verdict")]
    lines.writerow([safe(text) for text in ("part", "name", "change", *names, "direction", *judged)])
    for row in comparison.metrics:
        cells = [part for cell in row.cells for part in (cell.delta, cell.percent, cell.verdict)]
        change = Row(row.name, row.values).change
        lines.writerow(_safe_line("metric", row.name, change, *row.values, row.direction, *cells))
    for part, rows in _parts(comparison).items():
        for other in rows:
            effects = [text for effect in other.effects or ("",) * (len(names) - 1) for text in ("", "", effect)]
            lines.writerow(_safe_line(part, other.name, other.change, *other.values, "", *effects))
    return target.getvalue()


def file_name(comparison: Comparison, extension: str) -> str:
    """Name the file after what is compared: "compare-churn-v1-v2.csv", "compare-churn-v1-fraud-v3.json"."""
    parts, last = ["compare"], None
    for version in comparison.versions:
        if version.model_id != last:
            parts.append(
                re.sub(r"[^A-Za-z0-9._-]+", "-", version.model.reference).strip("-.")[:LONGEST_NAME] or "model"
            )
        parts.append(f"v{version.number}")
        last = version.model_id
    return f"{'-'.join(parts)}.{extension}"


def _parts(comparison: Comparison) -> dict[str, list[Row]]:
    return {
        "parameter": comparison.params,
        "input": comparison.inputs,
        "output": comparison.outputs,
        "signature parameter": comparison.signature_params,
        "runtime": comparison.runtime,
        "package": comparison.requirements,
        "data set": comparison.datasets,
        "file": comparison.files,
        "tag": comparison.tags,
    }


def _safe_line(*values: Any) -> list[Any]:
    return [safe(value) for value in masked(values)]
