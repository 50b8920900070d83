"""Reports of checks, and waivers, as the API speaks them."""

from rest_framework import serializers

from apps.approvals.checks.terms import MAX_INPUTS, MAX_LINK, MAX_VALID_DAYS, MAX_WAIVER_DAYS
from apps.approvals.models import ExternalCheck, ExternalOutcome, Waiver
from apps.approvals.serializers import Strict
from apps.texts import MAX_TEXT


class CheckReportFilter(Strict):
    """Query parameters of the list of reports."""

    name = serializers.CharField(required=False, max_length=100, help_text="The check's exact name.")
    current = serializers.BooleanField(
        required=False, default=None, allow_null=True, help_text="Only the last report of each name, or only others."
    )


class CheckReportIn(Strict):
    """What a check outside Assent found on a version."""

    name = serializers.CharField(
        max_length=100,
        trim_whitespace=False,
        help_text="Small letters, digits, dots, dashes and underscores. A policy requires it as external:NAME.",
    )
    outcome = serializers.ChoiceField(choices=ExternalOutcome.choices)
    detail = serializers.CharField(
        max_length=MAX_TEXT, required=False, allow_blank=True, default="", help_text="What it found, for people."
    )
    link = serializers.CharField(
        max_length=MAX_LINK,
        required=False,
        allow_blank=True,
        default="",
        help_text="Where to read more: an http or https address without a password.",
    )
    inputs = serializers.CharField(
        max_length=MAX_INPUTS,
        required=False,
        allow_blank=True,
        default="",
        help_text="What it looked at, in one line: a commit, a digest.",
    )
    valid_days = serializers.IntegerField(
        min_value=1,
        max_value=MAX_VALID_DAYS,
        required=False,
        allow_null=True,
        default=None,
        help_text="Afterwards it counts as not passed. Null or absent: it holds until the next report.",
    )


class CheckReportOut(serializers.ModelSerializer):
    """A report. Of one name only the last is current."""

    reporter = serializers.CharField(source="reporter.username")

    class Meta:
        model = ExternalCheck
        fields = (
            "id",
            "name",
            "outcome",
            "detail",
            "link",
            "inputs",
            "reporter",
            "reported_at",
            "valid_until",
            "current",
        )


class WaiverIn(Strict):
    """Answer for a check that does not pass."""

    check = serializers.CharField(max_length=120, help_text="Its name, as the request lists it.")
    reason = serializers.CharField(max_length=MAX_TEXT)
    days = serializers.IntegerField(min_value=1, max_value=MAX_WAIVER_DAYS, help_text="For how long.")


class WaiverOut(serializers.ModelSerializer):
    """A waiver. It holds until `expires_at`, unless it was revoked."""

    check = serializers.CharField(source="check_name")
    waived_by = serializers.CharField(source="waived_by.username")

    class Meta:
        model = Waiver
        fields = ("id", "check", "reason", "waived_by", "created_at", "expires_at", "revoked_at", "revoked_by")


class RevokeIn(Strict):
    """Why a waiver is taken back."""

    reason = serializers.CharField(max_length=MAX_TEXT)
