import pytest

from apps.approvals import services
from apps.approvals.models import ApprovalRequest, DriftFinding
from apps.audit.actions import Action, Source
from apps.audit.context import Origin, came_through
from apps.audit.models import AuditEvent
from apps.audit.services import Actor
from apps.jobs.services import enqueue
from apps.registry import stages
from apps.registry.models import ModelVersion, RegisteredModel
from apps.registry.observers import Changed
from tests.approvals.drift.conftest import move, point, tell
from tests.builders import make_version


def told() -> list[str]:
    return list(AuditEvent.objects.filter(target_type="drift").order_by("id").values_list("action", flat=True))


def test_a_stage_that_no_decision_covers_is_drift(version, read):
    move(version, "Production")
    assert read() == ("open", "Staging", "Production")


def test_a_finding_names_the_decision_that_says_otherwise(version, decision):
    move(version, "Production")
    assert DriftFinding.objects.get().decision == decision


def test_a_finding_without_a_decision_names_none(version):
    move(version, "Production")
    assert DriftFinding.objects.get().decision is None


def test_a_new_version_that_came_with_a_stage_is_drift(version, read):
    tell(Changed.STAGE, version, None, "Staging")
    assert read() == ("open", "None", "Staging")


def test_a_new_version_without_a_stage_is_no_drift(version):
    tell(Changed.STAGE, version, None, "None")
    assert not DriftFinding.objects.exists()


def test_the_event_says_what_was_found_and_how_it_was_seen(version, decision):
    job = enqueue("registry.sync", requested_by="beat")
    with came_through(Origin(Source.WORKER, f"job-{job.pk}")):
        move(version, "Production")
    event = AuditEvent.objects.get(action=Action.DRIFT_FOUND)
    assert (event.actor, event.source, event.model_id) == ("mlflow", Source.MLFLOW, version.model_id)
    assert {name: event.data[name] for name in ("kind", "version", "expected", "found", "decision")} == {
        "kind": "stage", "version": "churn v2", "expected": "Staging", "found": "Production", "decision": decision.pk,
    }  # fmt: skip
    assert event.data["hints"] == {"seen_by": "registry.sync", "mlflow_time": "2026-05-04T12:00:00+00:00"}


def test_further_moves_keep_what_is_expected(version, read):
    move(version, "Production")
    move(version, "Archived")
    assert (read(), told()) == (("open", "Staging", "Archived"), [Action.DRIFT_FOUND, Action.DRIFT_FOUND])


def test_mlflow_going_back_by_itself_resolves_it(version, read):
    move(version, "Production")
    move(version, "Staging")
    assert (read(), told()) == (("resolved", "Staging", "Production"), [Action.DRIFT_FOUND, Action.DRIFT_RESOLVED])


def test_a_change_after_the_end_of_a_finding_is_a_new_one(version):
    move(version, "Production")
    move(version, "Staging")
    move(version, "Archived")
    assert list(DriftFinding.objects.order_by("pk").values_list("state", "found")) == [
        ("resolved", "Production"),
        ("open", "Archived"),
    ]


def test_a_revert_under_way_is_left_to_its_job(drifted, version, read):
    DriftFinding.objects.update(state="reverting")
    move(version, "Staging")
    assert read()[0] == "reverting"


@pytest.mark.parametrize(
    ("state", "write", "findings"),
    [
        ("applying", "", 1),
        ("applying", "sent", 0),
        ("applying", "seen", 0),
        ("apply_failed", "", 1),
        ("apply_failed", "sent", 1),
        ("apply_failed", "seen", 0),
        ("approved", "seen", 0),
        ("open", "seen", 1),
    ],
)
def test_only_what_an_approved_request_wrote_itself_is_covered(version, decision, state, write, findings):
    ApprovalRequest.objects.update(
        state=state, to_stage="Production", stage_before="Staging", stage_write=write, closed_at=None
    )
    move(version, "Production")
    assert DriftFinding.objects.count() == findings


def test_a_version_archived_by_an_approved_request_is_covered(version, decision):
    sibling = make_version(version.model, 1, stage="Production")
    ApprovalRequest.objects.update(
        state="apply_failed", to_stage="Production", stage_write="seen", closed_at=None, archive_existing=True
    )
    move(sibling, "Archived")
    assert not DriftFinding.objects.exists()


def test_the_decision_that_archived_a_version_is_found_in_the_trail(version, decision):
    sibling = make_version(version.model, 1, stage="Archived")
    stages.record_move(sibling, "churn", "Production", by=Actor("system:approvals"), request=decision.pk)
    move(sibling, "Production")
    assert DriftFinding.objects.get().decision == decision


