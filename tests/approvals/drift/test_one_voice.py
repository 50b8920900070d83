"""Accepting is a decision under the policy of the place: one person's word, where that is all that it demands."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from apps.approvals import services as sign_off
from apps.approvals.drift import protected, queries, services
from apps.approvals.models import DriftFinding
from apps.approvals.policies import freezes, terms
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import Conflict, DomainError, InvalidInput, RuleViolation
from apps.registry.models import ModelVersion
from apps.registry.observers import Changed
from tests.approvals.drift.conftest import move, point, tell
from tests.builders import make_policy, make_version
from tests.conftest import PASSWORD
from tests.factors import code_of, with_app


@pytest.fixture
def risk(db, bob, erin) -> Group:
    group = Group.objects.create(name="Risk")
    for person in (bob, erin):
        person.groups.add(group)
    return group


@pytest.fixture
def strayed(version, champion) -> DriftFinding:
    """MLflow pointed @champion from v2 to v3."""
    make_version(version.model, 3)
    point(version, "champion", 3)
    return DriftFinding.objects.get()


def accept(finding, by, **more):
    return services.accept(finding.pk, found=finding.found, reason="Agreed.", by=by, **more)


def state() -> str:
    return DriftFinding.objects.get().state


def test_an_alias_that_takes_two_is_not_accepted_by_one(strayed, risk, bob):
    make_policy("", alias="champion", required_approvals=2, group=risk)
    with pytest.raises(RuleViolation) as caught:
        accept(strayed, bob)
    assert caught.value.message == (
        "The policy of @champion demands 2 approvals, so one person cannot accept it: 2 approvals by reviewers in the "
        "group “Risk”. Open a request for it, or revert it."
    )
    assert (state(), AuditEvent.objects.get(action=Action.DRIFT_ACCEPTED).outcome) == ("open", Outcome.REFUSED)


def test_an_alias_without_a_policy_is_not_accepted(strayed, bob):
    with pytest.raises(RuleViolation, match="No policy says who signs off @champion"):
        accept(strayed, bob)


def test_an_alias_that_takes_one_is_accepted_under_its_policy(strayed, bob):
    policy = make_policy("", alias="champion")
    accept(strayed, bob)
    event = AuditEvent.objects.get(action=Action.DRIFT_ACCEPTED)
    assert (state(), event.data["policies"]) == ("accepted", [terms(policy)])


def test_a_group_of_the_alias_counts_its_own_members(strayed, bob):
    make_policy("", alias="champion", group=Group.objects.create(name="Risk"))
    with pytest.raises(RuleViolation, match="the group Risk"):
        accept(strayed, bob)


def test_two_rules_are_filled_by_one_person_where_the_policy_lets_them(strayed, risk, bob):
    policy = make_policy("", alias="champion", rules=[(1, risk), (1, None)], several_rules=True)
    accept(strayed, bob)
    assert (state(), policy.needed) == ("accepted", 2)


def test_who_made_the_version_that_an_alias_left_does_not_accept_its_removal(version, champion, bob):
    make_policy("", alias="champion")
    ModelVersion.objects.update(run={"user": "bob"})
    point(version, "champion", None)
    with pytest.raises(RuleViolation, match="You trained this version"):
        accept(DriftFinding.objects.get(), bob)


def test_an_alias_that_was_removed_is_accepted_without_checks(version, champion, bob):
    make_policy("", alias="champion", required_checks=["external:smoke"])
    point(version, "champion", None)
    accept(DriftFinding.objects.get(), bob)
    assert state() == "accepted"


def test_an_alias_that_nobody_protects_any_more_is_accepted_by_a_reviewer(strayed, admin, bob):
    protected.unprotect("champion", reason="No longer served.", by=admin)
    accept(strayed, bob)
    assert state() == "accepted"


@pytest.mark.parametrize("target", [{"stage": "Production"}, {"stage": "", "alias": "champion"}])
def test_a_required_check_that_does_not_pass_is_in_the_way(version, champion, bob, target):
    make_policy(**target, required_checks=["external:smoke"])
    make_version(version.model, 3)
    point(version, "champion", 3) if "alias" in target else move(version, "Production")
    with pytest.raises(RuleViolation, match=r"requires checks that do not pass: smoke\. Open a request for it"):
        accept(DriftFinding.objects.get(), bob)


def test_what_could_not_be_read_is_not_accepted(drifted, bob):
    ModelVersion.objects.update(details_state="failed")
    with pytest.raises(RuleViolation, match="could not be read"):
        accept(drifted, bob)


def test_the_password_is_asked_where_the_policy_signs_with_one(strayed, bob):
    make_policy("", alias="champion", sign_with="password")
    for password in ("", "wrong"):
        with pytest.raises(InvalidInput) as caught:
            accept(strayed, bob, password=password)
        assert (caught.value.field, state()) == ("password", "open")
    accept(strayed, bob, password=PASSWORD)
    event = AuditEvent.objects.get(action=Action.DRIFT_ACCEPTED, outcome=Outcome.DONE)
    assert (state(), event.data["confirmed_with"]) == ("accepted", "password")
    assert PASSWORD not in str(list(AuditEvent.objects.values()))


def test_only_accepting_asks_for_the_password(strayed, bob):
    make_policy("", alias="champion", sign_with="password")
    offers = queries.allowed_actions(queries.get_finding(bob, strayed.pk), bob)
    assert {offer.action: offer.password_needed for offer in offers} == {
        "revert": False, "request": False, "accept": True,
    }  # fmt: skip


def test_a_freeze_is_not_gone_around_by_way_of_mlflow(drifted, bob, admin):
    now = timezone.now()
    freezes.set_freeze("Audit", starts_at=now, ends_at=now + timedelta(days=1), reason="Audit.", by=admin)
    with pytest.raises(Conflict, match="The freeze “Audit” holds Production"):
        accept(drifted, bob)


@pytest.mark.parametrize("served_as", ["stage", "alias"])
def test_other_files_of_what_is_served_are_decided_under_its_policy(version, champion, bob, served_as):
    make_policy("Staging", required_approvals=2 if served_as == "stage" else 1)
    make_policy("", alias="champion", required_approvals=2 if served_as == "alias" else 1)
    tell(Changed.ARTIFACTS, version, "a" * 64, "b" * 64)
    with pytest.raises(RuleViolation, match=r"demands 2 approvals.*Ask to archive this version"):
        accept(DriftFinding.objects.get(), bob)


def test_a_deletion_is_taken_note_of_by_a_reviewer(version, decision, bob):
    tell(Changed.DELETED, version, "Staging", None)
    accept(DriftFinding.objects.get(), bob)
    assert state() == "accepted"


def test_a_request_for_an_alias_starts_where_it_pointed_before(strayed, alice, bob):
    make_policy("", alias="champion")
    asked = services.open_request_for(strayed.pk, reason="It works.", by=alice)
    strayed.refresh_from_db()
    assert (asked.alias, asked.from_number, asked.to_stage, asked.version.number) == ("champion", 2, "", 3)
    assert (strayed.state, strayed.request) == ("requested", asked)


def test_a_request_for_an_alias_is_voted_on_as_any_other(strayed, risk, alice, bob, erin):
    make_policy("", alias="champion", required_approvals=2, group=risk)
    asked = services.open_request_for(strayed.pk, reason="It works.", by=alice)
    for person in (bob, erin):
        asked = sign_off.act(asked.pk, "approve", by=person, evidence_digest=asked.evidence_digest)
    assert asked.state == "approved"


def test_mlflow_moving_the_alias_on_stops_its_request(strayed, version, alice, bob):
    make_policy("", alias="champion")
    asked = services.open_request_for(strayed.pk, reason="It works.", by=alice)
    make_version(version.model, 4)
    point(version, "champion", 4)
    strayed.refresh_from_db()
    assert (strayed.state, strayed.found) == ("open", "4")
    with pytest.raises(DomainError, match="no longer points where it did"):
        sign_off.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)


def test_an_alias_lets_go_of_its_request_when_that_is_withdrawn(strayed, alice, bob):
    make_policy("", alias="champion")
    asked = services.open_request_for(strayed.pk, reason="It works.", by=alice)
    sign_off.act(asked.pk, "withdraw", by=alice)
    assert state() == "open"


def test_a_second_factor_is_asked_where_the_policy_signs_with_one(strayed, bob, erin):
    make_policy("", alias="champion", sign_with="factor")
    with_app(bob)
    with pytest.raises(InvalidInput, match="A password is not enough"):
        accept(strayed, bob, password=PASSWORD)
    with pytest.raises(RuleViolation, match="you have none yet"):
        accept(strayed, erin, password=PASSWORD)
    accept(strayed, bob, password=code_of(bob))
    event = AuditEvent.objects.get(action=Action.DRIFT_ACCEPTED, outcome=Outcome.DONE)
    assert (state(), event.data["confirmed_with"]) == ("accepted", "totp")
