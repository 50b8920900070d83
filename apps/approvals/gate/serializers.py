"""The gate as the API speaks it."""

from typing import Any

from rest_framework import serializers

from apps.approvals.gate.deciding import Decision, Target
from apps.approvals.gate.reasons import Severity
from apps.strict import Strict

ALLOW, DENY = "allow", "deny"
ACCEPT = {"applied": "Only what is applied in MLflow.", "approved": "What has every approval will do."}


class GateQuery(Strict):
    """What the gate is asked."""

    model = serializers.CharField(help_text="The model's exact name.", trim_whitespace=False)
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    target = serializers.CharField(
        trim_whitespace=False, help_text="A stage, or an alias with its @: Production, @champion."
    )
    accept = serializers.ChoiceField(
        choices=list(ACCEPT),
        default="applied",
        help_text="applied: only what is applied in MLflow is allowed; approved: every approval is enough.",
    )


class GateReasonOut(serializers.Serializer):
    """A reason. One of severity deny is enough to deny; warnings only have to be known."""

    code = serializers.CharField(help_text="For programs, for example no_request, rule, check, drift, lapsed.")
    severity = serializers.ChoiceField([str(severity) for severity in Severity])
    sentence = serializers.CharField()
    remedy = serializers.CharField(allow_blank=True, help_text="Who can do what about it; empty: it settles by itself.")
    url = serializers.URLField(help_text="Where that is done.")


class GateOut(serializers.Serializer):
    """What the gate says."""

    decision = serializers.ChoiceField([ALLOW, DENY])
    model = serializers.CharField()
    version = serializers.IntegerField()
    target = serializers.CharField()
    reasons = GateReasonOut(many=True)
    request = serializers.IntegerField(allow_null=True, help_text="The request that it rests on; null: there is none.")
    policy = serializers.IntegerField(allow_null=True, help_text="The policy's number; null: none governs this.")
    policy_version = serializers.IntegerField(allow_null=True, help_text="The revision of that policy.")
    evidence_digest = serializers.CharField(allow_blank=True, help_text="SHA-256 of what was signed; may be empty.")
    valid_until = serializers.DateTimeField(
        allow_null=True, help_text="When an allow ends by itself; null: it holds until something changes."
    )


def as_data(decision: Decision, model: str, version: int, target: Target, absolute: Any) -> dict[str, Any]:
    """Return a decision as GateOut shows it; `absolute` makes an address of a path."""
    request, policy = decision.request, decision.policy
    return {
        "decision": ALLOW if decision.allow else DENY,
        "model": model,
        "version": version,
        "target": str(target),
        "reasons": [
            {
                "code": str(reason.code),
                "severity": str(reason.severity),
                "sentence": reason.sentence,
                "remedy": reason.remedy,
                "url": absolute(reason.url) if reason.url else "",
            }
            for reason in decision.reasons
        ],
        "request": request.pk if request else None,
        "policy": policy.pk if policy else None,
        "policy_version": policy.revision if policy else None,
        "evidence_digest": decision.evidence_digest,
        "valid_until": decision.valid_until,
    }