def test_an_alias_that_nobody_protects_is_no_drift(version):
    point(version, "shadow", 2)
    assert not DriftFinding.objects.exists()


def test_a_protected_alias_that_moved_is_drift(version, champion, read):
    make_version(version.model, 3)
    point(version, "champion", 3)
    assert (read(), DriftFinding.objects.get().version.number) == (("open", "2", "3"), 3)


def test_a_protected_alias_that_was_removed_is_drift(version, champion, read):
    point(version, "champion", None)
    assert (read(), DriftFinding.objects.get().version) == (("open", "2", ""), None)


def test_one_finding_follows_an_alias_on_its_way(version, champion, read):
    make_version(version.model, 3)
    for number in (None, 3, None):
        point(version, "champion", number)
    assert read() == ("open", "2", "")


def test_an_alias_that_is_back_is_resolved(version, champion, read):
    make_version(version.model, 3)
    point(version, "champion", 3)
    point(version, "champion", 2)
    assert read() == ("resolved", "2", "3")


def test_an_alias_protected_later_is_drift_from_then_on(version, champion):
    champion.delete()
    make_version(version.model, 3)
    point(version, "champion", 3)
    champion.save(force_insert=True)
    assert not DriftFinding.objects.exists()
    point(version, "champion", 2)
    assert DriftFinding.objects.get().expected == "3"


@pytest.mark.parametrize(("stage", "found"), [("Production", 1), ("Staging", 1), ("None", 0), ("Archived", 0)])
def test_changed_artifacts_are_drift_of_versions_in_use(model, stage, found):
    version = make_version(model, 1, stage=stage)
    tell(Changed.ARTIFACTS, version, "a" * 64, "b" * 64, details={"changed": ["MLmodel"]})
    assert DriftFinding.objects.count() == found


def test_changed_artifacts_are_drift_of_a_version_that_a_request_is_about(version, decision):
    ModelVersion.objects.update(stage="None")
    version.refresh_from_db()
    tell(Changed.ARTIFACTS, version, "a" * 64, "b" * 64, details={"changed": ["requirements.txt"]})
    assert DriftFinding.objects.get().details["changed"] == ["requirements.txt"]


def test_artifacts_read_for_the_first_time_are_no_drift(version):
    tell(Changed.ARTIFACTS, version, "", "b" * 64)
    assert not DriftFinding.objects.exists()


@pytest.mark.parametrize(("stage", "found"), [("Production", 1), ("Staging", 1), ("None", 0), ("Archived", 0)])
def test_the_deletion_of_a_version_in_use_is_drift(model, stage, found):
    version = make_version(model, 1, stage=stage)
    tell(Changed.DELETED, version, stage, None)
    assert DriftFinding.objects.count() == found


def test_archiving_before_deleting_hides_nothing(version):
    move(version, "Archived")
    tell(Changed.DELETED, version, "Archived", None)
    assert list(DriftFinding.objects.order_by("pk").values_list("kind", "state", "expected")) == [
        ("stage", "resolved", "Staging"),
        ("deleted", "open", "Staging"),
    ]


def test_a_deleted_version_that_is_there_again_is_resolved(version):
    tell(Changed.DELETED, version, "Staging", None)
    tell(Changed.RETURNED, version, "Staging", "Staging")
    assert list(DriftFinding.objects.values_list("kind", "state", "reason")) == [
        ("deleted", "resolved", "The version is in MLflow again."),
    ]


def test_a_deleted_version_that_is_there_again_elsewhere_is_drift_of_its_stage(version):
    move(version, "Archived")
    tell(Changed.DELETED, version, "Archived", None)
    tell(Changed.RETURNED, version, "Archived", "Archived")
    assert list(DriftFinding.objects.order_by("pk").values_list("kind", "state", "expected", "found")[1:]) == [
        ("deleted", "resolved", "Staging", ""),
        ("stage", "open", "Staging", "Archived"),
    ]


def test_the_models_row_counts_what_is_unsettled(version):
    move(version, "Production")
    assert RegisteredModel.objects.get().open_drift == 1
    move(version, "Staging")
    assert RegisteredModel.objects.get().open_drift == 0


def test_withdrawing_what_mlflow_holds_already_leaves_drift(version, decision, bob, read):
    ApprovalRequest.objects.update(state="apply_failed", to_stage="Production", from_stage="Staging",
                                   stage_write="seen", closed_at=None)  # fmt: skip
    move(version, "Production")
    services.act(decision.pk, "withdraw", by=bob)
    assert read() == ("open", "Staging", "Production")
