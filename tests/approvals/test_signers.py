"""Whoever asks does not choose who signs: neither by groups, nor by grants, nor by letting people in or out."""

from threading import Thread
from time import monotonic, sleep

import pytest
from django.contrib.auth.models import Group
from django.db import connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts import giving, grants
from apps.accounts import services as accounts
from apps.accounts.models import Grant, User
from apps.accounts.roles import ADMIN, EMERGENCY, REVIEWER, VIEWER
from apps.approvals import services
from apps.approvals.models import UNFINISHED, AfterReview, ApprovalRequest, Delegation, RequestState
from apps.approvals.policies.solving import who_could
from apps.audit.actions import Outcome
from apps.audit.models import AuditEvent, ChainHead
from apps.errors import RuleViolation
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.registry.models import RegisteredModel
from tests.approvals.lifecycle.test_races import together
from tests.approvals.votes.test_delegating import later
from tests.builders import make_model, make_policy, make_version
from tests.conftest import member

UNDECIDED = [state for state in RequestState if state not in UNFINISHED]


@pytest.fixture
def grace(db) -> User:
    """An admin who asks for promotions."""
    return member("grace", ADMIN)


@pytest.fixture
def risk(bob) -> Group:
    """The group that the policy's rule names; bob reviews in it."""
    group = Group.objects.create(name="risk")
    bob.groups.add(group)
    return group


@pytest.fixture
def hers(version, risk, erin, grace) -> ApprovalRequest:
    """Grace's open request, which somebody of the group risk signs."""
    make_policy(group=risk)
    return services.open_request(version.pk, "Production", reason="Better on May data.", by=grace)


def reviewers() -> Group:
    return Group.objects.get(name="reviewers")


def group_with(role, on: RegisteredModel | None) -> Group:
    group = Group.objects.create(name="team")
    grants.set_role(group, [role], on, model_class=RegisteredModel)
    return group


def refused(change) -> None:
    with pytest.raises(RuleViolation, match="Whoever asks does not choose that"):
        change()


def last_event() -> AuditEvent:
    return AuditEvent.objects.latest("id")


def test_who_asked_for_what_owes_its_review_chooses_no_reviewer_of_it(hers, risk, charlie, grace):
    ApprovalRequest.objects.filter(pk=hers.pk).update(state=RequestState.APPLIED, closed_at=timezone.now())
    owed = AfterReview.objects.create(request=hers, due_at=timezone.now())
    refused(lambda: accounts.add_member(risk, charlie, by=grace))
    AfterReview.objects.filter(pk=owed.pk).update(
        outcome="ratified", reviewer=User.objects.get(username="bob"), reviewed_at=timezone.now()
    )
    accounts.add_member(risk, charlie, by=grace)
    assert charlie in risk.user_set.all()


def test_the_requester_adds_no_friend_to_the_group_that_signs(hers, risk, charlie, grace):
    with pytest.raises(RuleViolation) as error:
        accounts.add_member(risk, charlie, by=grace)
    assert error.value.message == (
        f"You asked for request {hers.pk}, which is not finished or owes its review afterwards, and this would change "
        "who can sign it or bypass its policy. Whoever asks does not choose that. Let another admin do this, or "
        "withdraw the request first, or wait until it is finished."
    )
    assert not risk.user_set.filter(pk=charlie.pk).exists()


def test_the_attempt_is_recorded_as_refused(hers, risk, charlie, grace):
    refused(lambda: accounts.add_member(risk, charlie, by=grace))
    event = last_event()
    assert (event.action, event.outcome, event.actor) == ("membership.changed", "refused", "grace")
    assert (event.target, event.data) == ("risk", {"person": "charlie", "code": "rule_violation"})
    assert f"request {hers.pk}" in event.reason


