"""Which version was where, and when: kept by everything that writes stages and aliases into the mirror."""

import importlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.audit.services import Actor
from apps.registry import aliases, placements, stages
from apps.registry.aliases import SeenAlias
from apps.registry.applying import apply, load
from apps.registry.models import DEFAULT_CONNECTION, ModelAlias, ModelVersion, Placement, RegisteredModel
from apps.registry.planning import Remote, plan
from apps.registry.remote import RemoteModel, RemoteVersion

pytestmark = pytest.mark.django_db
START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
STAGES = ["None", "Staging", "Production", "Archived"]
migration = importlib.import_module("apps.registry.migrations.0010_place_the_past")


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def mirror(minute: int, stages_by_number: dict[int, str], pointing: dict[str, int] | None = None, **more: Any) -> None:
    """Mirror the model churn as MLflow says it is; every version was changed in that minute."""
    model = RemoteModel("churn", START, at(minute), aliases=pointing or {}, asked_at=at(minute), **more)
    remote = Remote(models={"churn": model}, versions={"churn": {}}, complete={"churn": at(minute)})
    for number, stage in stages_by_number.items():
        remote.add_version(RemoteVersion("churn", number, stage, START, at(minute), asked_at=at(minute)))
    with transaction.atomic():
        apply(DEFAULT_CONNECTION, plan(remote, load(DEFAULT_CONNECTION, ["churn"], lock=True)), remote)


def told() -> list[tuple]:
    """Every placement: version, place, from and to in minutes (to: None while it lasts)."""
    return [
        (row.version.number, row.place, minute(row.since), minute(row.until))
        for row in Placement.objects.select_related("version").order_by("since", "id")
    ]


def minute(moment: datetime | None) -> int | None:
    return moment and round((moment - START) / timedelta(minutes=1))


def settle(number: int, moved: dict[int, str], when: int, **data: Any) -> None:
    """Let a governed write have moved these versions."""
    version = ModelVersion.objects.select_related("model").get(number=number)
    seen = {n: RemoteVersion("churn", n, stage, START, at(when), asked_at=at(when)) for n, stage in moved.items()}
    with transaction.atomic():
        stages.settle(version, seen, by=Actor("bob"), **data)


def held_now() -> set[tuple]:
    """What the mirror says: (version, place)."""
    versions = ModelVersion.objects.filter(deleted_at=None).exclude(stage="None").values_list("pk", "stage")
    pointing = ModelAlias.objects.values_list("version", "alias")
    return {*versions, *((version, f"@{alias}") for version, alias in pointing)}


def placed_now() -> set[tuple]:
    return {(row.version_id, row.place) for row in Placement.objects.filter(until=None)}


def test_first_sight_is_marked_as_at_the_latest():
    mirror(1, {1: "Production", 2: "None"}, {"champion": 1})
    assert told() == [(1, "Production", 1, None), (1, "@champion", 1, None)]
    assert list(Placement.objects.values_list("at_latest", "source", "request")) == [(True, "mlflow", None)] * 2


def test_move_in_mlflow_ends_one_placement_and_begins_the_next():
    mirror(1, {1: "Staging"})
    mirror(5, {1: "Production"})
    mirror(9, {1: "None"})
    assert told() == [(1, "Staging", 1, 5), (1, "Production", 5, 9)]
    assert list(Placement.objects.order_by("since").values_list("at_latest", flat=True)) == [True, False]


def test_decision_is_named_by_what_it_moved_and_by_what_it_archived():
    mirror(1, {1: "Production", 2: "None"})
    settle(2, {1: "Archived", 2: "Production"}, 7, request=12)
    assert told() == [(1, "Production", 1, 7), (1, "Archived", 7, None), (2, "Production", 7, None)]
    assert list(Placement.objects.filter(until=None).values_list("source", "request")) == [("assent", 12)] * 2


def test_stage_that_mlflow_took_back_by_itself_is_not_assents_doing():
    mirror(1, {1: "Production"})
    settle(1, {1: "Staging"}, 3, source="mlflow")
    assert Placement.objects.filter(until=None).values_list("source", flat=True).get() == "mlflow"


def test_alias_that_moves_and_goes_leaves_its_past():
    mirror(1, {1: "None", 2: "None"}, {"champion": 1})
    mirror(4, {1: "None", 2: "None"}, {"champion": 2})
    mirror(6, {1: "None", 2: "None"}, {})
    assert told() == [(1, "@champion", 1, 4), (2, "@champion", 4, 6)]


