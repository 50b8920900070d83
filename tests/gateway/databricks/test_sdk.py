"""Every call of the SDK's `model_registry`, against Assent with a real MLflow behind it."""

import inspect
from pathlib import Path

import pytest
from databricks.sdk.errors import (
    InvalidParameterValue,
    InvalidState,
    PermissionDenied,
    ResourceConflict,
    ResourceDoesNotExist,
    Unauthenticated,
)
from databricks.sdk.service.ml import (
    ActivityAction,
    ActivityType,
    CommentActivityAction,
    ModelRegistryAPI,
    ModelTag,
    ModelVersionTag,
)

from apps.accounts.assurance import SignWith
from apps.approvals.models import ApprovalRequest, RequestState, Review
from apps.audit.actions import Action, Source
from apps.audit.models import AuditEvent
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.registry.models import ModelVersion, RegisteredModel, Stage
from tests.builders import make_policy

pytestmark = pytest.mark.mlflow
PRODUCTION = ("churn", "1", "Production")
EVIDENCE = "evidence {digest}; https://assent.test/requests/{number}/"


@pytest.mark.once
def test_every_method_of_the_sdk_is_called_by_a_test():
    names = {name for name, _function in inspect.getmembers(ModelRegistryAPI, inspect.isfunction) if name[0] != "_"}
    called = "".join(file.read_text() for file in Path(__file__).parent.glob("test_sdk*.py"))
    assert (len(names), {name for name in names if f".{name}(" not in called}) == (36, set())


def test_create_update_and_rename_model(sdk, alice, admin):
    made = sdk(alice).create_model("churn", description="Who leaves.", tags=[ModelTag("team", "growth")])
    assert (made.registered_model.name, made.registered_model.description) == ("churn", "Who leaves.")
    assert sdk(alice).update_model("churn", description="Who left.").registered_model.description == "Who left."
    assert sdk(admin).rename_model("churn", new_name="leavers").registered_model.name == "leavers"
    assert RegisteredModel.objects.values_list("name", "description", "tags").get() == (
        "leavers", "Who left.", {"team": "growth"},
    )  # fmt: skip


def test_get_model_tells_its_id_and_what_the_caller_may_do(sdk, alice, bob, admin, charlie, model):
    found = sdk(alice).get_model("churn").registered_model_databricks
    assert (found.id, found.name, [version.version for version in found.latest_versions]) == (
        str(model.pk), "churn", ["1"],
    )  # fmt: skip
    levels = [
        sdk(user, "read").get_model("churn").registered_model_databricks.permission_level.value
        for user in (charlie, alice, bob, admin)
    ]
    assert levels == ["CAN_READ", "CAN_EDIT", "CAN_MANAGE_PRODUCTION_VERSIONS", "CAN_MANAGE"]


def test_list_and_search_models(sdk, alice, mallory, model, mlflow_registry):
    sdk(alice).create_model("fraud")
    registry = sdk(alice)
    assert [(row.name, [tag.value for tag in row.tags or []]) for row in registry.list_models(max_results=1)] == [
        ("churn", ["growth"]), ("fraud", []),
    ]  # fmt: skip
    assert [row.name for row in registry.search_models(filter="name = 'fraud'")] == ["fraud"]
    assert list(sdk(mallory).list_models()) == []


def test_tags_of_a_model_with_delete_in_the_query(sdk, alice, model):
    for key in ("note", "season"):
        sdk(alice).set_model_tag("churn", key, "x")
    sdk(alice).delete_model_tag("churn", "season")
    model.refresh_from_db()
    assert model.tags == {"note": "x", "team": "growth"}


def test_create_describe_tag_and_find_a_version(sdk, alice, model):
    registry, first = sdk(alice), ModelVersion.objects.get()
    made = registry.create_model_version("churn", first.source, run_id=first.run_id, tags=[ModelVersionTag("a", "b")])
    assert (made.model_version.version, made.model_version.run_id) == ("2", first.run_id)
    assert registry.update_model_version("churn", "2", description="Again.").model_version.description == "Again."
    registry.set_model_version_tag("churn", "2", "note", "x")
    registry.delete_model_version_tag("churn", "2", "a")
    found = registry.get_model_version("churn", "2").model_version
    assert (found.description, [(tag.key, tag.value) for tag in found.tags]) == ("Again.", [("note", "x")])
    assert registry.get_model_version_download_uri("churn", "2").artifact_uri == first.source
    assert [row.version for row in registry.get_latest_versions("churn", stages=["None"])] == ["2"]
    assert {row.version for row in registry.search_model_versions(filter="name = 'churn'")} == {"1", "2"}


def test_delete_version_and_model(sdk, admin, alice, model):
    with pytest.raises(PermissionDenied):
        sdk(alice).delete_model_version("churn", "1")
    sdk(admin).delete_model_version("churn", "1")
    sdk(admin).delete_model("churn")
    assert RegisteredModel.objects.filter(deleted_at=None).count() == 0


