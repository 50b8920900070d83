from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apps.approvals import services, timers
from apps.approvals.models import ApprovalRequest, FreezeWindow, ProtectedAlias
from apps.approvals.policies import freezes
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import InvalidInput, NotAllowed, NotVisible, RuleViolation, WrongState
from apps.jobs.models import Job
from apps.registry.models import ModelVersion
from tests.builders import make_model, make_policy, make_version

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def set_freeze(by, **terms) -> FreezeWindow:
    now = timezone.now()
    values = {"name": "Year's end", "reason": "The books close.", "starts_at": now - HOUR, "ends_at": now + DAY}
    return freezes.set_freeze(**values | terms, by=by)


@pytest.fixture
def champion(db) -> ProtectedAlias:
    return ProtectedAlias.objects.create(alias="champion", added_by="admin")


@pytest.fixture
def version(db) -> ModelVersion:
    return make_version(make_model(), 1)


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


def held(model_id: int, **target) -> FreezeWindow | None:
    return freezes.holding_target(model_id, target.get("stage", ""), timezone.now(), alias=target.get("alias", ""))


def test_a_freeze_of_an_alias_holds_it_and_no_other(asked, champion, admin):
    freeze, model = set_freeze(admin, alias="champion"), asked.version.model_id
    found = [held(model, **target) for target in ({"alias": "champion"}, {"alias": "other"}, {"stage": "Production"})]
    assert found == [freeze, None, None]


def test_a_freeze_of_everything_holds_aliases_and_stages(asked, champion, admin):
    freeze, model = set_freeze(admin), asked.version.model_id
    assert [held(model, alias="champion"), held(model, stage="Staging")] == [freeze, freeze]


def test_a_freeze_of_a_stage_holds_an_alias_only_where_it_moves_along(asked, champion, admin):
    freeze, model = set_freeze(admin, stage="Production"), asked.version.model_id
    assert held(model, alias="champion") is None
    make_policy(model=asked.version.model, moves_alias="champion")
    assert [held(model, alias="champion"), held(model, alias="other")] == [freeze, None]


def test_a_freeze_of_an_alias_holds_the_whole_move_that_takes_it_along(version, champion, alice, bob, admin):
    make_policy(moves_alias="champion")
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    freeze = set_freeze(admin, alias="champion")
    assert freezes.holding(asked, timezone.now()) == freeze


@pytest.mark.parametrize("frozen", [{"alias": "champion"}, {"stage": "Production"}, {}])
@pytest.mark.parametrize("asked_for", [{"to_stage": "Production"}, {"alias": "champion"}])
def test_the_timer_applies_what_moves_together_only_when_nothing_holds_it(
    version, champion, alice, bob, admin, frozen, asked_for
):
    make_policy(moves_alias="champion")
    make_policy("", alias="champion")
    freeze = set_freeze(admin, **frozen)
    asked = services.open_request(version.pk, reason="Better.", by=alice, **asked_for)
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    timers.apply_due()
    assert not Job.objects.filter(kind="approvals.apply").exists()
    freezes.lift(freeze.pk, reason="Over.", by=admin)
    timers.apply_due()
    assert Job.objects.filter(kind="approvals.apply").count() == 1


def test_a_freeze_of_an_alias_does_not_hold_an_archiving(version, champion, alice, bob, admin):
    make_policy("Archived", moves_alias="champion", wait_minutes=10)
    set_freeze(admin, alias="champion")
    asked = services.open_request(version.pk, "Archived", reason="Old.", by=alice)
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    ApprovalRequest.objects.update(apply_after=timezone.now())
    timers.apply_due()
    assert Job.objects.filter(kind="approvals.apply").count() == 1


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
    freezes.lift(freeze.pk, reason="Over.", by=admin)
    with pytest.raises(WrongState, match="over already"):
        freezes.lift(freeze.pk, reason="Over.", by=admin)


def test_lifting_takes_a_reason(admin):
    with pytest.raises(InvalidInput) as caught:
        freezes.lift(set_freeze(admin).pk, reason=" ", by=admin)
    assert (caught.value.field, FreezeWindow.objects.get().lifted_at) == ("reason", None)


@pytest.mark.parametrize(
    ("frozen", "refused"),
    [({}, True), ({"stage": "Production"}, True), ({"alias": "champion"}, True), ({"stage": "Staging"}, False)],
)
def test_nobody_lifts_what_holds_back_their_own_request(version, champion, admin, bob, frozen, refused):
    make_policy(moves_alias="champion")
    asked = services.open_request(version.pk, "Production", reason="Better.", by=admin)
    freeze = set_freeze(admin, **frozen)
    if refused:
        with pytest.raises(RuleViolation, match=f"your own request {asked.pk}"):
            freezes.lift(freeze.pk, reason="I wait.", by=admin)
        services.act(asked.pk, "withdraw", by=admin)
    freezes.lift(freeze.pk, reason="Over.", by=admin)
    assert FreezeWindow.objects.get().lifted_by == "admin"


def test_the_shell_of_the_server_lifts_a_freeze(admin):
    assert freezes.lift(set_freeze(admin).pk, reason="Over.", by=None).lifted_by == "system:operator"


@pytest.mark.parametrize(
    ("field", "terms"),
    [
        ("ends_at", {"starts_at": datetime(2040, 1, 2, tzinfo=UTC), "ends_at": datetime(2040, 1, 1, tzinfo=UTC)}),
        ("ends_at", {"starts_at": datetime(2020, 1, 1, tzinfo=UTC), "ends_at": datetime(2020, 1, 2, tzinfo=UTC)}),
        ("ends_at", {"starts_at": datetime(2040, 1, 1, tzinfo=UTC), "ends_at": datetime(2042, 1, 1, tzinfo=UTC)}),
        ("name", {"name": " "}), ("name", {"name": "x" * 201}), ("reason", {"reason": ""}),
        ("stage", {"stage": "Prod"}), ("alias", {"alias": "champion"}),
        ("alias", {"alias": "champion", "stage": "Production"}),
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
        freezes.lift(freeze.pk, reason="Over.", by=bob)
    outcomes = [event.outcome for event in AuditEvent.objects.order_by("id")]
    assert outcomes == [Outcome.REFUSED, Outcome.DONE, Outcome.REFUSED]


def test_freezes_of_hidden_models_are_not_seen(admin, mallory):
    set_freeze(admin, model=make_model("hidden"))
    everything = set_freeze(admin)
    assert list(freezes.visible(mallory)) == [everything]


@pytest.mark.parametrize("number", [0, 999_999, 2**64])
def test_a_freeze_that_does_not_exist_is_not_visible(admin, number):
    with pytest.raises(NotVisible):
        freezes.lift(number, reason="Over.", by=admin)
