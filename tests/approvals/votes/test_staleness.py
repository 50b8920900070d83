"""Which votes fall when the evidence changes, and what everybody is shown of it."""

import pytest
from django.contrib.auth.models import Group

from apps.approvals import evidence, services, staleness
from apps.approvals.models import ApprovalPolicy, ApprovalRequest, EvidenceSnapshot, Review
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.errors import Conflict
from apps.registry.details.keeping import COMPLETE
from apps.registry.models import ModelVersion
from tests.builders import make_policy

FILES = [{"path": "MLmodel", "size": 10}, {"path": "model.pkl", "size": 99}]


def change(version, **fields) -> None:
    """What MLflow brings, as the mirror has it then."""
    ModelVersion.objects.filter(pk=version.pk).update(**fields)


def standing(asked) -> list[str]:
    return sorted(Review.objects.filter(request=asked, standing=True).values_list("reviewer__username", flat=True))


def now(asked) -> ApprovalRequest:
    return ApprovalRequest.objects.select_related("version__model", "policy").get(pk=asked.pk)


@pytest.fixture
def teams(bob, erin) -> tuple[Group, Group]:
    """Two groups: bob judges the metrics, erin the dependencies."""
    metrics, packages = Group.objects.create(name="metrics"), Group.objects.create(name="packages")
    metrics.user_set.add(bob)
    packages.user_set.add(erin)
    return metrics, packages


def scoped(teams, *more, **terms) -> ApprovalPolicy:
    """A policy under which each team answers for its own part."""
    rules = [(1, teams[0], ["metrics"]), (1, teams[1], ["dependencies"]), *more]
    return make_policy(rules=rules, **{"staleness": "scoped"} | terms)


@pytest.fixture
def policy(teams) -> ApprovalPolicy:
    return scoped(teams)


def test_a_vote_is_about_the_scopes_of_the_rules_that_its_giver_could_fill(asked, sign, bob, erin):
    assert (sign(bob).scopes, sign(erin).scopes) == (["metrics"], ["dependencies"])


def test_a_rule_about_everything_makes_the_vote_one_about_everything(version, teams, alice, bob, erin, frank):
    scoped(teams, (1, None))
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    assert Review.objects.get(request=asked).scopes == []


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({"params": {"depth": "4"}}, ["erin"]),
        ({"datasets": []}, ["erin"]),
        ({"requirements": ["scikit-learn==1.7.1"]}, ["bob"]),
        ({"mlmodel": {"model_id": "other"}}, []),
        ({"source": "models:/other"}, []),
    ],
)
def test_only_the_votes_on_what_changed_fall(asked, version, sign, bob, erin, fields, left):
    sign(bob)
    sign(erin)
    change(version, **fields)
    services.reconsider(asked.pk)
    assert standing(asked) == left
    assert now(asked).state == "open"


@pytest.mark.parametrize(("staleness", "left"), [("all", []), ("none", ["bob", "erin"])])
def test_the_policy_says_that_all_votes_fall_or_none(version, teams, alice, bob, erin, staleness, left):
    scoped(teams, staleness=staleness)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    for person in (bob, erin):
        services.act(asked.pk, "approve", by=person, evidence_digest=asked.evidence_digest)
    change(version, params={"depth": "4"})
    services.reconsider(asked.pk)
    assert (standing(asked), now(asked).state) == (left, "approved" if left else "open")


def test_another_artifact_takes_all_votes_whatever_the_policy_says(version, teams, alice, bob, erin):
    change(version, artifact_digest="a" * 64, files=FILES)
    scoped(teams, staleness="none")
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    change(version, artifact_digest="b" * 64, files=[FILES[0], {"path": "model.pkl", "size": 98}])
    services.reconsider(asked.pk)
    vote = Review.objects.get(request=asked)
    assert (vote.standing, vote.dismissed_because) == (False, "The evidence changed: artifact, files.model.pkl.")
    assert vote.dismissed_at is not None


def test_an_objection_stays_when_the_evidence_changes(asked, version, sign, bob):
    sign(bob, "request_changes", "Explain the metrics.")
    change(version, metrics={"accuracy": 0.99})
    services.reconsider(asked.pk)
    assert (standing(asked), now(asked).state) == (["bob"], "changes_requested")


def test_what_changed_since_a_vote_is_told_field_by_field(asked, version, sign, bob, erin):
    sign(bob)
    vote = sign(erin)
    change(version, params={"depth": "4"})
    services.reconsider(asked.pk)
    change(version, params={"depth": "5"})
    services.reconsider(asked.pk)
    assert evidence.since(Review.objects.get(pk=vote.pk)) == [("params.depth", "3", "5")]


def test_what_a_digest_stood_for_is_kept_once(asked, version):
    for depth in ("4", "3", "4", "3"):
        change(version, params={"depth": depth})
        services.reconsider(asked.pk)
    assert EvidenceSnapshot.objects.filter(request=asked).count() == 2
    assert {evidence.digest(row.content) == row.digest for row in EvidenceSnapshot.objects.all()} == {True}


def test_a_check_that_gets_better_dismisses_nobody_and_moves_the_digest(version, policy, alice, bob, erin, champion):
    change(champion, metrics={"accuracy": 0.95})
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    change(champion, metrics={"accuracy": 0.5})
    services.reconsider(asked.pk)
    moved = now(asked)
    assert (standing(asked), moved.evidence["checks"]["metrics"]) == (["bob"], "pass")
    assert moved.evidence_digest != asked.evidence_digest


