"""What a reviewer signs: everything that makes the version what it is and what it is to be, and its digest.

`collect` is the version alone, `of` all that a request is about. What each digest stood for is kept (`keep`), so that
everybody can be shown what changed since they signed (`since`). Whose signature falls by it: staleness.py.

Descriptions, cosmetic tags, aliases and the fate of other versions are left out: a sign-off outlives their change.
Numbers are written so that both databases give back the same text: a metric is text (MLflow can store NaN and
infinity, which JSON does not have), a float elsewhere is a whole number where it is one, and text where it is not.
"""

import hashlib
from typing import Any, NamedTuple

from apps.approvals import checks, pinning
from apps.approvals.at_once import once_while_looking
from apps.approvals.models import ApprovalRequest, EvidenceSnapshot, Review, Scope
from apps.audit.chain import canonical_json
from apps.modelcards import queries as cards
from apps.registry.details.keeping import COMPLETE
from apps.registry.figures import metric_text
from apps.registry.models import ModelVersion

SOURCE_TAGS = "mlflow.source."  # commit, repository, file name and kind of the code that trained it
SCOPES = {
    "run": Scope.METRICS,
    "params": Scope.METRICS,
    "metrics": Scope.METRICS,
    "datasets": Scope.METRICS,
    "requirements": Scope.DEPENDENCIES,
    "environment": Scope.DEPENDENCIES,
    "card": Scope.CARD,
    "checks": Scope.CHECKLIST,
    "reports": Scope.CHECKLIST,
    "policy": Scope.CHECKLIST,
    "makers": Scope.CHECKLIST,  # they say which policy governs and whom it bars, as the policy does
    "selection": Scope.CHECKLIST,
}


class Change(NamedTuple):
    """One field of the evidence that is not what it was; `before` or `after` is None where the field was absent."""

    field: str
    before: Any
    after: Any


def collect(version: ModelVersion) -> dict[str, Any]:
    """Return the evidence on a version, from the mirror."""
    run = version.run or {}
    return {
        "model": version.model.reference,
        "version": version.number,
        "source": version.source,
        "run_id": version.run_id,
        "run": {
            "status": run.get("status"),
            "user": run.get("user"),
            "source": {
                name: plain(value) for name, value in (run.get("tags") or {}).items() if name.startswith(SOURCE_TAGS)
            },
        },
        "params": plain(version.params),
        "metrics": {name: metric_text(value) for name, value in version.metrics.items()},
        "datasets": plain(version.datasets),
        "signature": plain(version.signature),
        "requirements": plain(version.requirements),
        "mlmodel": plain(version.mlmodel),
    }


def material(version: ModelVersion) -> dict[str, Any]:
    """Return the evidence on a version with what lies in its folder.

    `files` is {path: size}, or None when they could not be listed; `environment` is None until it was read; `bytes` is
    {path: SHA-256} of the files whose digest is known, and absent where none is.
    """
    bytes_of = {row["path"]: row["sha256"] for row in version.files or [] if row.get("sha256")}
    environment = {key: value for key, value in version.environment.items() if key != COMPLETE}
    return {
        **collect(version),
        "artifact": version.artifact_digest,
        "files": sizes(version),
        **({"bytes": bytes_of} if bytes_of else {}),
        "environment": plain(environment) if version.environment.get(COMPLETE) else None,
    }


@once_while_looking
def of(request: ApprovalRequest) -> dict[str, Any]:
    """Return all that a request is about, from the mirror and the checks as they are now: what is signed."""
    policy = request.policy
    return {
        **material(request.version),
        "target": request.target,
        "policy": {"id": policy.pk, "revision": policy.revision} if policy else None,
        "makers": plain(pinning.makers(request)),
        "selection": plain(pinning.selection(request)),
        **_checked(request),
        "card": cards.reading(request.version),
    }


def scope_of(field: str) -> Scope:
    """Return which part of the evidence a field belongs to, by its dotted name: "metrics.f1" → metrics.

    What nothing is known about belongs to the artifact: its change dismisses every vote.
    """
    return SCOPES.get(field.partition(".")[0], Scope.ARTIFACT)


def take(request: ApprovalRequest) -> None:
    """Set on the request what it is about at this moment, and the digest. The caller saves, and then calls `keep`."""
    request.evidence = of(request)
    request.evidence_digest = digest(request.evidence)


def keep(request: ApprovalRequest) -> None:
    """Keep what the request's present digest stands for, in the caller's transaction; once for each digest."""
    EvidenceSnapshot.objects.get_or_create(
        request=request, digest=request.evidence_digest, defaults={"content": request.evidence}
    )


def kept(request: ApprovalRequest, digest: str) -> dict[str, Any] | None:
    """Return what a digest of this request stood for, or None when it never had that one."""
    if digest == request.evidence_digest:
        return request.evidence
    return request.snapshots.filter(digest=digest).values_list("content", flat=True).first()


def since(review: Review) -> list[Change]:
    """Return what changed in the request's evidence since it was signed; nothing where what was signed is not kept."""
    request = review.request
    signed = kept(request, review.evidence_digest)
    return changes(signed, request.evidence) if signed else []


def digest(evidence: dict[str, Any]) -> str:
    """Return the SHA-256 of the evidence, 64 hex digits: equal exactly when the evidence is equal."""
    return hashlib.sha256(canonical_json(evidence).encode()).hexdigest()


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """Return what differs, by dotted field name, in alphabetical order: ("metrics.accuracy", "0.91", "0.88")."""
    before, after = _flat(old), _flat(new)
    return [
        Change(field, before.get(field), after.get(field))
        for field in sorted(before.keys() | after.keys())
        if field not in before or field not in after or before[field] != after[field]
    ]


def plain(value: Any) -> Any:
    """Return `value` as JSON that reads the same from either database."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return int(value) if value.is_integer() else metric_text(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _checked(request: ApprovalRequest) -> dict[str, Any]:
    """Return how each check ended, and what the reports of pipelines say, word for word."""
    results = checks.results(request)
    return {
        "checks": {row.name: str(row.outcome) for row in results},
        "reports": {row.name: plain(row.said) for row in results if row.said},
    }


def sizes(version: ModelVersion) -> dict[str, Any] | None:
    """Return the size of each file by path: a change names the file."""
    return None if version.files is None else {row["path"]: row.get("size") for row in version.files}


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested objects as one level of dotted names; an empty object is a value of its own."""
    flat: dict[str, Any] = {}
    for key, item in value.items():
        name = f"{prefix}{key}"
        flat |= _flat(item, f"{name}.") if isinstance(item, dict) and item else {name: item}
    return flat
