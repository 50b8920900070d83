"""The matrix as the API and the exports speak it."""

from typing import Any

from rest_framework import serializers

from apps.compliance.controls.outcomes import Outcome
from apps.compliance.controls.table import CONTROLS
from apps.compliance.matrix.keeping import State
from apps.compliance.matrix.queries import Row
from apps.compliance.models import Severity
from apps.strict import Strict

MOST_ROWS = 200
NAMES = [(control.name, control.label) for control in CONTROLS]
OUTCOMES = [(outcome.value, outcome.value) for outcome in Outcome]


class MatrixQuery(Strict):
    """What is asked of the matrix."""

    at = serializers.CharField(
        required=False, help_text="2026-05-03 or 2026-05-03T12:00, UTC unless it names a zone. Absent: now."
    )
    q = serializers.CharField(required=False, max_length=250, help_text="Words in names, tags, owners.")
    risk = serializers.CharField(required=False, max_length=250, help_text="A risk tier.")
    control = serializers.ChoiceField(choices=NAMES, required=False)
    outcome = serializers.ChoiceField(choices=OUTCOMES, required=False, help_text="Of `control`, or of any.")
    cursor = serializers.CharField(required=False, help_text="From `next` or `previous`.")
    page_size = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, default=50)


class StandingOut(serializers.Serializer):
    """What a control says of a model."""

    control = serializers.CharField(source="column.control.name")
    severity = serializers.ChoiceField(Severity.choices, source="column.setting.severity")
    outcome = serializers.ChoiceField(OUTCOMES, source="finding.outcome")
    reason = serializers.CharField(source="finding.reason")
    link = serializers.CharField(
        source="finding.url", allow_blank=True, help_text="The path of what mends or shows it."
    )


class ModelStandingOut(serializers.Serializer):
    """A model with what each control says of it."""

    model = serializers.CharField(source="model.reference", help_text="By which it is found now.")
    name = serializers.CharField(source="facts.reference", help_text="What it was called at that moment.")
    risk = serializers.CharField(source="facts.risk", allow_blank=True, help_text="Its risk tier at that moment.")
    production = serializers.SerializerMethodField(help_text="The versions in Production at that moment.")
    held = serializers.SerializerMethodField(help_text="Whether it, or a version of it, was on legal hold.")
    controls = StandingOut(source="cells", many=True)

    def get_production(self, row: Row) -> list[int]:
        return [placed.version.number for placed in row.facts.placed]

    def get_held(self, row: Row) -> bool:
        return bool(row.facts.holds)


class MatrixOut(serializers.Serializer):
    """A page of the matrix. Filtered by outcome it has no previous page, and may hold fewer rows than asked for."""

    at: Any = serializers.DateTimeField(allow_null=True, help_text="Null: now.")
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    looked_at = serializers.IntegerField(help_text="Models that were judged for this page.")
    results = ModelStandingOut(many=True)


class CountOut(serializers.Serializer):
    """How many visible models stand how to a control."""

    control = serializers.CharField()
    met = serializers.IntegerField()
    not_met = serializers.IntegerField()
    unknown = serializers.IntegerField()
    not_applicable = serializers.IntegerField()
    judged_at: Any = serializers.DateTimeField(
        help_text="When the models were judged for it: more than 500 are judged by a worker, some minutes ago at most."
    )


class CountingOut(serializers.Serializer):
    """There are many models, and a worker judges them: ask the same again in some seconds."""

    state = serializers.ChoiceField(
        [State.COUNTING.value, State.FAILED.value], help_text="failed: the worker gave up, and begins anew in a minute."
    )
