"""What the generated schema cannot know by itself: which errors an operation answers, all in one shape."""

from typing import Any

ERRORS = {
    "400": "A parameter or a field is unknown or malformed; `errors` names it.",
    "401": "No token, or one that is unknown, expired or revoked.",
    "403": "You may see it but not do this; or a rule forbids it.",
    "404": "It does not exist, or you may not see it: the answer is the same.",
    "409": "Somebody was first, or it changed since you read it.",
    "412": "Another revision is the newest by now; `ETag` names it.",
    "413": "The body is larger than 2 MB.",
    "415": "The body is not JSON.",
    "428": "Without `If-Match`: say which revision you changed.",
    "429": "Too many requests; `Retry-After` says how many seconds to wait.",
    "503": "MLflow did not answer; nothing was changed.",
}
FURTHER = {
    "access_reviews_cancel_create": ("409",),
    "access_reviews_create": ("409",),
    "access_reviews_end_create": ("409",),
    "as_of": ("404",),
    "audit_checkpoints_create": ("409",),
    "cards_comments_create": ("409",),
    "cards_comments_resolve_create": ("409",),
    "cards_edit": ("409", "412", "428"),
    "cards_compare": ("400",),
    "cards_export": ("400",),
    "cards_import": ("409", "412", "428"),
    "cards_import_preview": ("409",),
    "cards_refresh": ("400", "409", "412", "428"),
    "cards_replace": ("409", "412", "428"),
    "cards_requirements_publish": ("409",),
    "cards_start": ("400", "409"),
    "cards_step": ("409",),
    "compare_retrieve": ("404",),
    "compliance_controls_update": ("404", "409"),
    "conditions_meet_create": ("409",),
    "conflicts_list": ("403",),
    "connections_create": ("409",),
    "connections_list": ("403",),
    "connections_partial_update": ("409",),
    "connections_retrieve": ("403",),
    "connections_webhook_create": ("409", "503"),
    "connections_webhook_destroy": ("409", "503"),
    "delegations_create": ("409",),
    "delegations_revoke_create": ("409",),
    "drift_accept_create": ("409",),
    "drift_request_create": ("409", "503"),
    "drift_revert_create": ("409",),
    "freezes_lift_create": ("409",),
    "gate_read": ("404",),
    "grants_create": ("404", "409"),
    "grants_end_create": ("409",),
    "holds_create": ("404", "409"),
    "holds_lift_create": ("409",),
    "may_read": ("404",),
    "models_rollback_create": ("409", "503"),
    "models_versions_check_data_create": ("409",),
    "models_versions_checks_create": ("409",),
    "models_versions_evidence_create": ("409",),
    "policies_destroy": ("409",),
    "policies_partial_update": ("409",),
    "policies_publish_create": ("409",),
    "protected_aliases_create": ("409",),
    "requests_after_review_create": ("409",),
    "requests_bypass_confirm_create": ("409",),
    "requests_bypass_create": ("409",),
    "requests_bypass_drop_create": ("409",),
    "requests_create": ("404", "409", "503"),
    "requests_discard_create": ("409",),
    "requests_dismiss_objection_create": ("409",),
    "requests_evidence_create": ("409",),
    "requests_partial_update": ("409",),
    "requests_recertify_create": ("409",),
    "requests_repin_create": ("409",),
    "requests_retry_create": ("409",),
    "requests_reviews_create": ("409", "503"),
    "requests_submit_create": ("409", "503"),
    "requests_supersede_create": ("409",),
    "requests_waivers_create": ("409",),
    "requests_waivers_revoke_create": ("409",),
    "requests_withdraw_create": ("409",),
    "sync_create": ("409",),
    "sync_runs_cancel_create": ("409",),
    "sync_runs_retrieve": ("403",),
    "tokens_create": ("404", "409"),
    "tokens_renew_create": ("409",),
    "views_create": ("409",),
    "views_partial_update": ("409",),
    "webhooks_create": ("409",),
    "webhooks_deliveries_list": ("403",),
    "webhooks_deliveries_resend_create": ("409",),
    "webhooks_list": ("403",),
    "webhooks_partial_update": ("409",),
    "webhooks_retrieve": ("403",),
}
FIELD_AT_FAULT = {
    "type": "object",
    "description": "What is wrong with one field.",
    "properties": {
        "field": {"type": "string", "description": "The parameter or field; `body` for the whole body."},
        "message": {"type": "string"},
    },
    "required": ["field", "message"],
}
PROBLEM = {
    "type": "object",
    "description": "Any error: problem details (RFC 9457).",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable, for programs: `invalid`, `not_found`, `conflict`, …"},
        "detail": {"type": "string", "description": "What happened, why, and what to do next; for people."},
        "errors": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/FieldAtFault"},
            "description": "The fields at fault; empty when it is none of them.",
        },
    },
    "required": ["type", "title", "status", "code", "detail", "errors"],
}


def describe_errors(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Add the error answers to every operation (a postprocessing hook of drf-spectacular)."""
    schemas = result["components"]["schemas"]
    schemas["FieldAtFault"], schemas["Problem"] = FIELD_AT_FAULT, PROBLEM
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            for status in error_statuses(path, method, operation):
                operation["responses"][status] = {"description": ERRORS[status], "content": content}
    return result


def error_statuses(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    """Return the statuses of the errors that an operation answers, in order."""
    statuses = {"401", "429", *FURTHER.get(operation["operationId"], ())}
    if method == "get" or "requestBody" in operation:
        statuses.add("400")  # what is not known is refused, in the query and in the body
    if "requestBody" in operation:
        statuses |= {"413", "415"}
    if method != "get":
        statuses.add("403")
    if "{" in path:
        statuses.add("404")
    return sorted(statuses)
