"""The inventory's shapes in the API. Lists are written by hand (rows.py) and queries read by address.py, for speed:
these say what both look like."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from apps.registry.inventory.address import STATES
from apps.registry.inventory.filters import CLOSED, FACETS, MAY_LACK, OPEN, SETTLED
from apps.registry.inventory.saved_views import MAX_NAME
from apps.registry.models import SavedView, Stage

ORDERINGS = {  # how the API names an order → how pages do
    "name": "name", "updated_at": "updated", "owner": "owner", "risk": "risk", "framework": "framework",
    "production_since": "production", "candidate_version": "candidate", "open_requests": "requests",
    "open_drift": "drift", "version_count": "versions",
}  # fmt: skip
MOST_ROWS, ROWS = 1000, 50


def _texts(help_text: str) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(max_length=250), required=False, help_text=help_text)


def _choices(choices: Any, help_text: str) -> serializers.ListField:
    return serializers.ListField(child=serializers.ChoiceField(choices), required=False, help_text=help_text)


class FilterQuery(serializers.Serializer):
    """Which models. Each facet may be given several times: one of its values is enough; all facets must hold."""

    q = serializers.CharField(
        required=False, max_length=250, help_text="Words in name, description, tags, owner or aliases; all must occur."
    )
    stage = _choices(Stage.choices, "Models with a version in this stage.")
    alias = _texts("Models with this alias.")
    tag = _texts("`key` or `key=value`.")
    owner = _texts("From the model's tags.")
    risk = _texts("Risk tier, from the model's tags.")
    framework = _texts("Flavor of the version in Production, else of the newest.")
    card = _choices(CLOSED["card"], "State of the model card of the version in Production, else of the newest.")
    complete = _choices(CLOSED["complete"], "Whether that card has all that the version's stage asks, settled.")
    state = _choices(STATES, "How far the mirror has read the version in Production, else the newest.")
    drift = _choices([OPEN, SETTLED], "Changes in MLflow that no decision covers.")
    requests = _choices([OPEN, SETTLED], "Unfinished requests.")
    connection = _texts("Name of the MLflow server.")
    no = _choices(MAY_LACK, "Models that have none of it.")
    deleted = serializers.ChoiceField(
        ["false", "true", "only"], default="false", help_text="Also models that were deleted in MLflow, or only those."
    )


class ModelQuery(FilterQuery):
    """Which models to list, in which order."""

    ordering = serializers.ChoiceField(
        [f"{sign}{name}" for name in ORDERINGS for sign in ("", "-")],
        default="name",
        help_text="Models without a value come last.",
    )
    page_size = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, default=ROWS)
    cursor = serializers.CharField(required=False, help_text="From `next` or `previous`.")


class FacetQuery(FilterQuery):
    """Which models to count."""

    more = _choices(FACETS, "Facets of which up to 200 values are wanted, not 10.")


class ModelOut(serializers.Serializer):
    """A registered model."""

    name = serializers.CharField()
    connection = serializers.CharField(help_text="The MLflow server that it comes from.")
    reference = serializers.CharField(help_text="How addresses name it: NAME, or CONNECTION:NAME.")
    description = serializers.CharField(allow_blank=True)
    tags = serializers.DictField(child=serializers.CharField())
    aliases = serializers.DictField(child=serializers.IntegerField(), help_text="Alias → version number.")
    owner = serializers.CharField(allow_blank=True, help_text="From the model's tags; empty when there is none.")
    risk = serializers.CharField(allow_blank=True, help_text="Risk tier, from the model's tags.")
    framework = serializers.CharField(
        allow_blank=True, help_text="Flavor of the version in Production, else of the newest."
    )
    version_count = serializers.IntegerField()
    newest_version = serializers.IntegerField(allow_null=True)
    newest_stage = serializers.CharField(allow_blank=True)
    production_version = serializers.IntegerField(allow_null=True, help_text="The newest version in Production.")
    production_since = serializers.DateTimeField(allow_null=True)
    candidate_version = serializers.IntegerField(
        allow_null=True, help_text="The newest in Staging, else the newest without a stage that Production is not past."
    )
    open_requests = serializers.IntegerField()
    open_drift = serializers.IntegerField()
    sync_state = serializers.ChoiceField(STATES)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    deleted_at = serializers.DateTimeField(allow_null=True)


class ModelPageOut(serializers.Serializer):
    """A page of models. There is no count: see facets."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ModelOut(many=True)


class FacetValueOut(serializers.Serializer):
    """A value of a facet."""

    value = serializers.CharField(allow_blank=True, help_text="Empty: models that have none.")
    count = serializers.IntegerField(help_text="Models that one finds by choosing it.")


class FacetsOut(serializers.Serializer):
    """How many models the filters find, and how many there are of each value; a facet's own choice left out."""

    count = serializers.IntegerField()
    facets = serializers.DictField(child=FacetValueOut(many=True))


class ViewIn(serializers.Serializer):
    """A view to save."""

    name = serializers.CharField(max_length=MAX_NAME)
    query = serializers.CharField(allow_blank=True, default="", help_text="As in the address of the page of models.")
    shared = serializers.BooleanField(default=False, help_text="With everybody; each sees their own models in it.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if unknown := sorted(set(self.initial_data) - set(self.fields)):
            raise ValidationError({name: ["Unknown field."] for name in unknown})
        return attrs


class ViewChangeIn(ViewIn):
    """What to change of a view."""

    name = serializers.CharField(max_length=MAX_NAME, required=False)
    shared = serializers.BooleanField(required=False)
    query = None  # type: ignore[assignment]  # a view's search stays: save another


class ViewOut(serializers.ModelSerializer):
    """A saved view."""

    owner = serializers.CharField(source="owner.username")
    name = serializers.CharField()

    class Meta:
        model = SavedView
        fields = ("id", "name", "query", "shared", "owner", "created_at")
