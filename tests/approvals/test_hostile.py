"""What a careless or hostile person tries, alone or in the same moment as somebody else."""

from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import Group
from django.db import connections

from apps.approvals import queries, services
from apps.approvals.models import ApprovalRequest, Review
from apps.approvals.transitions import RequestAction
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.audit.queries import visible_events
from apps.errors import Conflict, DomainError, InvalidInput, NotVisible, RuleViolation, WrongState
from apps.jobs.models import Job
from tests.approvals.test_views import browser, detail_url, sign
from tests.builders import make_policy, make_version, publish_policy

SCRIPT = "<script>alert(1)</script>"


def act(asked: ApprovalRequest, action: str, by, comment: str = "Because.") -> ApprovalRequest:
    return services.act(asked.pk, action, by=by, comment=comment, evidence_digest=asked.evidence_digest)


def together(*deeds) -> list[type[DomainError]]:
    """Let each deed happen in a thread of its own at once; return the kinds of refusal."""
    barrier, errors = Barrier(len(deeds)), []

    def run(deed) -> None:
        barrier.wait()
        try:
            deed()
        except DomainError as error:
            errors.append(type(error))
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def trail(asked: ApprovalRequest) -> list[str]:
    done = AuditEvent.objects.filter(target=f"request {asked.pk}", outcome=Outcome.DONE)
    return list(done.order_by("id").values_list("action", flat=True))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("needed", [1, 2])
def test_two_approvals_at_once_ask_for_one_apply(version, alice, bob, erin, needed):
    make_policy(required_approvals=needed)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    errors = together(lambda: act(asked, "approve", bob), lambda: act(asked, "approve", erin))
    assert errors == [WrongState] * (2 - needed)
    assert (Job.objects.count(), Review.objects.count()) == (1, needed)
    assert ApprovalRequest.objects.get().state == "approved"


@pytest.mark.django_db(transaction=True)
def test_approval_and_withdrawal_at_once_end_in_a_withdrawal(asked, alice, bob):
    errors = together(lambda: act(asked, "approve", bob), lambda: act(asked, "withdraw", alice))
    request = ApprovalRequest.objects.get()
    approved = Action.REQUEST_APPROVED in trail(asked)
    assert (request.state, errors) == ("withdrawn", [] if approved else [WrongState])
    assert (Job.objects.count(), Review.objects.count()) == (approved, approved)


@pytest.mark.django_db(transaction=True)
def test_approval_and_rejection_at_once_leave_the_first(asked, bob, erin):
    errors = together(lambda: act(asked, "approve", bob), lambda: act(asked, "reject", erin))
    assert errors == [WrongState]
    review = Review.objects.get()
    ends = {"approve": ("approved", 1), "reject": ("rejected", 0)}
    assert (ApprovalRequest.objects.get().state, Job.objects.count()) == ends[review.verdict]


@pytest.mark.django_db(transaction=True)
def test_two_stages_asked_for_at_once_are_two_requests(version, policy, alice, bob, erin):
    make_policy("Archived")
    errors = together(
        lambda: services.open_request(version.pk, "Production", reason="Up.", by=alice),
        lambda: services.open_request(version.pk, "Archived", reason="Away.", by=bob),
    )
    assert (errors, ApprovalRequest.objects.count()) == ([], 2)


@pytest.mark.django_db(transaction=True)
def test_a_review_in_the_moment_of_a_new_policy_follows_the_one_of_the_request(asked, admin, bob):
    errors = together(lambda: act(asked, "approve", bob), lambda: publish_policy("Production", required_approvals=2))
    assert (errors, ApprovalRequest.objects.get().state) == ([], "approved")


@pytest.mark.parametrize("action", RequestAction)
def test_what_a_stranger_tried_is_in_the_trail_and_nobody_elses_business(asked, mallory, charlie, admin, action):
    with pytest.raises(NotVisible):
        act(asked, action, mallory, "Let me in.")
    event = AuditEvent.objects.latest("id")
    assert (event.actor, event.outcome, event.data["code"]) == ("mallory", Outcome.REFUSED, "not_found")
    assert ("version" in event.data, "to_stage" in event.data) == (False, False)
    assert [event in visible_events(person) for person in (admin, charlie, mallory)] == [True, False, False]


