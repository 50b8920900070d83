import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from apps.approvals import services
from apps.approvals.models import ApprovalRequest, Review
from apps.approvals.policies import drafting
from apps.approvals.policies.replaying import dry_run
from tests.builders import make_model, make_policy, make_version


@pytest.fixture
def let_through(policy, alice):
    """Return how to have a request that was applied, approved by these people; each on a model of its own."""

    def make(*reviewers, **changes) -> ApprovalRequest:
        model = make_model(f"model {ApprovalRequest.objects.count()}")
        version = make_version(model, 1, **changes)
        asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
        for reviewer in reviewers:
            Review.objects.create(
                request=asked, requester=alice, reviewer=reviewer, counts_for=reviewer, verdict="approve",
                evidence_digest=asked.evidence_digest,
            )  # fmt: skip
        now = timezone.now()
        ApprovalRequest.objects.filter(pk=asked.pk).update(state="applied", approved_at=now, closed_at=now)
        return asked

    return make


def reasons(run) -> dict[int, list[str]]:
    return {row.request.pk: row.reasons for row in run.blocked}


def test_a_dry_run_says_how_many_it_would_have_blocked_and_which(draft, admin, bob, erin, let_through):
    let_through(bob, erin)
    stuck = [let_through(bob), let_through(erin)]
    run = dry_run(draft, by=admin)
    assert run.sentence == "Would have blocked 2 of the 3 requests that were let through."
    assert reasons(run) == {asked.pk: ["“Reviewers”: 1 of 2."] for asked in stuck}


def test_without_history_there_is_nothing_to_try(draft, admin):
    assert dry_run(draft, by=admin).sentence.startswith("No request that this policy would have governed")


def test_a_vote_of_somebody_whom_it_excludes_does_not_count(draft, admin, bob, erin, let_through):
    asked = let_through(bob, erin, run={"status": "FINISHED", "user": "erin"})
    assert reasons(dry_run(draft, by=admin)) == {asked.pk: ["“Reviewers”: 1 of 2."]}


def test_todays_members_of_a_group_count_and_that_is_said(admin, bob, erin, let_through):
    group = Group.objects.create(name="risk")
    erin.groups.add(group)
    strict = drafting.draft(
        {"stage": "Production", "reason": "Risk."}, [{"needed": 1, "group": group}, {"needed": 1}], by=admin
    )
    let_through(bob, erin)
    asked = let_through(bob)
    said = ["“risk”: 0 of 1, by who is in the group now."]
    assert reasons(dry_run(strict, by=admin)) == {asked.pk: said}


def test_a_dismissed_vote_does_not_count_but_one_that_fell_afterwards_does(draft, admin, bob, erin, let_through):
    before, after = let_through(bob, erin), let_through(bob, erin)
    times = {before.pk: ApprovalRequest.objects.get(pk=before.pk).approved_at, after.pk: timezone.now()}
    for number, at in times.items():
        Review.objects.filter(request=number, reviewer=erin).update(standing=False, dismissed_at=at)
    assert list(reasons(dry_run(draft, by=admin))) == [before.pk]


def test_required_checks_count_as_they_were_stored(admin, bob, let_through):
    strict = drafting.draft(
        {"stage": "Production", "required_checks": ["signature", "external:scan"], "reason": "Scan."},
        [{"needed": 1}],
        by=admin,
    )
    asked = [let_through(bob) for _ in range(3)]
    stored = ("pass", "fail", "waived")
    for request, outcome in zip(asked, stored, strict=True):
        rows = [{"name": "signature", "label": "Signature", "outcome": outcome}]
        if outcome == "pass":
            rows.append({"name": "external:scan", "label": "scan", "outcome": "pass"})
        ApprovalRequest.objects.filter(pk=request.pk).update(checks=rows)
    missing = "Check “external:scan” was not carried out then."
    assert reasons(dry_run(strict, by=admin)) == {
        asked[1].pk: ["Check “Signature” had not passed.", missing], asked[2].pk: [missing],
    }  # fmt: skip


@pytest.mark.parametrize("state", ["rejected", "withdrawn", "open"])
def test_only_what_was_let_through_is_replayed(draft, admin, bob, let_through, state):
    asked = let_through(bob)
    closed_at = None if state == "open" else asked.created_at
    ApprovalRequest.objects.filter(pk=asked.pk).update(state=state, closed_at=closed_at)
    assert dry_run(draft, by=admin).replayed == []


def test_requests_to_other_targets_and_of_models_with_their_own_policy_are_left_out(draft, admin, bob, let_through):
    own, general = let_through(bob), let_through(bob)
    make_policy(model=own.version.model)
    other = drafting.draft({"stage": "Staging", "reason": "Two."}, [{"needed": 2}], by=admin)
    assert [row.request for row in dry_run(draft, by=admin).replayed] == [general]
    assert dry_run(other, by=admin).replayed == []


def test_requests_on_hidden_models_are_not_told_of(draft, bob, mallory, let_through):
    let_through(bob)
    assert dry_run(draft, by=mallory).replayed == []


def test_a_dry_run_changes_nothing_and_takes_as_many_queries_for_many_requests_as_for_one(
    draft, admin, bob, let_through, django_assert_max_num_queries
):
    for number in (1, 8):
        for _ in range(number):
            let_through(bob)
        with django_assert_max_num_queries(12):
            dry_run(draft, by=admin)
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_votes_that_were_signed_with_less_are_counted_and_block_nothing(admin, bob, erin, let_through):
    let_through(bob, erin)
    draft = drafting.draft(
        {"stage": "Production", "sign_with": "factor", "reason": "Surer."}, [{"needed": 1, "group": None}], by=admin
    )
    Review.objects.filter(reviewer=bob).update(confirmed_with="totp")
    run = dry_run(draft, by=admin)
    assert (run.blocked, run.weaker) == ([], 1)
    assert run.signing.startswith("1 approval was signed with less than it asks for")