def test_the_requester_takes_nobody_out_of_the_group_that_signs(hers, risk, bob, grace):
    refused(lambda: accounts.remove_member(risk, bob, by=grace, reason="He objects."))
    assert risk.user_set.filter(pk=bob.pk).exists()


def test_another_admin_changes_the_group_meanwhile(hers, risk, charlie, admin):
    accounts.add_member(risk, charlie, by=admin)
    assert risk.user_set.filter(pk=charlie.pk).exists()


def test_who_is_in_the_group_already_stays_in_it(hers, risk, bob, grace):
    accounts.add_member(risk, bob, by=grace)
    assert last_event().outcome == Outcome.DONE


def test_a_group_that_decides_nothing_there_is_changed_as_ever(hers, version, charlie, grace):
    elsewhere = group_with(REVIEWER, make_model("fraud"))
    accounts.add_member(elsewhere, charlie, by=grace)
    accounts.change_grant(elsewhere, [VIEWER], version.model, by=grace, reason="They may look.")
    assert last_event().outcome == Outcome.DONE


@pytest.mark.parametrize("role", [REVIEWER, EMERGENCY])
@pytest.mark.parametrize("everywhere", [True, False], ids=["registry", "model"])
def test_a_group_that_gives_the_duty_is_closed_to_the_requester(hers, version, charlie, grace, role, everywhere):
    team = group_with(role, None if everywhere else version.model)
    refused(lambda: accounts.add_member(team, charlie, by=grace))


@pytest.mark.parametrize("role", [REVIEWER, EMERGENCY])
@pytest.mark.parametrize("everywhere", [True, False], ids=["registry", "model"])
@pytest.mark.parametrize("direction", ["given", "taken"])
def test_the_requester_neither_gives_nor_takes_the_duty(hers, version, grace, role, everywhere, direction):
    on = None if everywhere else version.model
    team = group_with(VIEWER if direction == "given" else role, on)
    roles = [role] if direction == "given" else [VIEWER]
    held = grants.roles_held(team, on)
    refused(lambda: accounts.change_grant(team, roles, on, by=grace, reason="Now."))
    assert (grants.roles_held(team, on), last_event().outcome) == (held, "refused")


DOORS = {"registry": "", "connection": "default", "pattern": "chur*", "tag": "team", "risk": "high"}


@pytest.mark.parametrize("scope", [*DOORS, "model"])
@pytest.mark.parametrize("to", ["group", "person"])
@pytest.mark.parametrize("role", ["reviewer", "emergency", "model:review"])
def test_the_requester_opens_none_of_the_doors_by_which_a_duty_is_given(
    hers, version, charlie, grace, admin, scope, to, role
):
    RegisteredModel.objects.filter(pk=version.model.pk).update(tags={"team": "a"}, risk="High")
    holder = charlie if to == "person" else Group.objects.create(name="team")
    on = {"model": version.model} if scope == "model" else {"value": DOORS[scope]}
    refused(lambda: giving.give_grant(holder, role, scope, by=grace, reason="Now.", **on))
    assert not Grant.objects.filter(role=role, made_by="grace").exists()
    grant = giving.give_grant(holder, role, scope, by=admin, reason="Now.", **on)
    refused(lambda: giving.end_grant(grant.pk, by=grace, reason="No more."))
    assert Grant.objects.get(pk=grant.pk).in_force


def test_the_requester_puts_no_end_to_what_a_reviewer_holds(hers, grace, admin):
    timed = giving.give_grant(reviewers(), "model:review", until=timezone.now().date(), by=admin, reason="Today.")
    refused(lambda: accounts.change_grant(reviewers(), [], None, by=grace, reason="No more."))
    giving.end_grant(timed.pk, by=grace, reason="They hold it anyhow.")


@pytest.mark.parametrize("value", ["fraud*", "eu:*"])
def test_a_pattern_that_does_not_take_in_what_they_asked_for_is_open_to_them(hers, charlie, grace, value):
    giving.give_grant(charlie, "reviewer", "pattern", value=value, by=grace, reason="Of those.")
    assert last_event().outcome == Outcome.DONE