def test_what_a_stranger_tried_to_open_is_in_the_trail(version, policy, mallory):
    with pytest.raises(NotVisible):
        services.open_request(version.pk, "Production", reason="Mine.", by=mallory)
    event = AuditEvent.objects.latest("id")
    assert (event.target, event.model_id, event.outcome) == (f"version {version.pk}", None, Outcome.REFUSED)
    assert "churn" not in str(event.data) + event.reason


@pytest.mark.parametrize("action", ["approve", "request_changes", "reject", "withdraw"])
@pytest.mark.parametrize("comment", ["x" * 5001, "a\0b"])
def test_a_comment_that_cannot_be_kept_is_refused_on_its_field(asked, bob, action, comment):
    with pytest.raises(InvalidInput) as caught:
        act(asked, action, bob, comment)
    assert (caught.value.field, Review.objects.count()) == ("comment", 0)
    assert sign(asked, bob, action, comment=comment).status_code == 400


def test_the_longest_comment_is_kept_whole(asked, bob):
    act(asked, "approve", bob, "x" * 5000)
    assert len(Review.objects.get().comment) == 5000


def test_script_in_reason_and_comment_stays_text(version, policy, alice, bob):
    asked = services.open_request(version.pk, "Production", reason=SCRIPT, by=alice)
    act(asked, "request_changes", bob, SCRIPT)
    for path in (detail_url(asked), "/requests/", "/reviews/", "/audit/"):
        page = browser(bob).get(path).content.decode()
        assert (path, SCRIPT in page) == (path, False)
        assert path == "/reviews/" or "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("action", ["approve", "request_changes", "reject"])
def test_the_digest_of_another_request_signs_nothing(asked, model, alice, bob, action):
    other = services.open_request(
        make_version(model, 3, metrics={"accuracy": 0.1}).pk, "Production", reason="Mine.", by=alice
    )
    assert other.evidence_digest != asked.evidence_digest
    with pytest.raises(Conflict):
        services.act(asked.pk, action, by=bob, comment="Good.", evidence_digest=other.evidence_digest)
    assert Review.objects.count() == 0


@pytest.mark.parametrize("digest", ["", "0" * 63, "A" * 64, "x" * 65, "0" * 64 + "\n"])
def test_a_made_up_digest_signs_nothing(asked, bob, digest):
    assert sign(asked, bob, "approve", evidence_digest=digest).status_code in (400, 409)
    assert Review.objects.count() == 0


def test_a_request_keeps_the_group_of_its_retired_policy(version, alice, bob, erin, admin):
    office = Group.objects.create(name="risk office")
    office.user_set.add(erin)
    first = make_policy(group=office)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    publish_policy("Production")
    assert queries.who_could_approve(asked) == [erin]
    assert act(asked, "approve", erin).policy == first


def test_a_policy_that_more_people_would_have_to_meet_than_exist_is_said_before_anybody_waits(
    version, alice, bob, erin
):
    make_policy(required_approvals=3)
    with pytest.raises(RuleViolation, match="needs 3 people, and only these could fill it: Bob, Erin"):
        services.open_request(version.pk, "Production", reason="Better.", by=alice)


def test_a_policy_that_can_no_longer_be_met_says_so(version, alice, bob, erin):
    make_policy(required_approvals=2)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    erin.groups.clear()
    assert queries.why_blocked(asked) == [
        "0 of 2 approvals given. It needs reviewers of this model.",
        "Only 1 person could approve this, requester and trainer not counted, and the policy demands 2. Ask an admin "
        "for more reviewers or another policy.",
    ]
    assert "Only 1 person could approve this" in browser(bob).get(detail_url(asked)).content.decode()