def test_create_transition_request_opens_ours(sdk, alice, model, policy):
    asked = sdk(alice).create_transition_request(*PRODUCTION, comment="Better on May data.").request
    assert (asked.to_stage, asked.user_id, asked.comment) == ("Production", "alice", "Better on May data.")
    assert asked.available_actions == [ActivityAction.CANCEL_TRANSITION_REQUEST]
    assert ApprovalRequest.objects.values_list("state", "to_stage", "requester__username", "reason").get() == (
        RequestState.OPEN, Stage.PRODUCTION, "alice", "Better on May data.",
    )  # fmt: skip
    event = AuditEvent.objects.get(action=Action.REQUEST_OPENED)
    assert (event.actor, event.source, event.token_name) == ("alice", Source.GATEWAY, "training")
    with pytest.raises(ResourceConflict):
        sdk(alice).create_transition_request("churn", "1", "production")


def test_requests_are_nothing_for_strangers_and_readers(sdk, asked, charlie, mallory, alice):
    with pytest.raises(PermissionDenied):
        sdk(charlie).create_transition_request("churn", "1", "Staging")
    for call in (sdk(mallory).create_transition_request, sdk(mallory).reject_transition_request):
        with pytest.raises(ResourceDoesNotExist):
            call(*PRODUCTION, comment="Mine.")
    with pytest.raises(ResourceDoesNotExist):
        sdk(mallory).list_transition_requests("churn", "1")
    with pytest.raises(PermissionDenied):  # of a token that only reads
        sdk(alice, "read").create_transition_request("churn", "1", "Staging")
    list(sdk(charlie).list_transition_requests("churn", "1"))
    with pytest.raises(PermissionDenied):
        sdk(charlie).approve_transition_request(*PRODUCTION, True)


def test_approve_counts_to_the_quorum_and_then_it_is_applied(sdk, asked, alice, bob, erin, mlflow_registry):
    request = ApprovalRequest.objects.get()
    where = EVIDENCE.format(digest=request.evidence_digest, number=request.pk)
    listed = list(sdk(bob).list_transition_requests("churn", "1"))
    assert [(row.activity_type, row.user_id, row.to_stage, row.system_comment) for row in listed] == [
        (ActivityType.REQUESTED_TRANSITION, "alice", "Production", f"0 of 2 approvals; not applied; {where}")
    ]
    first = sdk(bob).approve_transition_request(*PRODUCTION, True, comment="Fine.").activity
    assert (first.activity_type, first.user_id, first.comment, first.system_comment) == (
        ActivityType.APPROVED_REQUEST, "bob", "Fine.", "1 of 2 approvals; not applied",
    )  # fmt: skip
    again = list(sdk(erin).list_transition_requests("churn", "1"))
    assert [row.system_comment for row in again] == [f"1 of 2 approvals; not applied; {where}"]
    second = sdk(erin).approve_transition_request(*PRODUCTION, True).activity
    assert (second.activity_type, second.system_comment) == (
        ActivityType.APPROVED_REQUEST, "2 of 2 approvals; to be applied",
    )  # fmt: skip
    request.refresh_from_db()
    assert request.state == RequestState.APPROVED
    assert set(Review.objects.values_list("reviewer__username", "evidence_digest")) == {
        ("bob", request.evidence_digest), ("erin", request.evidence_digest),
    }  # fmt: skip
    run_job(Job.objects.get(kind="approvals.apply").pk)
    assert mlflow_registry.stage_of("churn", 1) == "Production"
    there = sdk(alice).transition_stage(*PRODUCTION, True).model_version_databricks  # the script is run again
    assert (there.current_stage, there.open_requests) == ("Production", [])


def test_approve_signs_only_what_was_shown(sdk, asked, bob, mlflow_registry):
    with pytest.raises(InvalidState, match=r"List the transition requests .* https://assent.test/requests/\d+/"):
        sdk(bob).approve_transition_request(*PRODUCTION, True)
    list(sdk(bob).list_transition_requests("churn", "1"))
    with pytest.raises(InvalidParameterValue, match="archive_existing_versions”: true"):
        sdk(bob).approve_transition_request(*PRODUCTION, False)
    run = ModelVersion.objects.get().run_id
    mlflow_registry.call("POST", "runs/log-batch", run_id=run, metrics=[
        {"key": "accuracy", "value": 0.1, "timestamp": 9_999_999_999_999, "step": 1},
    ])  # fmt: skip
    with pytest.raises(InvalidState, match="evidence"):
        sdk(bob).approve_transition_request(*PRODUCTION, True)
    assert Review.objects.count() == 0