def test_a_vote_falls_when_the_grant_behind_it_lapses(of_two, risk, charlie, admin):
    giving.give_grant(charlie, "reviewer", "pattern", value="*", until=timezone.now().date(), by=admin, reason="Today.")
    accounts.add_member(risk, charlie, by=admin)
    services.act(of_two.pk, "approve", by=charlie, evidence_digest=of_two.evidence_digest, comment="")
    Grant.objects.filter(person=charlie).update(until=timezone.now())
    giving.lapse()
    for job in Job.objects.filter(kind="approvals.refresh", args__leavers=True):
        run_job(job.pk)
    assert not of_two.reviews.get(reviewer=charlie).standing


def test_a_role_without_a_duty_is_given_as_ever(hers, version, charlie, grace):
    team = Group.objects.create(name="team")
    accounts.change_grant(team, [VIEWER], version.model, by=grace, reason="They may look.")
    accounts.add_member(team, charlie, by=grace)
    assert grants.roles_held(team, version.model) == ["viewer"]


def test_the_requester_shuts_no_reviewer_out_and_lets_none_in(hers, bob, admin, grace):
    refused(lambda: accounts.deactivate(bob, by=grace, reason="He objects."))
    accounts.deactivate(bob, by=admin, reason="Left.")
    refused(lambda: accounts.reactivate(bob, by=grace, reason="Needed."))
    bob.refresh_from_db()
    assert bob.is_active is False


def test_the_requester_lets_in_no_superuser(hers, grace):
    root = User.objects.create_superuser("root", is_active=False)
    refused(lambda: accounts.reactivate(root, by=grace, reason="Needed."))


def test_people_who_decide_nothing_come_and_go(hers, charlie, alice, grace):
    accounts.deactivate(charlie, by=grace, reason="Left.")
    accounts.reactivate(charlie, by=grace, reason="Came back.")
    accounts.create_user("eve", by=grace, password="correct horse battery staple")
    assert last_event().outcome == Outcome.DONE


@pytest.mark.parametrize("state", UNFINISHED)
def test_it_holds_as_long_as_the_request_is_unfinished(hers, risk, charlie, grace, state):
    ApprovalRequest.objects.filter(pk=hers.pk).update(state=state)
    refused(lambda: accounts.add_member(risk, charlie, by=grace))


@pytest.mark.parametrize("state", UNDECIDED)
def test_it_ends_with_the_request_and_does_not_begin_with_a_draft(hers, risk, charlie, grace, state):
    closed = None if state == RequestState.DRAFT else timezone.now()
    ApprovalRequest.objects.filter(pk=hers.pk).update(state=state, closed_at=closed)
    accounts.add_member(risk, charlie, by=grace)
    assert risk.user_set.filter(pk=charlie.pk).exists()


def test_all_requests_that_it_touches_are_named(hers, model, risk, charlie, grace):
    third = make_version(model, 3)
    other = services.open_request(third.pk, "Production", reason="Better still.", by=grace)
    with pytest.raises(RuleViolation, match=f"You asked for requests {hers.pk}, {other.pk}, which are not finished"):
        accounts.add_member(risk, charlie, by=grace)


# --- those who speak for a reviewer ---


@pytest.fixture
def lent(bob, charlie) -> Delegation:
    return Delegation.objects.create(delegator=bob, delegate=charlie, starts_at=timezone.now(), ends_at=later())


def test_whoever_speaks_for_a_reviewer_is_not_silenced(hers, lent, charlie, grace):
    refused(lambda: accounts.deactivate(charlie, by=grace, reason="Objects."))
    refused(lambda: accounts.remove_member(charlie.groups.get(), charlie, by=grace, reason="Objects."))
    refused(lambda: accounts.change_grant(charlie.groups.get(), [], None, by=grace, reason="Objects."))


