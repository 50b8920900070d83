"""Who made a version, and by what its policy was chosen, stay as they were when somebody asked: tags can be changed."""

import pytest

from apps.approvals import evidence, services, staleness
from apps.approvals.blockers import why_blocked
from apps.approvals.models import ApprovalRequest, Review
from apps.approvals.queue import queries as queue
from apps.errors import Conflict, RuleViolation
from apps.registry.models import ModelVersion, RegisteredModel
from tests.builders import make_policy, publish_policy


def ask(version, by) -> ApprovalRequest:
    version = ModelVersion.objects.get(pk=version.pk)
    return services.open_request(version.pk, "Production", reason="Better.", by=by)


def now(asked) -> ApprovalRequest:
    return ApprovalRequest.objects.select_related("version__model", "policy").get(pk=asked.pk)


def sign(asked, by) -> ApprovalRequest:
    return services.act(asked.pk, "approve", by=by, evidence_digest=now(asked).evidence_digest)


def standing(asked) -> list[str]:
    return sorted(Review.objects.filter(request=asked, standing=True).values_list("reviewer__username", flat=True))


def blocking(asked, code: str) -> list[str]:
    return [row.sentence for row in why_blocked(now(asked)) if row.code == code]


def tag(version, **fields) -> None:
    ModelVersion.objects.filter(pk=version.pk).update(**fields)


def tier(version, risk: str, **tags: str) -> None:
    RegisteredModel.objects.filter(pk=version.model_id).update(risk=risk, tags={"risk": risk} | tags)


MADE = [
    ({"tags": {"mlflow.user": "bob"}}, {"tags": {}}, "You registered"),
    ({"run": {"status": "FINISHED", "tags": {"mlflow.user": "bob"}}}, {"run": {"status": "FINISHED"}}, "You trained"),
]


@pytest.mark.parametrize(("made", "erased", "sentence"), MADE)
def test_who_made_the_version_does_not_sign_it_after_their_name_was_erased(
    version, alice, bob, erin, made, erased, sentence
):
    make_policy(required_approvals=1)
    tag(version, **made)
    asked = ask(version, alice)
    tag(version, **erased)
    with pytest.raises(RuleViolation, match=sentence):
        sign(asked, bob)
    services.reconsider(asked.pk)
    assert list(queue.waiting_for(bob)) == []


def test_who_turns_out_to_have_made_the_version_loses_their_vote_for_good(version, alice, bob, erin):
    make_policy(required_approvals=2)
    asked = ask(version, alice)
    sign(asked, bob)
    for tags in ({"mlflow.user": "bob"}, {}):
        tag(version, tags=tags)
        services.reconsider(asked.pk)
    with pytest.raises(RuleViolation, match="You registered"):
        sign(asked, bob)
    assert standing(asked) == []


def test_another_maker_is_a_change_of_the_evidence_and_takes_the_votes(version, alice, bob, erin):
    make_policy(required_approvals=2)
    tag(version, tags={"mlflow.user": "alice"})
    asked = ask(version, alice)
    sign(asked, bob)
    tag(version, tags={})
    services.reconsider(asked.pk)
    vote = Review.objects.get(request=asked)
    assert (vote.standing, vote.dismissed_because) == (False, "The evidence changed: who made the version.")
    assert [row.field for row in evidence.since(vote)] == ["makers.now.registrants"]


def test_other_tags_of_a_version_are_no_evidence(version, alice, bob):
    make_policy()
    asked = ask(version, alice)
    tag(version, tags={"note": "nice"})
    assert evidence.changes(asked.evidence, evidence.of(now(asked))) == []


@pytest.fixture
def tiers(db) -> None:
    make_policy(required_approvals=1, risk="low")
    make_policy(required_approvals=2, risk="high")


def test_a_tier_that_was_set_for_the_submission_alone_approves_nothing(tiers, version, alice, bob, erin):
    tier(version, "low")
    asked = ask(version, alice)
    tier(version, "high")
    with pytest.raises(Conflict, match="The evidence changed: the risk tier or tags of the model"):
        sign(asked, bob)
    assert sign(asked, bob).state == "open"
    assert blocking(asked, "policy") == [
        "The risk tier or tags of churn are not what they were when the policy of this request was chosen. The "
        "policy for risk tier high governs the move now: until an admin puts the request under it, nothing moves."
    ]


def test_put_under_the_present_policy_it_goes_on_as_that_one_demands(tiers, version, alice, bob, erin, admin):
    tier(version, "low")
    asked = ask(version, alice)
    tier(version, "high")
    services.act(asked.pk, "repin", by=admin, comment="It is of high risk.")
    assert (blocking(asked, "policy"), sign(asked, bob).state, sign(asked, erin).state) == ([], "open", "approved")


def test_an_approved_request_goes_back_to_review_when_the_tier_changes(tiers, version, alice, bob, erin):
    tier(version, "low")
    asked = ask(version, alice)
    assert sign(asked, bob).state == "approved"
    tier(version, "high")
    assert (services.reconsider(asked.pk).state, standing(asked)) == ("open", [])


def test_a_tag_that_was_missing_at_the_submission_counts_too(version, alice, bob, erin):
    make_policy(required_approvals=1)
    make_policy(required_approvals=2, tag_key="pii", tag_value="yes")
    asked = ask(version, alice)
    tier(version, "", pii="yes")
    assert len(blocking(asked, "policy")) == 1


def test_where_no_policy_governs_any_more_it_says_so(version, alice, bob):
    make_policy(risk="low")
    tier(version, "low")
    asked = ask(version, alice)
    tier(version, "high")
    assert blocking(asked, "policy") == [
        "The risk tier or tags of churn are not what they were when the policy of this request was chosen. No policy "
        "says who signs off Production, so nothing can move there. Ask an admin to publish one."
    ]


def test_a_tier_that_no_policy_asks_for_changes_the_evidence_and_not_the_policy(version, alice, bob):
    make_policy()
    asked = ask(version, alice)
    tier(version, "high", team="risk")
    assert blocking(asked, "policy") == []
    assert [row.field for row in evidence.changes(asked.evidence, evidence.of(now(asked)))] == ["selection.now.risk"]


def test_a_later_edition_or_a_new_policy_leaves_the_request_under_its_own(version, alice, bob):
    make_policy()
    asked = ask(version, alice)
    publish_policy(required_approvals=2)
    make_policy(tag_key="pii")
    assert sign(asked, bob).state == "approved"


def test_evidence_from_before_takes_no_votes_by_having_less_in_it(version, alice, bob, erin):
    make_policy(required_approvals=2)
    asked = ask(version, alice)
    old = {key: value for key, value in asked.evidence.items() if key not in ("makers", "selection")}
    ApprovalRequest.objects.update(evidence=old, evidence_digest=evidence.digest(old))
    asked.snapshots.all().delete()
    evidence.keep(now(asked))
    sign(asked, bob)
    services.reconsider(asked.pk)
    assert (standing(asked), staleness.weighty(old, now(asked).evidence)) == (["bob"], [])
    assert now(asked).evidence["selection"]["pinned"] == {"risk": "", "tags": {}}