def test_a_check_that_gets_worse_takes_the_votes_that_are_about_checks(version, alice, bob, erin, champion):
    make_policy(rules=[(2, None, ["checklist"])], staleness="scoped")
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    change(champion, metrics={"accuracy": 0.95})
    services.reconsider(asked.pk)
    assert standing(asked) == []


def test_a_digest_that_was_read_is_signed_as_long_as_nothing_changed_that_matters(asked, version, bob):
    change(version, environment={"conda": {"name": "env"}, COMPLETE: True})
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    vote, request = Review.objects.get(request=asked), now(asked)
    assert (vote.evidence_digest, request.evidence["environment"]) == (
        asked.evidence_digest,
        {"conda": {"name": "env"}},
    )
    assert request.evidence_digest != vote.evidence_digest


def test_an_environment_that_changes_after_it_was_read_takes_votes(asked, version, sign, bob, erin):
    change(version, environment={"conda": {"name": "env"}, COMPLETE: True})
    services.reconsider(asked.pk)
    sign(bob)
    sign(erin)
    change(version, environment={"conda": {"name": "other"}, COMPLETE: True})
    services.reconsider(asked.pk)
    assert standing(asked) == ["bob"]


def test_files_that_could_not_be_listed_for_a_while_hide_no_exchange(version, policy, alice, bob):
    change(version, artifact_digest="a" * 64, files=FILES)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    change(version, artifact_digest="b" * 64, files=None)
    services.reconsider(asked.pk)
    assert standing(asked) == ["bob"]
    change(version, artifact_digest="c" * 64, files=[FILES[0], {"path": "model.pkl", "size": 98}])
    services.reconsider(asked.pk)
    assert standing(asked) == []


FOLDER, INSIDE = {"path": "data/", "size": None}, {"path": "data/model.pth", "size": 99}


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        ([FILES[0], FOLDER], [FILES[0], FOLDER, INSIDE], ["bob"]),  # a folder that was not looked into when he voted
        ([FILES[0], FOLDER], [FILES[1], FOLDER, INSIDE], []),
        ([FILES[0], FOLDER, INSIDE], [FILES[0], FOLDER, INSIDE | {"size": 98}], []),
        ([FILES[0], FOLDER, INSIDE], [FILES[0], FOLDER, INSIDE, {"path": "data/more.bin", "size": 1}], []),
        ([FILES[0]], [FILES[0], FOLDER, INSIDE], []),
    ],
)
def test_a_vote_falls_by_files_that_are_others_not_by_a_look_into_a_folder(
    version, policy, alice, bob, before, after, left
):
    change(version, artifact_digest="a" * 64, files=before)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    change(version, artifact_digest="b" * 64, files=after)
    services.reconsider(asked.pk)
    assert standing(asked) == left


def test_evidence_of_an_older_form_takes_no_votes_by_having_more_fields_now(asked, sign, bob):
    old = {key: value for key, value in asked.evidence.items() if key not in ("card", "checks", "files", "target")}
    assert staleness.weighty(old, asked.evidence) == []


def test_the_event_names_who_lost_their_vote_and_what_changed(asked, version, sign, bob, erin):
    sign(bob)
    sign(erin)
    change(version, params={"depth": "4"})
    services.reconsider(asked.pk)
    event = AuditEvent.objects.get(action=Action.REQUEST_EVIDENCE_CHANGED)
    assert (event.data["dismissed"], event.data["changed"], event.data["changes"]) == (
        ["bob"],
        1,
        [{"field": "params.depth", "before": "3", "after": "4"}],
    )


def test_a_vote_on_evidence_that_changed_meanwhile_is_refused(asked, version, bob, erin):
    services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
    change(version, params={"depth": "4"})
    with pytest.raises(Conflict, match=r"The evidence changed: params\.depth"):
        services.act(asked.pk, "approve", by=erin, evidence_digest=asked.evidence_digest)
    assert (standing(asked), now(asked).evidence["params"]) == ([], {"depth": "4"})
    with pytest.raises(Conflict, match="has changed since you read it"):
        services.act(asked.pk, "approve", by=erin, evidence_digest=asked.evidence_digest)


@pytest.mark.parametrize(
    ("field", "scope"),
    [
        ("metrics.f1", "metrics"), ("run.status", "metrics"), ("datasets", "metrics"), ("requirements", "dependencies"),
        ("environment.conda", "dependencies"), ("checks.signature", "checklist"), ("policy.revision", "checklist"),
        ("card.text", "card"), ("files.model.pkl", "artifact"), ("signature", "artifact"), ("odd", "artifact"),
    ],
)  # fmt: skip
def test_each_field_belongs_to_one_part_of_the_evidence(field, scope):
    assert evidence.scope_of(field) == scope


@pytest.mark.parametrize(("before", "after", "falls"), [
    ("pass", "pending", True), ("pending", "pass", False), ("fail", "error", False), (None, "pending", False),
    (None, "fail", True),
])  # fmt: skip
def test_a_check_is_weighty_when_it_is_worse_than_what_was_signed(before, after, falls):
    old = {"checks": {"signature": "pass"} | ({"external:tests": before} if before else {})}
    new = {"checks": {"signature": "pass", "external:tests": after}}
    assert bool(staleness.weighty(old, new)) == falls
