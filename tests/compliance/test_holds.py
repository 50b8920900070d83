"""Legal holds: who sets and lifts them, what they hold, and what becomes of a deletion in MLflow."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from apps.accounts.models import User
from apps.accounts.roles import ADMIN
from apps.accounts.services import create_service_account, create_token
from apps.audit.models import AuditEvent
from apps.compliance.holds import queries, services
from apps.compliance.models import HoldBreach, LegalHold
from apps.errors import Conflict, DomainError, InvalidInput, NotAllowed, NotVisible, RuleViolation, WrongState
from apps.notifications import outbox
from apps.notifications.models import Notification, OutboxCursor
from apps.registry import holds, stages
from apps.registry.applying import apply, load
from apps.registry.models import DEFAULT_CONNECTION, ModelVersion, RegisteredModel
from apps.registry.observers import Change, Changed, tell
from apps.registry.planning import Remote, plan
from apps.registry.remote import RemoteModel
from tests.accounts.test_authentication import bearer
from tests.builders import make_model, make_version
from tests.compliance.conftest import START, at, mirror
from tests.conftest import member


@pytest.fixture
def ada(db):
    return member("ada", ADMIN)


@pytest.fixture
def machine(admin) -> User:
    """A service account with the role admin, made by the admin."""
    account = create_service_account("ci", by=admin)
    account.groups.set(admin.groups.all())
    return User.objects.get(pk=account.pk)


@pytest.fixture
def model(db) -> RegisteredModel:
    model = make_model()
    make_version(model, 1)
    make_version(model, 2)
    return model


def events(action: str) -> list[tuple]:
    rows = AuditEvent.objects.filter(action=action).order_by("id")
    return [(row.actor, row.outcome, row.target, row.reason) for row in rows]


def test_hold_is_set_with_a_reason_and_recorded(model, admin):
    hold = services.set_hold("churn", reason="Case 4.", by=admin)
    assert (hold.thing, events("hold.set")) == ("churn", [("admin", "done", f"hold {hold.pk}", "Case 4.")])


@pytest.mark.parametrize("persona", ["alice", "bob", "charlie"])
def test_whoever_is_no_admin_sets_no_hold(model, request, persona):
    by = request.getfixturevalue(persona)
    with pytest.raises(NotAllowed):
        services.set_hold("churn", reason="Case 4.", by=by)
    assert [row[:2] for row in events("hold.set")] == [(persona, "refused")]


def test_a_stranger_learns_nothing(model, mallory, admin):
    hold = services.set_hold("churn", reason="Case 4.", by=admin)
    with pytest.raises(NotVisible):
        services.set_hold("churn", 2, reason="Mine.", by=mallory)
    with pytest.raises(NotVisible):
        services.lift(hold.pk, reason="Mine.", by=mallory)
    assert list(queries.visible_holds(mallory)) == []


@pytest.mark.parametrize("reason", ["", "  ", "x" * 5001, "a\0b"])
def test_a_reason_that_cannot_be_kept_names_its_field(model, admin, reason):
    with pytest.raises(InvalidInput) as refused:
        services.set_hold("churn", reason=reason, by=admin)
    assert (refused.value.field, LegalHold.objects.count()) == ("reason", 0)


def test_one_hold_stands_on_a_thing(model, admin, ada):
    services.set_hold("churn", 1, reason="Case 4.", by=admin)
    services.set_hold("churn", reason="Case 5.", by=admin)
    with pytest.raises(Conflict):
        services.set_hold("churn", 1, reason="Case 6.", by=ada)


def test_somebody_else_lifts_it(model, admin, ada):
    hold = services.set_hold("churn", reason="Case 4.", by=admin)
    with pytest.raises(RuleViolation, match="You set this hold"):
        services.lift(hold.pk, reason="Over.", by=admin)
    services.lift(hold.pk, reason="Over.", by=ada)
    assert [row[:2] for row in events("hold.lifted")] == [("admin", "refused"), ("ada", "done")]


def test_the_database_lets_nobody_lift_their_own(model, admin):
    hold = services.set_hold("churn", reason="Case 4.", by=admin)
    with pytest.raises(IntegrityError), transaction.atomic():
        LegalHold.objects.filter(pk=hold.pk).update(lifted_by=admin, lifted_at=at(1))


def test_a_hold_is_lifted_once(model, admin, ada):
    hold = services.set_hold("churn", reason="Case 4.", by=admin)
    services.lift(hold.pk, reason="Over.", by=ada)
    with pytest.raises(WrongState):
        services.lift(hold.pk, reason="Over.", by=ada)


def test_a_lifted_hold_makes_way_for_another(model, admin, ada):
    services.lift(services.set_hold("churn", reason="Case 4.", by=admin).pk, reason="Over.", by=ada)
    assert services.set_hold("churn", reason="Case 5.", by=admin).pk


def test_only_an_admin_lifts(model, admin, bob):
    hold = services.set_hold("churn", reason="Case 4.", by=admin)
    with pytest.raises(NotAllowed):
        services.lift(hold.pk, reason="Over.", by=bob)


def test_who_set_it_does_not_lift_it_through_a_machine(model, admin, machine):
    hold = services.set_hold("churn", reason="Case 4.", by=admin)
    client = bearer(create_token("ci", by=admin, owner=machine, scope="write").text)
    answer = client.post(f"/api/v1/holds/{hold.pk}/lift/", {"reason": "Over."}, content_type="application/json")
    hold.refresh_from_db()
    assert (answer.status_code, hold.lifted_at, [row[:2] for row in events("hold.lifted")]) == (
        403,
        None,
        [("ci", "refused")],
    )
    assert answer.json()["detail"].endswith("A person has to do this.")


def test_a_machine_sets_no_hold(model, machine):
    with pytest.raises(RuleViolation, match="A person has to do this"):
        services.set_hold("churn", reason="Case 4.", by=machine)
    assert LegalHold.objects.count() == 0


def test_a_machine_is_not_told_that_it_may_hold(model, machine, admin):
    assert (services.may_hold(machine, model), services.may_hold(admin, model)) == (False, True)


def test_the_database_lets_no_machine_lift(model, admin, machine):
    hold = services.set_hold("churn", reason="Case 4.", by=admin)
    with pytest.raises(IntegrityError), transaction.atomic():
        LegalHold.objects.filter(pk=hold.pk).update(lifted_by=machine, lifted_at=at(1))


def test_what_a_machine_set_before_it_was_refused_is_lifted_by_a_person(model, machine, ada):
    hold = LegalHold.objects.create(model=model, reason="Case 4.", set_by=machine)
    assert services.lift(hold.pk, reason="Over.", by=ada).lifted_by == ada


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (None, {"model": True, "v1": True, "v2": True, "run1": True, "other server": False, "other": False}),
        (1, {"model": True, "v1": True, "v2": False, "run1": True, "other server": False, "other": False}),
        (2, {"model": True, "v1": False, "v2": True, "run1": False, "other server": False, "other": False}),
    ],
)
def test_what_a_hold_holds(model, admin, held, expected):
    other = make_model("other")
    services.set_hold("churn", held, reason="Case 4.", by=admin)
    first, second = model.versions.order_by("number")
    assert {
        "model": bool(holds.held(model)),
        "v1": bool(holds.held(model, first)),
        "v2": bool(holds.held(model, second)),
        "run1": bool(holds.held_run(DEFAULT_CONNECTION, "run1")),
        "other server": bool(holds.held_run("eu", "run1")),
        "other": bool(holds.held(other)),
    } == expected


def test_refusal_names_the_hold(model, admin):
    hold = services.set_hold("churn", 2, reason="Case 4.", by=admin)
    version = model.versions.select_related("model").get(number=2)
    with pytest.raises(RuleViolation, match=f"churn v2 is on legal hold {hold.pk}."):
        holds.refuse_if_held(model, version)
    with pytest.raises(RuleViolation, match=f"hold {hold.pk}"):
        holds.refuse_if_run_held(DEFAULT_CONNECTION, "run2")


def test_a_lifted_hold_holds_nothing(model, admin, ada):
    services.lift(services.set_hold("churn", reason="Case 4.", by=admin).pk, reason="Over.", by=ada)
    assert (holds.held(model), holds.held_run(DEFAULT_CONNECTION, "")) == ([], [])


def lose(version: ModelVersion, what: Changed, before: str | None, after: str | None) -> None:
    """Tell of a change in MLflow, as the writers of the mirror do."""
    with transaction.atomic():
        tell([Change(what, version.model, version, before, after)])


def test_a_deletion_in_mlflow_is_a_finding_and_an_event(model, admin):
    hold = services.set_hold("churn", 1, reason="Case 4.", by=admin)
    for version in model.versions.select_related("model"):
        lose(version, Changed.DELETED, "None", None)
    found = [(row.hold_id, row.version.number, row.what) for row in HoldBreach.objects.all()]
    event = AuditEvent.objects.get(action="hold.broken")
    assert (found, event.source, event.model_id, event.data["version"]) == (
        [(hold.pk, 1, "deleted")],
        "mlflow",
        model.pk,
        1,
    )


def test_a_sync_that_misses_a_version_breaks_its_hold(admin):
    mirror(1, {1: "None", 2: "None"})
    services.set_hold("churn", reason="Case 4.", by=admin)
    model = RemoteModel("churn", START, at(20), aliases={}, asked_at=at(20))
    remote = Remote(models={"churn": model}, versions={"churn": {}}, complete={"churn": at(20)})
    with transaction.atomic():
        written = apply(DEFAULT_CONNECTION, plan(remote, load(DEFAULT_CONNECTION, ["churn"], lock=True)), remote)
        tell(written.changes)
    assert sorted(HoldBreach.objects.values_list("version__number", "what")) == [(1, "deleted"), (2, "deleted")]


def test_an_exchange_of_files_breaks_a_hold_and_a_first_reading_does_not(model, admin):
    services.set_hold("churn", reason="Case 4.", by=admin)
    version = model.versions.select_related("model").get(number=1)
    lose(version, Changed.ARTIFACTS, "", "aa")
    lose(version, Changed.ARTIFACTS, "aa", "bb")
    assert [row.what for row in HoldBreach.objects.all()] == ["artifacts"]


def test_what_is_not_held_is_no_breach(model, admin, ada):
    services.lift(services.set_hold("churn", reason="Case 4.", by=admin).pk, reason="Over.", by=ada)
    lose(model.versions.select_related("model").get(number=1), Changed.DELETED, "None", None)
    assert HoldBreach.objects.count() == 0


def test_admins_and_reviewers_hear_of_a_broken_hold(model, admin, ada, erin, charlie):
    OutboxCursor.objects.create(last_id=0)
    services.set_hold("churn", 1, reason="Case 4.", by=admin)
    lose(model.versions.select_related("model").get(number=1), Changed.DELETED, "None", None)
    outbox.fan_out()
    told = Notification.objects.filter(kind="drift").values_list("user__username", "url")
    assert sorted(told) == [(name, "/compliance/holds/") for name in ("ada", "admin", "erin")]


def test_pages_of_the_model_and_of_the_version_say_it(model, admin, charlie):
    services.set_hold("churn", 2, reason="Case 4.", by=admin)
    client = Client()
    client.force_login(charlie)
    said = "On legal hold: nothing of it may be deleted."
    pages = ("/models/churn/", "/models/churn/v/1/", "/models/churn/v/2/")
    assert [said in client.get(page).content.decode() for page in pages] == [True, False, True]


def test_page_offers_lifting_to_others_alone(model, admin, ada):
    services.set_hold("churn", reason="Case 4.", by=admin)
    client, offered = Client(), []
    for person in (admin, ada):
        client.force_login(person)
        offered.append("Lift the hold" in client.get("/compliance/holds/").content.decode())
    assert offered == [False, True]


def test_page_keeps_what_was_written_beside_the_refusal(model, admin):
    client = Client()
    client.force_login(admin)
    answer = client.post("/compliance/holds/", {"model": "churnn", "version": "", "reason": "Case 4."})
    page = answer.content.decode()
    assert (answer.status_code, "Case 4." in page, 'value="churnn"' in page) == (404, True, True)


def test_api_sets_lists_and_lifts(model, admin, ada):
    client = Client()
    client.force_login(admin)
    body = {"model": "churn", "version": 2, "reason": "Case 4."}
    made = client.post("/api/v1/holds/", body, content_type="application/json").json()
    client.force_login(ada)
    address = f"/api/v1/holds/{made['id']}/lift/"
    lifted = client.post(address, {"reason": "Over."}, content_type="application/json").json()
    listed = client.get("/api/v1/holds/?standing=false").json()["results"]
    assert (made["version"], lifted["lifted_by"], listed) == (2, "ada", [lifted])


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_sets_the_hold():
    model, people = make_model(), [member("admin", ADMIN), member("ada", ADMIN)]
    barrier, ended = threading.Barrier(2), []

    def set_it(person) -> None:
        try:
            barrier.wait(10)
            services.set_hold(model.name, reason="Case 4.", by=person)
            ended.append("set")
        except DomainError as error:
            ended.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=set_it, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (sorted(ended), LegalHold.objects.count()) == (["Conflict", "set"], 1)


@pytest.mark.django_db(transaction=True)
def test_a_deletion_and_a_hold_in_the_same_moment_wait_for_each_other():
    """A deletion holds the model's lock while it asks: the hold that is set meanwhile comes after it."""
    model, person = make_model(), member("admin", ADMIN)
    order = []

    def set_it() -> None:
        try:
            services.set_hold(model.name, reason="Case 4.", by=person)
            order.append("held")
        finally:
            connection.close()

    thread = threading.Thread(target=set_it)
    with transaction.atomic():
        stages.lock_model(model.pk)
        thread.start()
        thread.join(0.5)
        holds.refuse_if_held(model)
        order.append("deleted")
    thread.join(30)
    assert order == ["deleted", "held"]