def test_a_delegate_whose_time_is_over_comes_and_goes(hers, lent, charlie, grace):
    Delegation.objects.update(starts_at=later(-9), ends_at=later(-1))
    accounts.deactivate(charlie, by=grace, reason="Left.")
    assert last_event().outcome == Outcome.DONE


# --- the page ---


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="apps.accounts.backends.PersonBackend")
    return client


@pytest.mark.parametrize("do", ["add_member", "remove_member", "grant", "deactivate", "reactivate"])
def test_the_people_page_says_so_at_the_form_that_was_sent(hers, risk, bob, erin, charlie, grace, do):
    if do == "reactivate":
        User.objects.filter(pk=erin.pk).update(is_active=False)
    fields = {
        "add_member": {"group": risk.pk, "person": "charlie"},
        "remove_member": {"group": risk.pk, "person": "bob", "reason": "Now."},
        "grant": {"group": risk.pk, "rank": "", "reviewer": "on", "model": "", "reason": "Now."},
        "deactivate": {"person": "erin", "reason": "Now."},
        "reactivate": {"person": "erin", "reason": "Now."},
    }[do]
    response = browser(grace).post("/people/", {"do": do} | fields)
    page = response.content.decode()
    form = page.split(f'name="do" value="{do}"')
    told = [part.split("</form>")[0].count("Whoever asks does not choose that") for part in form[1:]]
    assert (response.status_code, sum(told)) == (403, 1)
    assert 'aria-invalid="true"' not in page


# --- two things in the same moment ---


def ask(version, by) -> ApprovalRequest:
    return services.open_request(version.pk, "Production", reason="Better.", by=by)


def alone(deed) -> None:
    """Run in a thread of its own, with a connection of its own."""
    try:
        deed()
    finally:
        connections.close_all()


def until_waiting(number: int) -> None:
    """Wait until so many connections to this database wait for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    deadline = monotonic() + 20
    while monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(waiting)
            if cursor.fetchone()[0] >= number:
                return
        sleep(0.02)
    raise AssertionError(f"{number} connections did not come to wait for a lock")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_asking_while_a_friend_is_added_leaves_no_friend_added_afterwards(version, risk, charlie, grace, attempt):
    make_policy(group=risk)
    together(
        lambda: ask(version, grace),
        lambda: accounts.add_member(risk, charlie, by=grace),
    )
    asked = AuditEvent.objects.get(action="request.opened", outcome="done")
    added = AuditEvent.objects.filter(action="membership.changed", outcome="done").first()
    assert added is None or added.pk < asked.pk
    assert risk.user_set.filter(pk=charlie.pk).exists() is (added is not None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets in one writer at a time")
def test_a_change_waits_for_the_request_that_is_being_opened(version, risk, charlie, grace):
    make_policy(group=risk)
    ChainHead.objects.get_or_create(id=1)
    opening = Thread(target=alone, args=[lambda: ask(version, grace)])
    adding = Thread(target=alone, args=[lambda: refused(lambda: accounts.add_member(risk, charlie, by=grace))])
    with transaction.atomic():
        ChainHead.objects.select_for_update().get(id=1)  # where every write ends: the request is not committed yet
        opening.start()
        until_waiting(1)
        adding.start()
        until_waiting(2)
    opening.join()
    adding.join()
    assert (ApprovalRequest.objects.count(), last_event().outcome) == (1, "refused")
    assert not risk.user_set.filter(pk=charlie.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_ask_and_change_each_other_do_not_deadlock(model, version, risk, grace, admin):
    make_policy(group=risk)
    third, team = make_version(model, 3), Group.objects.create(name="team")
    errors = together(
        lambda: ask(version, grace),
        lambda: ask(third, admin),
        lambda: accounts.add_member(team, admin, by=grace),
        lambda: accounts.add_member(team, grace, by=admin),
    )
    assert (errors, team.user_set.count(), ApprovalRequest.objects.count()) == ([], 2, 2)


# --- what it costs ---


def test_the_number_of_queries_does_not_depend_on_what_there_is(model, hers, grace, admin):
    def asked(number: int) -> int:
        person, group = User.objects.create(username=f"person {number}"), Group.objects.create(name=f"g {number}")
        with CaptureQueriesContext(connection) as queries:
            accounts.add_member(group, person, by=grace)
        return len(queries)

    few = asked(1)
    for number in range(3, 13):
        version = make_version(make_model(f"m{number}"), number)
        services.open_request(version.pk, "Production", reason="Better.", by=grace)
        Group.objects.create(name=f"more {number}")
    assert asked(2) == few


def test_who_could_sign_stays_what_it_was_when_she_asked(hers, version, risk, charlie, erin, grace):
    before = [slot.people for slot in who_could(hers.policy, version, grace).slots]
    for change in (
        lambda: accounts.add_member(risk, erin, by=grace),
        lambda: accounts.add_member(reviewers(), charlie, by=grace),
        lambda: accounts.change_grant(risk, [], None, by=grace, reason="Now."),
        lambda: accounts.change_grant(reviewers(), [], None, by=grace, reason="Now."),
    ):
        try:
            change()
        except RuleViolation:
            continue
    assert [slot.people for slot in who_could(hers.policy, version, grace).slots] == before


def work() -> None:
    """Let a worker do what is asked for."""
    for job in Job.objects.filter(state="queued").order_by("pk"):
        run_job.run(job.pk)


def votes(asked: ApprovalRequest) -> list[tuple[str, bool]]:
    return list(asked.reviews.order_by("id").values_list("reviewer__username", "standing"))


@pytest.fixture
def of_two(version, risk, erin, alice) -> ApprovalRequest:
    """Alice's request, which two of the group risk sign; bob and erin are in it."""
    risk.user_set.add(erin)
    make_policy(rules=[(2, risk)])
    return services.open_request(version.pk, "Production", reason="Better on May data.", by=alice)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["group", "standing", "grant"])
