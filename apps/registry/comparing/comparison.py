"""Two to five versions side by side."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from apps.registry.comparing import signature
from apps.registry.comparing.directions import Directions
from apps.registry.comparing.metrics import MetricRow, metric_rows
from apps.registry.comparing.packages import package_rows, runtime_rows
from apps.registry.comparing.rows import Row, count_changed, rows
from apps.registry.models import ModelVersion

EVALUATION = ("eval", "test", "valid", "holdout")  # words of a data set's context: what metrics are measured on


@dataclass(frozen=True)
class Comparison:
    """The whole comparison. `versions[0]` is the base; each list of rows has a value for every version.

    Signature rows are columns by name, with texts such as "double" or "long, optional". Files are sizes in bytes.
    Pictures are places in a version's list of pictures, by title.
    """

    versions: tuple[ModelVersion, ...]
    metrics: list[MetricRow]
    params: list[Row]
    inputs: list[Row]
    outputs: list[Row]
    signature_params: list[Row]
    runtime: list[Row]
    requirements: list[Row]
    datasets: list[Row]
    files: list[Row]
    tags: list[Row]
    pictures: list[Row]

    @property
    def base(self) -> ModelVersion:
        """The version that the others are compared with."""
        return self.versions[0]

    @property
    def candidate(self) -> ModelVersion:
        """The first version compared with it."""
        return self.versions[1]

    @property
    def signature(self) -> list[Row]:
        """Inputs, outputs and params in one list."""
        return [*self.inputs, *self.outputs, *self.signature_params]

    @cached_property
    def summaries(self) -> list[dict[str, int]]:
        """For each version after the base: how many metrics are better, worse, same, unknown; how much else differs."""
        return [self._summary(place) for place in range(len(self.versions) - 1)]

    @property
    def summary(self) -> dict[str, int]:
        """The summary of the first version after the base."""
        return self.summaries[0]

    def same_data(self, place: int) -> bool | None:
        """Return whether a later version (counted from 0) was measured on the base's data; None: nobody can tell."""
        ours, theirs = measured_on(self.base), measured_on(self.versions[place + 1])
        return ours == theirs if ours and theirs else None

    def reordered(self, place: int) -> list[str]:
        """Return the parts of the signature whose common columns stand in another order in that later version."""
        later = self.versions[place + 1].signature
        return [part for part in signature.PARTS if signature.reordered(self.base.signature, later, part)]

    def _summary(self, place: int) -> dict[str, int]:
        verdicts = [row.cells[place].verdict for row in self.metrics]
        counts = {word: verdicts.count(word) for word in ("better", "worse", "same", "unknown")}
        counts["breaking"] = sum(row.effects[place] == signature.BREAKING for row in self.signature)
        parts = ("params", "signature", "requirements", "datasets", "runtime", "files", "tags")
        return counts | {part: count_changed(getattr(self, part), place) for part in parts}


def compare(base: ModelVersion, *others: ModelVersion, directions: Directions) -> Comparison:
    """Compare one or more versions with a base, by what the mirror holds. Pure: reads nothing."""
    versions = [base, *others]
    signatures = [version.signature for version in versions]
    inputs, outputs, extra = (signature.signature_rows(signatures, part) for part in signature.PARTS)
    return Comparison(
        versions=tuple(versions),
        metrics=metric_rows([version.metrics for version in versions], directions),
        params=rows([version.params for version in versions]),
        inputs=inputs,
        outputs=outputs,
        signature_params=extra,
        runtime=runtime_rows(versions),
        requirements=package_rows(versions),
        datasets=rows([_datasets(version) for version in versions]),
        files=rows([_files(version) for version in versions]),
        tags=rows([version.tags for version in versions]),
        pictures=rows([_pictures(version) for version in versions]),
    )


def measured_on(version: ModelVersion) -> frozenset[str]:
    """Return the digests of the data that the metrics were measured on: those for evaluation, else all."""
    logged = [row for row in version.datasets if row.get("digest")]
    for_evaluation = [row for row in logged if any(word in str(row.get("context")).lower() for word in EVALUATION)]
    return frozenset(str(row["digest"]) for row in for_evaluation or logged)


def _datasets(version: ModelVersion) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row in version.datasets:
        name = f"{row['name']} ({row['context']})" if row.get("context") else row["name"]
        found[name] = f"{found[name]}, {row.get('digest', '')}" if name in found else row.get("digest", "")
    return found


def _files(version: ModelVersion) -> dict[str, Any]:
    return {row["path"]: row["size"] for row in version.files or [] if row.get("size") is not None}


def _pictures(version: ModelVersion) -> dict[str, Any]:
    return {row["title"] or row["path"]: place for place, row in enumerate(version.pictures)}
