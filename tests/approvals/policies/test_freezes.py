from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apps.approvals.models import FreezeWindow
from apps.approvals.policies import freezes
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import InvalidInput, NotAllowed, NotVisible, WrongState
from tests.builders import make_model

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def set_freeze(by, **terms) -> FreezeWindow:
    now = timezone.now()
    values = {"name": "Year's end", "reason": "The books close.", "starts_at": now - HOUR, "ends_at": now + DAY}
    return freezes.set_freeze(**values | terms, by=by)


def test_a_freeze_holds_from_its_beginning_to_its_end(asked, admin):
    freeze = set_freeze(admin)
    held = [
        freezes.holding(asked, at)
        for at in (freeze.starts_at - HOUR, freeze.starts_at, freeze.ends_at - HOUR, freeze.ends_at)
    ]
    assert held == [None, freeze, freeze, None]


@pytest.mark.parametrize(
    ("terms", "holds"),
    [({}, True), ({"stage": "Production"}, True), ({"stage": "Staging"}, False)],
    ids=["every target", "its stage", "another stage"],
)
def test_a_freeze_holds_back_its_stage(asked, admin, terms, holds):
    freeze = set_freeze(admin, **terms)
    assert freezes.holding(asked, timezone.now()) == (freeze if holds else None)


def test_a_freeze_of_a_model_holds_back_no_other(asked, admin):
    set_freeze(admin, model=make_model("other"))
    assert freezes.holding(asked, timezone.now()) is None
    own = set_freeze(admin, model=asked.version.model)
    assert freezes.holding(asked, timezone.now()) == own


def test_an_alias_is_held_back_by_a_freeze_of_every_target_alone(asked, admin):
    set_freeze(admin, stage="Production")
    now, model = timezone.now(), asked.version.model_id
    assert freezes.holding_target(model, "", now) is None
    everything = set_freeze(admin)
    assert freezes.holding_target(model, "", now) == everything


def test_of_several_freezes_the_one_that_ends_last_is_named(asked, admin):
    set_freeze(admin)
    long = set_freeze(admin, ends_at=timezone.now() + 9 * DAY)
    set_freeze(admin, ends_at=timezone.now() + 2 * DAY)
    assert freezes.holding(asked, timezone.now()) == long


def test_a_lifted_freeze_holds_nothing_back(asked, admin):
    freeze = set_freeze(admin)
    freezes.lift(freeze.pk, reason="Closed early.", by=admin)
    assert freezes.holding(asked, timezone.now()) is None
    event = AuditEvent.objects.last()
    assert (event.action, event.reason, event.target) == (Action.FREEZE_LIFTED, "Closed early.", "Year's end")


def test_a_freeze_is_lifted_once(admin):
    freeze = set_freeze(admin)
    freezes.lift(freeze.pk, by=admin)
    with pytest.raises(WrongState, match="over already"):
        freezes.lift(freeze.pk, by=admin)


@pytest.mark.parametrize(
    ("field", "terms"),
    [
        ("ends_at", {"starts_at": datetime(2040, 1, 2, tzinfo=UTC), "ends_at": datetime(2040, 1, 1, tzinfo=UTC)}),
        ("ends_at", {"starts_at": datetime(2020, 1, 1, tzinfo=UTC), "ends_at": datetime(2020, 1, 2, tzinfo=UTC)}),
        ("ends_at", {"starts_at": datetime(2040, 1, 1, tzinfo=UTC), "ends_at": datetime(2042, 1, 1, tzinfo=UTC)}),
        ("name", {"name": " "}), ("name", {"name": "x" * 201}), ("reason", {"reason": ""}),
        ("stage", {"stage": "Prod"}),
    ],
)  # fmt: skip
def test_a_freeze_at_fault_is_refused_on_its_field(admin, field, terms):
    with pytest.raises(InvalidInput) as caught:
        set_freeze(admin, **terms)
    assert (caught.value.field, FreezeWindow.objects.count()) == (field, 0)


def test_only_an_admin_sets_and_lifts_freezes(admin, bob):
    with pytest.raises(NotAllowed):
        set_freeze(bob)
    freeze = set_freeze(admin)
    with pytest.raises(NotAllowed):
        freezes.lift(freeze.pk, by=bob)
    outcomes = [event.outcome for event in AuditEvent.objects.order_by("id")]
    assert outcomes == [Outcome.REFUSED, Outcome.DONE, Outcome.REFUSED]


def test_freezes_of_hidden_models_are_not_seen(admin, mallory):
    set_freeze(admin, model=make_model("hidden"))
    everything = set_freeze(admin)
    assert list(freezes.visible(mallory)) == [everything]


@pytest.mark.parametrize("number", [0, 999_999, 2**64])
def test_a_freeze_that_does_not_exist_is_not_visible(admin, number):
    with pytest.raises(NotVisible):
        freezes.lift(number, by=admin)
