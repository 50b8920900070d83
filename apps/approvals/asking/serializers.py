"""Asking for moves as the API speaks of it: one request, a draft, many at once, many signed at once."""

from typing import Any

from rest_framework import serializers

from apps.approvals.bulk import MOST
from apps.approvals.models import Meaning, Verdict
from apps.approvals.signing_form import MAX_NAME, MAX_PASSWORD
from apps.approvals.texts import MAX_TICKET
from apps.registry.models import Stage
from apps.strict import Strict
from apps.texts import MAX_TEXT

MAX_ALIAS = 255
DIGEST = r"\A[0-9a-f]{64}\Z"


class DraftIn(Strict):
    """What a draft says; what is not named stays as it is. `to_stage` and `alias` take the place of each other."""

    to_stage = serializers.ChoiceField(choices=Stage.choices, required=False)
    alias = serializers.CharField(max_length=MAX_ALIAS, required=False, help_text="A protected alias.")
    reason = serializers.CharField(max_length=MAX_TEXT, required=False, allow_blank=True)
    roll_out = serializers.CharField(
        max_length=MAX_TEXT, required=False, allow_blank=True, help_text="How it goes live."
    )
    roll_back = serializers.CharField(
        max_length=MAX_TEXT, required=False, allow_blank=True, help_text="How to go back."
    )
    ticket = serializers.CharField(
        max_length=MAX_TICKET, required=False, allow_blank=True, help_text="Its https address, or its name."
    )
    archive_existing = serializers.BooleanField(
        required=False, allow_null=True, help_text="Null or absent: as the policy proposes."
    )


class RequestIn(DraftIn):
    """Ask to move a version to a stage, or a protected alias to a version. Name one of `to_stage` and `alias`."""

    model = serializers.CharField(trim_whitespace=False)
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    reason = serializers.CharField(max_length=MAX_TEXT, allow_blank=True, help_text="Empty for a draft alone.")
    draft = serializers.BooleanField(required=False, default=False, help_text="Kept for you alone until you submit it.")
    follows = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, required=False, help_text="A closed request that is asked again."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Want a reason of everything but a draft, and one target."""
        if not attrs["draft"] and not attrs["reason"]:
            raise serializers.ValidationError({"reason": ["Write why. Only a draft may be without a reason."]})
        if bool(attrs.get("to_stage")) == bool(attrs.get("alias")):
            field = "alias" if attrs.get("alias") else "to_stage"
            raise serializers.ValidationError({field: ["Name one target: to_stage, or alias."]})
        return attrs


class BulkIn(Strict):
    """Ask for many moves: each is a request of its own, with its own result."""

    requests = RequestIn(many=True, allow_empty=False, max_length=MOST)  # type: ignore[call-arg]  # many takes it


class SignedItemIn(Strict):
    """A request and the digest of its evidence as it was read."""

    request = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    evidence_digest = serializers.RegexField(DIGEST)


class BulkReviewIn(Strict):
    """Say the same of many requests, with one password. Each is signed by itself, and has its own result."""

    items = SignedItemIn(many=True, allow_empty=False, max_length=MOST)  # type: ignore[call-arg]  # likewise
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    comment = serializers.CharField(max_length=MAX_TEXT, required=False, allow_blank=True, default="")
    meaning = serializers.ChoiceField(choices=Meaning.choices, required=False, default=Meaning.APPROVAL.value)
    on_behalf_of = serializers.CharField(max_length=MAX_NAME, required=False, default="")
    password = serializers.CharField(
        max_length=MAX_PASSWORD, required=False, default="", trim_whitespace=False, write_only=True
    )


class ResultOut(serializers.Serializer):
    """How one item ended."""

    request = serializers.IntegerField(source="request_id", allow_null=True, help_text="Null: no request came of it.")
    ok = serializers.BooleanField()
    state = serializers.CharField(help_text="Of the request afterwards; empty when it failed.")
    error = serializers.CharField(help_text="Why it was refused; empty when it worked.")
    code = serializers.CharField(help_text="The error's code, as in a problem.")
    field = serializers.CharField(help_text="The field at fault, where one is.")


class ResultsOut(serializers.Serializer):
    """How all of them ended, in the order in which they were sent."""

    results = ResultOut(many=True)
