"""What each control says of a model, now and of the past."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.approvals.models import AfterReview, ApprovalRequest, DriftFinding, Recertification
from apps.compliance.controls.outcomes import Finding
from apps.compliance.matrix.queries import row_of
from apps.compliance.models import HoldBreach, LegalHold
from apps.modelcards import requirements, services
from apps.modelcards.filling import Edit
from apps.modelcards.models import CardRevision
from apps.modelcards.summary import Summary, block_of
from apps.registry.models import ModelVersion, RegisteredModel
from tests.builders import make_model
from tests.compliance.conftest import at, mirror

YESTERDAY = timedelta(days=1)


def said(model: RegisteredModel, moment=None) -> dict[str, Finding]:
    """What every control says of the model: now, or at a moment."""
    model.refresh_from_db()
    return {cell.column.control.name: cell.finding for cell in row_of(model, moment, timezone.now()).cells}


def outcome(model: RegisteredModel, control: str, moment=None) -> str:
    return said(model, moment)[control].outcome.value


def valid_for(asked: ApprovalRequest, days: int) -> None:
    ApprovalRequest.objects.filter(pk=asked.pk).update(recertify_by=timezone.now() + timedelta(days=days))


def test_a_model_in_order_meets_what_applies_to_it(churn, asked):
    valid_for(asked, 30)
    assert {name: finding.outcome.value for name, finding in said(churn).items()} == {
        "approval": "met",
        "evidence": "met",
        "drift": "met",
        "recertification": "met",
        "after_review": "not_applicable",
        "events": "met",
        "dependencies": "met",
        "card": "met",
        "description": "met",
        "legal_hold": "not_applicable",
    }


def test_every_finding_says_why_and_where(churn):
    assert [name for name, finding in said(churn).items() if not (finding.reason and finding.url)] == []


def test_nothing_is_asked_of_a_model_without_production(db):
    model = make_model("idle")
    found = {name: finding.outcome.value for name, finding in said(model).items()}
    in_production = ("approval", "evidence", "recertification", "dependencies", "card", "description")
    assert {name: found[name] for name in in_production} == dict.fromkeys(in_production, "not_applicable")


def test_a_version_without_a_card_does_not_meet_it(churn):
    mirror(20, {1: "Production", 2: "None"})
    assert said(churn)["card"] == Finding("not_met", "v1 has no model card. Start one.", "/models/churn/v/1/")


def test_a_card_that_lacks_something_is_told_with_what(churn, alice):
    services.save("churn", 2, Edit({"limitations": None, "users": None}), base=2, by=alice)
    found = said(churn)["card"]
    assert (found.outcome, "missing: Users, Limitations" in found.reason) == ("not_met", True)


def test_a_card_is_judged_by_the_requirements_of_now(churn, admin):
    requirements.publish({"language": {"high": "P"}}, reason="Ours are in many.", seen=0, by=admin)
    assert "Language" in said(churn)["card"].reason


def test_a_description_that_assent_wrote_about_the_card_is_none(churn):
    summary = Summary(2, "a" * 64, "erin", "2026-11-30", "Chooses whom to call first.", "")
    ModelVersion.objects.update(description=block_of(summary))
    assert outcome(churn, "description") == "not_met"


def test_approval_names_who_approved(churn, asked):
    expected = f"v2 rests on request {asked.pk}, approved by erin."
    assert said(churn)["approval"] == Finding("met", expected, f"/requests/{asked.pk}/")


def test_approval_is_missing_where_mlflow_moved_the_version(churn):
    mirror(20, {1: "Production", 2: "None"})
    assert said(churn)["approval"] == Finding(
        "not_met", "No applied request put v1 into Production. Ask for it.", "/models/churn/v/1/"
    )


def test_the_worst_version_in_production_counts(churn):
    mirror(20, {1: "Production", 2: "Production"})
    assert outcome(churn, "approval") == "not_met"


def test_a_bypass_counts_as_an_approval_once_it_is_ratified(churn, asked, bob):
    ApprovalRequest.objects.filter(pk=asked.pk).update(expedited=True, bypassed=True)
    review = AfterReview.objects.create(request=asked, due_at=timezone.now() + YESTERDAY)
    before = (outcome(churn, "approval"), outcome(churn, "after_review"))
    AfterReview.objects.filter(pk=review.pk).update(outcome="ratified", reviewer=bob, reviewed_at=timezone.now())
    assert (before, (outcome(churn, "approval"), outcome(churn, "after_review"))) == (
        ("not_met", "not_met"),
        ("met", "met"),
    )


def test_a_bypass_that_was_not_ratified_was_reviewed_and_is_no_approval(churn, asked, bob):
    ApprovalRequest.objects.filter(pk=asked.pk).update(expedited=True, bypassed=True)
    now = timezone.now()
    AfterReview.objects.create(request=asked, due_at=now, outcome="not_ratified", reviewer=bob, reviewed_at=now)
    assert (outcome(churn, "approval"), outcome(churn, "after_review")) == ("not_met", "met")


def test_evidence_changes_with_a_metric(churn):
    ModelVersion.objects.filter(number=2).update(metrics={"accuracy": 0.5})
    assert outcome(churn, "evidence") == "not_met"


def test_evidence_outlives_a_renaming(churn):
    RegisteredModel.objects.update(name="leavers")
    assert outcome(churn, "evidence") == "met"


def test_evidence_is_unknown_while_the_files_are_unread(churn):
    ModelVersion.objects.update(details_state="pending")
    assert (outcome(churn, "evidence"), outcome(churn, "dependencies")) == ("unknown", "unknown")


@pytest.mark.parametrize(("days", "expected"), [(1, "met"), (-1, "not_met"), (-1000, "not_met")])
def test_recertification_is_in_time_until_the_approval_runs_out(churn, asked, days, expected):
    valid_for(asked, days)
    assert outcome(churn, "recertification") == expected


def test_recertification_does_not_apply_to_what_holds_for_good(churn):
    assert outcome(churn, "recertification") == "not_applicable"


def test_recertification_of_the_past_is_judged_by_the_end_that_held_then(churn, asked, bob):
    """90 days from the policy; certified anew on day 95, for ninety more."""
    row = Recertification.objects.create(request=asked, reviewer=bob, until=at(10) + timedelta(days=185))
    Recertification.objects.filter(pk=row.pk).update(created_at=at(10) + timedelta(days=95))
    days = {day: outcome(churn, "recertification", at(10) + timedelta(days=day)) for day in (80, 92, 100)}
    assert days == {80: "met", 92: "not_met", 100: "met"}


def test_drift_is_open_from_its_finding_to_its_settling(churn):
    values = {"model": churn, "version": churn.versions.get(number=2), "kind": "stage", "expected": "Staging"}
    found = DriftFinding.objects.create(**values, state="accepted", settled_at=at(40), settled_by="bob")
    DriftFinding.objects.filter(pk=found.pk).update(first_seen_at=at(30))
    assert [outcome(churn, "drift", at(minute)) for minute in (29, 30, 39, 40)] == ["met", "not_met", "not_met", "met"]


def test_events_lack_the_move_of_a_version_that_was_there_before(db):
    mirror(1, {1: "Production"})
    model = RegisteredModel.objects.get(name="churn")
    assert said(model)["events"].reason.startswith("v1 is in Production, and the trail holds no stage_transition of it")


def test_events_lack_the_registration_of_a_model_that_no_sync_brought(db):
    assert outcome(make_model("by hand"), "events") == "not_met"


def test_dependencies_name_what_is_loose(churn):
    ModelVersion.objects.update(requirements=["pandas"])
    assert said(churn)["dependencies"] == Finding("not_met", "Not pinned to one version: pandas.", "/models/churn/v/2/")


def test_description_is_that_of_the_model_or_of_the_version(churn):
    ModelVersion.objects.update(description=" ")
    without = outcome(churn, "description")
    RegisteredModel.objects.update(description="Who leaves.")
    assert (without, outcome(churn, "description")) == ("not_met", "met")


class TestOfThePast:
    """What a moment that is over is judged by: what was signed by then, and what the trail keeps."""

    @pytest.fixture
    def signed(self, asked) -> ApprovalRequest:
        """The request with a digest of the files in its evidence."""
        ApprovalRequest.objects.update(evidence={**asked.evidence, "artifact": "a" * 64})
        return asked

    def exchange(self, churn, minute: int, **values) -> DriftFinding:
        found = DriftFinding.objects.create(
            model=churn, version=churn.versions.get(number=2), kind="artifacts", expected="a", found="b", **values
        )
        DriftFinding.objects.filter(pk=found.pk).update(first_seen_at=at(minute))
        return found

    def test_dependencies_that_changed_since_are_judged_as_they_were_signed(self, churn, asked):
        ModelVersion.objects.update(requirements=["pandas"])
        expected = f"As signed with request {asked.pk}: 1 requirement, pinned."
        assert said(churn, at(20))["dependencies"] == Finding("met", expected, f"/requests/{asked.pk}/")
        assert outcome(churn, "dependencies") == "not_met"

    def test_dependencies_that_were_loose_when_they_were_signed_stay_so(self, churn, asked):
        ApprovalRequest.objects.update(evidence={**asked.evidence, "requirements": ["pandas"]})
        found = said(churn, at(20))["dependencies"]
        assert (found.outcome, found.reason) == (
            "not_met",
            f"As signed with request {asked.pk}: Not pinned to one version: pandas.",
        )
        assert outcome(churn, "dependencies") == "met"

    def test_dependencies_of_what_nobody_asked_for_are_unknown(self, churn):
        mirror(20, {1: "Production", 2: "None"})
        found = said(churn, at(30))["dependencies"]
        expected = "No applied request put v1 into Production, so nothing keeps what it required then."
        assert found == Finding("unknown", expected, "/models/churn/v/1/")

    def test_dependencies_that_older_evidence_does_not_keep_are_unknown(self, churn, asked):
        ApprovalRequest.objects.update(evidence={"model": "churn"})
        found = said(churn, at(20))["dependencies"]
        assert (found.outcome, found.reason) == (
            "unknown",
            f"Request {asked.pk} keeps no requirements: its evidence is older than they are.",
        )

    def test_an_exchange_of_files_ends_what_was_signed_from_when_it_was_known(self, churn, signed):
        self.exchange(churn, 20, state="accepted", settled_at=at(21), settled_by="bob")
        found = {
            minute: (outcome(churn, "evidence", at(minute)), outcome(churn, "dependencies", at(minute)))
            for minute in (19, 20, 30)
        }
        assert found == {19: ("met", "met"), 20: ("not_met", "unknown"), 30: ("not_met", "unknown")}

    def test_files_that_were_as_before_again_are_what_was_signed(self, churn, signed):
        self.exchange(churn, 20, state="resolved", settled_at=at(25))
        found = {minute: outcome(churn, "evidence", at(minute)) for minute in (22, 26)}
        assert found == {22: "not_met", 26: "met"}

    def test_an_exchange_that_was_settled_before_the_signature_was_signed(self, churn, signed):
        self.exchange(churn, 3, state="accepted", settled_at=at(4))
        self.exchange(churn, 6, state="accepted", settled_at=at(11), request=signed, alias="x")
        assert outcome(churn, "evidence", at(20)) == "met"

    def test_evidence_names_what_was_signed(self, churn, signed):
        assert said(churn, at(20))["evidence"] == Finding(
            "met",
            f"v2 was applied as it was signed with request {signed.pk} (files {'a' * 64}), and no exchange of its "
            "files was known then.",
            f"/requests/{signed.pk}/",
        )

    def test_evidence_without_a_digest_of_files_is_unknown(self, churn, asked):
        found = said(churn, at(20))["evidence"]
        assert (found.outcome, found.reason) == (
            "unknown",
            f"Request {asked.pk} keeps no digest of the files of v2: nothing tells what they were then.",
        )

    def test_a_card_is_what_its_revision_of_then_said(self, churn, alice):
        first, second = CardRevision.objects.order_by("number").values_list("created_at", flat=True)
        found = [outcome(churn, "card", moment) for moment in (at(20), first, second)]
        assert found == ["not_met", "not_met", "met"]
        assert said(churn, at(20))["card"].reason == "v2 had no model card then."

    def test_a_card_is_judged_by_the_requirements_of_then(self, churn, admin):
        before = CardRevision.objects.latest("pk").created_at
        requirements.publish({"language": {"high": "P"}}, reason="Ours are in many.", seen=0, by=admin)
        assert (outcome(churn, "card", before), outcome(churn, "card")) == ("met", "not_met")

    def test_a_description_is_what_the_trail_says_that_it_was(self, churn):
        """Mirroring empties the text of the version: the trail tells of it now, long after minute 20."""
        before = outcome(churn, "description")
        mirror(30, {1: "None", 2: "Production"})
        assert (before, outcome(churn, "description"), outcome(churn, "description", at(20))) == (
            "met",
            "not_met",
            "met",
        )

    def test_a_description_that_came_later_was_not_there_before(self, churn):
        ModelVersion.objects.update(description="")
        mirror(30, {1: "None", 2: "Production"}, description="Who leaves.")
        assert (outcome(churn, "description"), outcome(churn, "description", at(20))) == ("met", "not_met")

    def test_every_finding_says_why_and_where(self, churn):
        assert [name for name, found in said(churn, at(20)).items() if not (found.reason and found.url)] == []


def test_production_of_the_past_is_what_was_there_then(churn):
    mirror(20, {1: "None", 2: "None"})
    assert (outcome(churn, "approval", at(9)), outcome(churn, "approval", at(15)), outcome(churn, "approval")) == (
        "not_applicable",
        "met",
        "not_applicable",
    )


def test_legal_hold_is_met_until_it_is_broken(churn, admin):
    hold = LegalHold.objects.create(model=churn, reason="Case 4.", set_by=admin)
    kept = outcome(churn, "legal_hold")
    HoldBreach.objects.create(hold=hold, version=churn.versions.get(number=1), what="deleted")
    assert (kept, outcome(churn, "legal_hold")) == ("met", "not_met")