def test_nobody_approves_their_own_or_without_the_duty(sdk, alice, bob, erin, model):
    make_policy()
    sdk(bob).create_transition_request(*PRODUCTION)
    for user, sentence in ((bob, "somebody else has to review it"), (alice, "reviewer")):
        list(sdk(user).list_transition_requests("churn", "1"))
        with pytest.raises(PermissionDenied, match=sentence):
            sdk(user).approve_transition_request(*PRODUCTION, True)


def test_a_policy_that_asks_for_a_password_sends_to_the_page(sdk, alice, bob, model):
    make_policy(sign_with=SignWith.PASSWORD)
    sdk(alice).create_transition_request(*PRODUCTION)
    list(sdk(bob).list_transition_requests("churn", "1"))
    with pytest.raises(PermissionDenied, match=r"password .* Sign on the page: https://assent.test/requests/\d+/"):
        sdk(bob).approve_transition_request(*PRODUCTION, True)
    assert Review.objects.count() == 0


def test_reject_closes_the_request_with_a_reason(sdk, asked, bob):
    list(sdk(bob).list_transition_requests("churn", "1"))
    with pytest.raises(InvalidParameterValue):
        sdk(bob).reject_transition_request(*PRODUCTION)
    said = sdk(bob).reject_transition_request(*PRODUCTION, comment="Too slow.").activity
    assert (said.activity_type, said.comment, said.system_comment) == (
        ActivityType.REJECTED_REQUEST, "Too slow.", "rejected",
    )  # fmt: skip
    assert list(sdk(bob).list_transition_requests("churn", "1")) == []
    with pytest.raises(ResourceDoesNotExist):
        sdk(bob).approve_transition_request(*PRODUCTION, True)


def test_delete_transition_request_withdraws_it(sdk, asked, alice, erin):
    with pytest.raises(ResourceDoesNotExist):
        sdk(alice).delete_transition_request(*PRODUCTION, "bob")
    with pytest.raises(PermissionDenied):
        sdk(erin).delete_transition_request(*PRODUCTION, "alice")
    said = sdk(alice).delete_transition_request(*PRODUCTION, "alice", comment="Not yet.").activity
    assert (said.activity_type, said.system_comment) == (ActivityType.CANCELLED_REQUEST, "withdrawn")


def test_transition_stage_is_refused_with_the_request_it_opened(sdk, alice, model, policy, mlflow_registry):
    with pytest.raises(PermissionDenied, match=r"Request \d+ was opened for it: https://assent.test/requests/\d+/"):
        sdk(alice).transition_stage(*PRODUCTION, True, comment="Now.")
    assert ApprovalRequest.objects.values_list("reason", "archive_existing").get() == ("Now.", True)
    assert mlflow_registry.stage_of("churn", 1) == "None"
    there = sdk(alice).transition_stage("churn", "1", "None", False).model_version_databricks
    assert (there.version, there.current_stage, there.permission_level.value) == ("1", "None", "CAN_EDIT")
    assert [row.to_stage for row in there.open_requests] == ["Production"]


def test_comments_are_their_authors(sdk, alice, erin, charlie, mallory, model):
    made = sdk(alice).create_comment("churn", "1", "Look at the slices.").comment
    assert (made.user_id, made.comment, made.available_actions) == (
        "alice", "Look at the slices.", [CommentActivityAction.EDIT_COMMENT, CommentActivityAction.DELETE_COMMENT],
    )  # fmt: skip
    for user, error in ((erin, PermissionDenied), (charlie, PermissionDenied), (mallory, ResourceDoesNotExist)):
        with pytest.raises(error):
            sdk(user).update_comment(made.id, "Mine.")
        with pytest.raises(error):
            sdk(user).delete_comment(made.id)
    with pytest.raises(PermissionDenied):
        sdk(charlie).create_comment("churn", "1", "I only read.")
    assert sdk(alice).update_comment(made.id, "Look at them again.").comment.comment == "Look at them again."
    sdk(alice).delete_comment(made.id)
    with pytest.raises(ResourceDoesNotExist):
        sdk(alice).delete_comment(made.id)
    told = AuditEvent.objects.filter(action__startswith="version.comment", outcome="done").order_by("id")
    assert list(told.values_list("action", "actor", "target", "data__before__text")) == [
        (Action.VERSION_COMMENTED, "alice", "churn v1", None),
        (Action.VERSION_COMMENT_CHANGED, "alice", "churn v1", "Look at the slices."),
        (Action.VERSION_COMMENT_REMOVED, "alice", "churn v1", "Look at them again."),
    ]


def test_the_workspace_knows_who_asks_and_discovers_nothing(workspace, send, alice, caplog):
    me = workspace(alice, "read").current_user.me()
    assert (me.user_name, me.id, me.active) == ("alice", str(alice.pk), True)
    assert "host metadata" not in caplog.text
    assert send(None, "GET", "/.well-known/databricks-config").json() == {}
    with pytest.raises(Unauthenticated):
        type(workspace(alice))(host=workspace(alice).config.host, token="assent_x_y").current_user.me()