def test_governed_alias_names_its_decision():
    mirror(1, {1: "None", 2: "None"}, {"champion": 1})
    model = RegisteredModel.objects.get()
    with transaction.atomic():
        aliases.settle_alias(model, "champion", SeenAlias(2, at(5)), by=Actor("bob"), request=7)
    assert told() == [(1, "@champion", 1, 5), (2, "@champion", 5, None)]
    assert Placement.objects.get(until=None).request == 7


def test_deleted_version_is_nowhere_and_comes_back_to_its_stage():
    mirror(1, {1: "Production", 2: "None"}, {"champion": 1})
    mirror(3, {2: "None"}, {})
    assert placed_now() == set()
    gone = ModelVersion.objects.get(number=1)
    mirror(minute(timezone.now()) + 5, {1: "Production", 2: "None"}, {})
    assert (gone.deleted_at is not None, placed_now()) == (True, {(gone.pk, "Production")})


def test_clock_of_mlflow_that_jumps_back_makes_no_two_stages_at_once():
    mirror(10, {1: "Staging"})
    settle(1, {1: "None"}, 5)
    settle(1, {1: "Production"}, 2)
    assert told() == [(1, "Staging", 10, 10), (1, "Production", 10, None)]


def test_clock_of_mlflow_that_is_ahead_begins_nothing_in_the_future():
    mirror(1, {1: "Staging"})
    version = ModelVersion.objects.select_related("model").get()
    ahead = timezone.now() + timedelta(days=1)
    seen = RemoteVersion("churn", 1, "Production", START, ahead)
    with transaction.atomic():
        stages.settle(version, {1: seen}, by=Actor("bob"))
    assert Placement.objects.get(until=None).since <= timezone.now()


def test_what_did_not_move_is_not_written_again():
    mirror(1, {1: "Production"}, {"champion": 1})
    before = list(Placement.objects.values())
    row = ModelVersion.objects.get()
    with transaction.atomic():
        placements.move(
            [placements.Place.in_stage(row, at(9)), placements.Place(row.model_id, row.pk, at(9), alias="champion")]
        )
    assert list(Placement.objects.values()) == before


MOVES = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3), st.sampled_from(STAGES), st.booleans()), max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves=MOVES)
def test_any_moment_says_what_a_replay_of_the_moves_says(moves):
    """Moves by either door, some in the same minute; then every minute is compared with what the moves left."""
    with transaction.atomic():
        RegisteredModel.objects.all().update(name="old", deleted_at=START)
        Placement.objects.all().delete()
        now, clock, moments = {1: "None", 2: "None", 3: "None"}, 1, {}
        mirror(clock, now)
        for pause, number, stage, governed in moves:
            clock += pause
            now = now | {number: stage}
            if governed:
                ours = ModelVersion.objects.select_related("model").get(model__name="churn", number=number)
                seen = RemoteVersion("churn", number, stage, START, at(clock), asked_at=at(clock))
                stages.settle(ours, {number: seen}, by=Actor("bob"), request=1)
            else:
                mirror(clock, now)
            moments[clock] = dict(now)
        for moment, said in moments.items():
            held = placements.at(at(moment)).filter(model__name="churn").values_list("version__number", "stage")
            assert dict(held) == {number: stage for number, stage in said.items() if stage != "None"}
        transaction.set_rollback(True)


def test_past_is_told_from_the_trail():
    """What the migration makes of the events is what was kept while they happened."""
    mirror(1, {1: "Production", 2: "None"}, {"champion": 1})
    settle(2, {1: "Archived", 2: "Production"}, 7, request=12)
    mirror(9, {1: "None", 2: "Production", 3: "Staging"}, {"champion": 2})
    kept = [(n, place) for n, place, *_ in sorted(told())]
    decided = set(Placement.objects.filter(request=12).values_list("version__number", "stage"))
    now = placed_now()
    Placement.objects.all().delete()
    migration.place(apps, None)
    assert ([(n, place) for n, place, *_ in sorted(told())], placed_now()) == (kept, now)
    assert set(Placement.objects.filter(request=12).values_list("version__number", "stage")) == decided


def test_present_is_placed_though_the_trail_says_nothing():
    mirror(1, {1: "Production", 2: "None"}, {"champion": 2})
    Placement.objects.all().delete()
    past = migration.Past(Placement, {(row.model_id, row.number): row.pk for row in ModelVersion.objects.all()})
    migration.agree(past, apps)
    Placement.objects.bulk_create(past.rows)
    assert (placed_now(), {row.at_latest for row in Placement.objects.all()}) == (held_now(), {True})
