"""What the model page shows of its versions. Neither the queries nor the rows read grow with their number."""

import re
from collections import Counter
from collections.abc import Iterable

from django.db.models import F, QuerySet
from django.db.models.fields.json import KeyTransform

from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.registry import keyset
from apps.registry.comparing import Directions
from apps.registry.models import ModelAlias, ModelVersion, RegisteredModel, Stage
from apps.registry.pages.history import Chart, chart
from apps.registry.queries import DETAILS

ROWS = 25
CHARTED = 200
EVENTS = 20
MOVES_LOOKED_AT = 200
PLAIN_KEY = re.compile(r"(?!-?\d+$)[\w .:/@-]+")  # a number would be taken for a place in a list, quotes end the path
NEWEST_FIRST = keyset.Order("number", descending=True)
UNSHOWN = ("params", "datasets", "mlmodel", "signature", "requirements", "files", "environment", "pictures",
           "input_example")  # fmt: skip


def page_of(model: RegisteredModel, cursor: str) -> keyset.Slice:
    """Some versions of a model, newest first. Raises InvalidInput for a foreign cursor."""
    found = keyset.page(ModelVersion.objects.filter(model=model).defer(*UNSHOWN), NEWEST_FIRST, ROWS, cursor)
    for version in found.rows:
        version.model = model  # so that templates ask the database nothing more
    return found


def summed_up(model: RegisteredModel, rows: Iterable[ModelVersion]) -> dict[int | None, ModelVersion]:
    """The versions that a model's summary names (newest, in Production, candidate), by number.

    They are taken from `rows`, the page shown; at most one query for what is not there.
    """
    named = (model.newest_number, model.production_number, model.candidate_number)
    wanted = {number for number in named if number is not None}
    found: dict[int | None, ModelVersion] = {
        row.number: row for row in rows if row.number in wanted and row.deleted_at is None
    }
    if missing := wanted - found.keys():
        found |= {row.number: row for row in live(model).filter(number__in=missing)}
    for version in found.values():
        version.model = model
    return found


def live(model: RegisteredModel) -> QuerySet[ModelVersion]:
    """The versions that MLflow still has, newest first, without what a page does not show of them."""
    return ModelVersion.objects.filter(model=model, deleted_at=None).defer(*DETAILS, *UNSHOWN).order_by("-number")


def primary_metrics(versions: Iterable[ModelVersion], directions: Directions) -> list[str]:
    """Sort the metrics by how much they tell: in most versions, direction known, alphabetically first."""
    seen = Counter(name for version in versions for name in version.metrics)
    return sorted(seen, key=lambda name: (-seen[name], directions.of(name) is None, name))


def alias_to_load(aliases: list[ModelAlias], production: ModelVersion | None) -> ModelAlias | None:
    """Choose the alias that a reader would load by: one of the version in Production, else the first; None for none."""
    served = [alias for alias in aliases if production and alias.version_id == production.pk]
    return next(iter(served or aliases), None)


def metric_history(model: RegisteredModel, metric: str) -> Chart:
    """One metric over the newest versions, oldest first."""
    rows = ModelVersion.objects.filter(model=model, deleted_at=None).order_by("-number")
    whole = not PLAIN_KEY.fullmatch(metric)
    value = F("metrics") if whole else KeyTransform(metric, "metrics")
    found = rows.annotate(value=value).values_list("number", "stage", "value")[:CHARTED]
    newest_first = [
        (number, (value or {}).get(metric) if whole else value, stage == Stage.PRODUCTION)
        for number, stage, value in found
    ]
    return chart(reversed(newest_first))


def events_of(model: RegisteredModel) -> list[AuditEvent]:
    """The newest events of the trail about a model. The caller has checked that it is visible: so are they."""
    return list(AuditEvent.objects.filter(model_id=model.pk).order_by("-id")[:EVENTS])


def previous_production(model: RegisteredModel, production: ModelVersion) -> ModelVersion | None:
    """The version that was in Production before this one, by the trail; None when it does not know one."""
    moves = AuditEvent.objects.filter(
        model_id=model.pk, action=Action.VERSION_STAGE_CHANGED, outcome=Outcome.DONE
    ).order_by("-id")
    for target, data in moves.values_list("target", "data")[:MOVES_LOOKED_AT]:
        number = target.rpartition(" v")[2]
        left = isinstance(data.get("before"), dict) and data["before"].get("stage") == Stage.PRODUCTION
        if left and number.isdecimal() and int(number) != production.number:
            previous = live(model).filter(number=int(number)).first()
            if previous:
                previous.model = model
            return previous
    return None


def aliases_of(model: RegisteredModel) -> list[ModelAlias]:
    """The aliases with the numbers of their versions."""
    return list(model.aliases.annotate(number=F("version__number")).order_by("alias"))
