"""What stands in an evidence package, as JSON: facts alone, and none of them the time of asking."""

from typing import Any

from django.db.models import QuerySet

from apps.approvals import evidence, exporting, findings
from apps.approvals.models import ApprovalRequest, Bypass, DriftFinding, ExternalCheck, Recertification, Waiver
from apps.compliance.models import LegalHold
from apps.masking import masked
from apps.registry.models import ModelVersion, Placement

# What of an exported request depends on the moment, or stands in files of its own.
ELSEWHERE = ("blockers", "seats", "events", "checks", "evidence", "snapshots", "signatures")
moment = exporting.moment


def of_model(version: ModelVersion) -> dict[str, Any]:
    """Return the registered model as MLflow says it."""
    model = version.model
    return {
        "name": model.reference,
        "description": model.description,
        "tags": model.tags,
        "owner": model.owner,
        "risk": model.risk,
        "created_at": moment(model.created_at),
        "deleted_at": moment(model.deleted_at),
    }


def of_version(version: ModelVersion) -> dict[str, Any]:
    """Return the version with what its run and files say, as it would be signed."""
    return {
        **evidence.material(version),
        "stage": version.stage,
        "aliases": sorted(version.aliases.values_list("alias", flat=True)),
        "description": version.description,
        "tags": version.tags,
        "created_at": moment(version.created_at),
        "deleted_at": moment(version.deleted_at),
        "placements": [_placement(row) for row in Placement.objects.filter(version=version).order_by("since", "id")],
    }


def of_request(asked: ApprovalRequest) -> dict[str, Any]:
    """Return the parts of a request by the name of their file, without its evidence."""
    whole = exporting.exported(asked)
    checks = [dict(row) for row in whole["checks"]]
    if findings.live(asked):  # looked at now: the time is that of asking
        checks = [{**row, "at": None} for row in checks if row]
    return {
        "request": {name: value for name, value in whole.items() if name not in ELSEWHERE},
        "signatures": whole["signatures"],
        "checks": checks,
        "exceptions": _exceptions(asked),
    }


def documents(asked: ApprovalRequest) -> dict[str, Any]:
    """Return what each digest stood for that anybody was ever asked to sign: digest → document."""
    kept = {row.digest: row.content for row in asked.snapshots.order_by("id")}
    return kept | ({asked.evidence_digest: asked.evidence} if asked.evidence_digest else {})


def of_reports(version: ModelVersion) -> list[dict[str, Any]]:
    """Return what pipelines reported about the version, every report."""
    rows = ExternalCheck.objects.filter(version=version).select_related("reporter").order_by("id")
    fields = ("id", "name", "outcome", "detail", "link", "inputs", "current")
    return [
        {name: getattr(row, name) for name in fields}
        | {
            "reporter": row.reporter.get_username(),
            "reported_at": moment(row.reported_at),
            "valid_until": moment(row.valid_until),
        }
        for row in rows
    ]


def of_drift(version: ModelVersion) -> list[dict[str, Any]]:
    """Return what MLflow said of the version otherwise than the decisions."""
    fields = ("id", "kind", "alias", "expected", "found", "details", "state", "settled_by", "reason", "decision_id")
    return [
        {name: getattr(row, name) for name in fields}
        | {"first_seen_at": moment(row.first_seen_at), "settled_at": moment(row.settled_at)}
        for row in DriftFinding.objects.filter(version=version).order_by("id")
    ]


def of_holds(version: ModelVersion) -> list[dict[str, Any]]:
    """Return the legal holds of the version and of its model, lifted ones too."""
    rows = LegalHold.objects.filter(model=version.model_id).select_related("version", "set_by", "lifted_by")
    rows = rows.prefetch_related("breaches__version").order_by("id")
    return [_hold(row) for row in rows if row.version_id in (None, version.pk)]


def visible(value: Any) -> Any:
    """Return a record with the credentials in its addresses masked."""
    return masked(value)


def _placement(row: Placement) -> dict[str, Any]:
    return {
        "place": row.place,
        "since": moment(row.since),
        "at_latest": row.at_latest,
        "until": moment(row.until),
        "source": row.source,
        "request": row.request,
    }


def _hold(hold: LegalHold) -> dict[str, Any]:
    return {
        "id": hold.pk,
        "version": hold.version.number if hold.version else None,
        "reason": hold.reason,
        "set_by": hold.set_by.get_username(),
        "set_at": moment(hold.set_at),
        "lifted_by": hold.lifted_by.get_username() if hold.lifted_by else None,
        "lifted_at": moment(hold.lifted_at),
        "lift_reason": hold.lift_reason,
        "breaches": [
            {
                "version": row.version.number if row.version else None,
                "what": row.what,
                "found_at": moment(row.found_at),
            }
            for row in hold.breaches.all()
        ],
    }


def _exceptions(asked: ApprovalRequest) -> dict[str, Any]:
    """Return the ways beside the ordinary that the request took, and who answered for them."""
    review = getattr(asked, "after_review", None)
    return {
        "bypasses": [_bypass(row) for row in _of(Bypass.objects, asked, "asked_by", "confirmed_by")],
        "after_review": _after_review(review) if review else None,
        "recertifications": [_recertification(row) for row in _of(Recertification.objects, asked, "reviewer")],
        "waivers": [_waiver(row) for row in _of(Waiver.objects, asked, "waived_by")],
    }


def _of(rows: Any, asked: ApprovalRequest, *people: str) -> QuerySet:
    found: QuerySet = rows.filter(request=asked).select_related(*people).order_by("id")
    return found


def _bypass(row: Bypass) -> dict[str, Any]:
    return {
        "asked_by": row.asked_by.get_username(),
        "asked_at": moment(row.asked_at),
        "reason": row.reason,
        "ticket": row.ticket,
        "evidence_digest": row.evidence_digest,
        "confirmed_by": row.confirmed_by.get_username() if row.confirmed_by else None,
        "confirmed_at": moment(row.confirmed_at),
        "dropped_at": moment(row.dropped_at),
    }


def _after_review(row: Any) -> dict[str, Any]:
    return {
        "due_at": moment(row.due_at),
        "overdue_at": moment(row.overdue_at),
        "outcome": row.outcome,
        "reviewer": row.reviewer.get_username() if row.reviewer else None,
        "reviewed_at": moment(row.reviewed_at),
        "comment": row.comment,
        "evidence_digest": row.evidence_digest,
    }


def _recertification(row: Recertification) -> dict[str, Any]:
    return {
        "reviewer": row.reviewer.get_username(),
        "at": moment(row.created_at),
        "until": moment(row.until),
        "comment": row.comment,
        "evidence_digest": row.evidence_digest,
    }


def _waiver(row: Waiver) -> dict[str, Any]:
    return {
        "check": row.check_name,
        "reason": row.reason,
        "waived_by": row.waived_by.get_username(),
        "created_at": moment(row.created_at),
        "expires_at": moment(row.expires_at),
        "given_on": row.given_on,
        "revoked_at": moment(row.revoked_at),
        "revoked_by": row.revoked_by,
    }
