"""Keeping which version is in which stage, and under which alias, from when on. Called by the writers of the mirror.

A place of something begins where the one before it ended, or later, and never in the future: MLflow's clock may jump.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Max, Q, QuerySet, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from apps.audit.actions import Source
from apps.registry import copying
from apps.registry.models import ModelVersion, PlacedBy, Placement, Stage

BATCH = 200  # keys asked for in one query
Key = tuple[int, str]  # (version, "") of a stage; (model, alias) of an alias


@dataclass(frozen=True)
class Place:
    """Where something is from `at` on. `version` None: the alias points nowhere; `stage` None or empty: in none."""

    model_id: int
    version_id: int | None
    at: datetime
    stage: str = ""
    alias: str = ""
    found: bool = False  # there it was found: since when, nobody told

    @classmethod
    def in_stage(cls, row: ModelVersion, at: datetime, *, found: bool = False) -> "Place":
        """Return where a version stands by its row."""
        return cls(row.model_id, row.pk, at, stage=str(row.stage), found=found)

    @property
    def key(self) -> Key:
        """What there is one place of at a time."""
        return (self.model_id, self.alias) if self.alias else (self.version_id or 0, "")

    @property
    def nowhere(self) -> bool:
        """Whether nothing begins here: something only ends."""
        return self.version_id is None or (not self.alias and self.stage in ("", Stage.NONE))


def begin(places: Iterable[Place], source: PlacedBy = PlacedBy.MLFLOW) -> None:
    """Note where rows are that were not known before, in the caller's transaction. No query asks what was there."""
    now = timezone.now()
    found = [place for place in places if not place.nowhere]
    copying.insert([_row(place, min(place.at, now), source, None, at_latest=True) for place in found])


def move(places: Sequence[Place], source: PlacedBy = PlacedBy.MLFLOW, request: int | None = None) -> None:
    """Note where rows are now, in the caller's transaction and under its locks. What did not move changes nothing."""
    now, ended, begun = timezone.now(), [], []
    for start in range(0, len(places), BATCH):
        some = places[start : start + BATCH]
        present = _present(some)
        earlier = _last_ends([place for place in some if place.key not in present])
        for place in some:
            held = present.get(place.key)
            if held and not place.nowhere and _same(held, place):
                continue
            at = max(filter(None, [min(place.at, now), held.since if held else earlier.get(place.key)]))
            if held:
                held.until = at
                ended.append(held)
            if not place.nowhere:
                begun.append(_row(place, at, source, request, at_latest=place.found))
    if ended:
        Placement.objects.bulk_update(ended, ["until"], batch_size=BATCH)
    copying.insert(begun)


def end(which: Q, at: datetime) -> None:
    """Note that these places are no more, because MLflow lacks what was there."""
    Placement.objects.filter(which, until=None).update(until=Greatest(F("since"), Value(at)))


def at(moment: datetime) -> QuerySet[Placement]:
    """Return what was so at a moment."""
    return Placement.objects.filter(Q(until=None) | Q(until__gt=moment), since__lte=moment)


def writer(data: dict[str, Any]) -> PlacedBy:
    """Return who wrote to MLflow, by the data of the event that tells of it."""
    return PlacedBy.MLFLOW if data.get("source") == Source.MLFLOW else PlacedBy.ASSENT


def decision(data: dict[str, Any]) -> int | None:
    """Return the number of the request that an event's data names; None when it names none."""
    number = data.get("request")
    return number if isinstance(number, int) else None


def _row(place: Place, at: datetime, source: PlacedBy, request: int | None, *, at_latest: bool = False) -> Placement:
    return Placement(
        model_id=place.model_id,
        version_id=place.version_id or 0,  # nowhere is never stored
        stage="" if place.alias else place.stage,
        alias=place.alias,
        since=at,
        at_latest=at_latest,
        source=source,
        request=request,
    )


def _of(places: Iterable[Place]) -> Q:
    """Return the condition for the rows of these places' keys."""
    of_versions = [place.version_id for place in places if not place.alias]
    found = Q(version__in=of_versions, alias="") if of_versions else Q()
    by_model: dict[int, list[str]] = {}
    for place in places:
        if place.alias:
            by_model.setdefault(place.model_id, []).append(place.alias)
    for model_id, aliases in by_model.items():
        found |= Q(model=model_id, alias__in=aliases)
    return found


def _present(places: Sequence[Place]) -> dict[Key, Placement]:
    rows = Placement.objects.filter(_of(places), until=None)
    return {_key(row.model_id, row.version_id, row.alias): row for row in rows}


def _last_ends(places: Sequence[Place]) -> dict[Key, datetime]:
    """Return when what is nowhere now was somewhere last."""
    if not places:
        return {}
    rows = Placement.objects.filter(_of(places)).values_list("model_id", "version_id", "alias")
    found: dict[Key, datetime] = {}
    for model_id, version_id, alias, last in rows.annotate(last=Max("until")).order_by():
        key = _key(model_id, version_id, alias)
        found[key] = max(last, found.get(key, last))
    return found


def _key(model_id: int, version_id: int, alias: str) -> Key:
    return (model_id, alias) if alias else (version_id, "")


def _same(held: Placement, place: Place) -> bool:
    return (held.version_id, held.stage, held.alias) == (place.version_id, place.stage, place.alias)