def test_the_vote_of_who_leaves_falls_also_when_they_come_back(of_two, risk, bob, admin, way):
    services.act(of_two.pk, "approve", by=bob, evidence_digest=of_two.evidence_digest)
    if way == "group":
        accounts.remove_member(risk, bob, by=admin, reason="He changed teams.")
        work()
        accounts.add_member(risk, bob, by=admin)
    elif way == "standing":
        accounts.deactivate(bob, by=admin, reason="He left.")
        work()
        accounts.reactivate(bob, by=admin, reason="He is back.")
    else:
        accounts.change_grant(reviewers(), [], None, by=admin, reason="Not for now.")
        work()
        accounts.change_grant(reviewers(), [REVIEWER], None, by=admin, reason="Again.")
    assert votes(of_two) == [("bob", False)]
    services.act(of_two.pk, "approve", by=bob, evidence_digest=of_two.evidence_digest)
    assert votes(of_two) == [("bob", False), ("bob", True)]


@pytest.mark.django_db(transaction=True)
def test_the_objection_of_who_leaves_stays_until_another_reviewer_has_spoken(of_two, risk, bob, admin):
    services.act(of_two.pk, "request_changes", by=bob, comment="No.", evidence_digest=of_two.evidence_digest)
    accounts.remove_member(risk, bob, by=admin, reason="He changed teams.")
    work()
    assert votes(of_two) == [("bob", True)]


@pytest.mark.django_db(transaction=True)
def test_the_votes_of_others_stand_when_somebody_leaves(of_two, risk, bob, erin, admin):
    services.act(of_two.pk, "approve", by=bob, evidence_digest=of_two.evidence_digest)
    accounts.remove_member(risk, erin, by=admin, reason="She changed teams.")
    work()
    assert votes(of_two) == [("bob", True)]
