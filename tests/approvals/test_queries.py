import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.approvals import queries, services
from apps.approvals.models import ApprovalRequest
from apps.approvals.queue import queries as queue
from apps.errors import NotVisible
from apps.registry.models import ModelVersion
from tests.builders import make_model, make_policy, make_version


def test_a_stranger_sees_no_request(asked, mallory):
    assert list(queries.visible_requests(mallory)) == []
    with pytest.raises(NotVisible):
        queries.get_request(mallory, asked.pk)


@pytest.mark.parametrize("number", [0, 10**30])
def test_a_request_that_does_not_exist_is_not_visible(asked, bob, number):
    with pytest.raises(NotVisible):
        queries.get_request(bob, number)


def test_a_request_waits_for_those_who_can_review_it_and_have_not(asked, alice, bob, erin, charlie, review):
    waiting = {person.username: list(queue.waiting_for(person)) for person in (alice, bob, erin, charlie)}
    assert waiting == {"alice": [], "bob": [asked], "erin": [asked], "charlie": []}
    review("request_changes", bob, "Explain.")
    assert [list(queue.waiting_for(person)) for person in (bob, erin)] == [[], [asked]]


def test_ones_own_request_does_not_wait_for_oneself(version, policy, bob, erin):
    services.open_request(version.pk, "Production", reason="Mine.", by=bob)
    assert list(queue.waiting_for(bob)) == []


def test_a_request_for_a_group_waits_for_its_members(version, alice, bob, erin):
    group = Group.objects.create(name="risk office")
    group.user_set.add(erin)
    make_policy(group=group)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    assert [list(queue.waiting_for(person)) for person in (bob, erin)] == [[], [asked]]


def test_why_blocked_counts_what_is_missing(asked, bob, erin):
    assert queries.why_blocked(asked) == ["0 of 1 approval given. It needs reviewers of this model."]


def test_why_blocked_names_who_objects(asked, bob, erin, review):
    review("request_changes", bob, "Explain.")
    asked.refresh_from_db()
    assert queries.why_blocked(asked)[0] == "Bob asked for changes and has to review again."
    bob.groups.clear()
    assert "can no longer review" in queries.why_blocked(asked)[0]


def test_why_blocked_says_when_nobody_could_approve(asked, bob):
    bob.groups.clear()
    assert queries.who_could_approve(asked) == []
    assert queries.why_blocked(asked)[1].startswith("Only 0 people could approve this")


def test_why_blocked_says_what_changed(asked, version, bob):
    ModelVersion.objects.filter(pk=version.pk).update(params={"depth": "9"})
    assert "params.depth" in queries.why_blocked(queries.get_request(bob, asked.pk))[0]


@pytest.mark.parametrize(
    ("state", "words"),
    [("applying", "is moving"), ("apply_failed", "Applying failed: MLflow is down")],
)
def test_why_blocked_follows_the_apply(asked, state, words):
    asked.state, asked.apply_error = state, "MLflow is down"
    assert words in queries.why_blocked(asked)[0]


def test_why_blocked_says_that_an_approved_request_is_about_to_be_applied(review, bob):
    assert queries.why_blocked(review("approve", bob)) == ["Approved. A worker will apply it in a moment."]


def test_a_finished_request_is_not_blocked(asked):
    asked.state = "applied"
    assert queries.why_blocked(asked) == []


def test_the_promotion_of_a_version_is_its_last_applied_request(asked, version):
    assert queries.applied_request_for(version.pk) is None
    ApprovalRequest.objects.update(state="applied", closed_at=asked.created_at)
    assert queries.applied_request_for(version.pk, "Production") == asked
    assert queries.applied_request_for(version.pk, "Staging") is None


def test_requests_by_version_leaves_out_versions_without_one(asked, champion, version):
    assert queries.requests_by_version([champion.pk, version.pk]) == {version.pk: [asked]}


@pytest.mark.parametrize(
    "listing",
    [
        lambda user: list(queries.visible_requests(user)),
        lambda user: list(queue.waiting_for(user)),
        lambda user: list(queries.open_requests_for(ModelVersion.objects.values_list("model", flat=True))),
        lambda user: queries.requests_by_version(ModelVersion.objects.values_list("pk", flat=True)),
    ],
)
def test_a_list_takes_as_many_queries_for_ten_rows_as_for_one(policy, alice, bob, listing):
    counts = []
    for rows in (1, 9):
        for _ in range(rows):
            version = make_version(make_model(f"model {ApprovalRequest.objects.count()}"))
            services.open_request(version.pk, "Production", reason="Better.", by=alice)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            listing(type(bob).objects.get(pk=bob.pk))
        counts.append(len(captured))
    assert counts[0] == counts[1]
