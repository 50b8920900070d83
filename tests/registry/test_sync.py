"""The mirror against a real MLflow server."""

import threading

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEvent
from apps.errors import UpstreamUnavailable
from apps.registry.models import Kind, ModelAlias, ModelVersion, RegisteredModel, SyncRun
from apps.registry.queries import sync_status
from apps.registry.services import read_due_details
from apps.registry.sync import synchronise
from tests.servers.broken import Reply

AWKWARD = [
    "plain",
    "with spaces",
    "it's",
    'say "hi"',
    'it\'s "both"',
    "100% of %s %2F",
    "<script>alert(1)</script>".replace("/", "-"),
    "モデル ünï 🧪",
    "v1.2",
    "~2F",
    "n" * 250,
]


def sync(**options) -> SyncRun:
    return synchronise(requested_by="a test", **options)


def counts(run: SyncRun) -> dict[str, int]:
    return {what: count for what, count in run.counts.items() if what != "calls"}


def actions() -> list[str]:
    """What the trail tells of the mirror; what approvals make of it is tested there."""
    events = AuditEvent.objects.exclude(action__startswith="drift.").order_by("id")
    return list(events.values_list("action", flat=True))


@pytest.mark.mlflow
@pytest.mark.django_db
def test_sync_mirrors_models_versions_stages_aliases_and_tags(mlflow_registry):
    name = mlflow_registry.model("churn", description="Who leaves", tags={"team": "growth"})
    mlflow_registry.version(name, tags={"validated": "true"})
    mlflow_registry.version(name)
    mlflow_registry.stage(name, 1, "Production")
    mlflow_registry.alias(name, "champion", 1)

    assert counts(sync()) == {"models": 1, "versions": 2, "created": 3}

    model = RegisteredModel.objects.get()
    assert (model.name, model.description, model.tags) == ("churn", "Who leaves", {"team": "growth"})
    assert list(model.versions.order_by("number").values_list("number", "stage", "tags")) == [
        (1, "Production", {"validated": "true"}),
        (2, "None", {}),
    ]
    assert list(model.aliases.values_list("alias", "version__number")) == [("champion", 1)]
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.actor_role, event.source, event.target, event.model_id) == (
        "model.mirrored", "mlflow", "", "mlflow", "churn", model.pk,
    )  # fmt: skip
    assert [row["number"] for row in event.data["after"]["versions"]] == [1, 2]


@pytest.mark.mlflow
@pytest.mark.django_db
def test_a_second_sync_writes_nothing(mlflow_registry):
    name = mlflow_registry.model("churn", tags={"team": "growth"})
    mlflow_registry.version(name)
    mlflow_registry.alias(name, "champion", 1)
    mlflow_registry.prompt("greeting")
    sync()
    read_due_details()
    with CaptureQueriesContext(connection) as captured:
        sync()
    writes = [query["sql"] for query in captured if query["sql"].split()[0] in ("INSERT", "UPDATE", "DELETE")]
    assert [sql for sql in writes if "registry_sync" not in sql and "registry_connection" not in sql] == []
    assert actions() == ["model.mirrored", "model.mirrored"]


@pytest.mark.mlflow
@pytest.mark.django_db
def test_changes_in_mlflow_are_mirrored_and_audited(mlflow_registry):
    name = mlflow_registry.model("churn")
    mlflow_registry.version(name)
    sync()
    mlflow_registry.stage(name, 1, "Production")
    mlflow_registry.version(name)
    mlflow_registry.tag(name, "team", "growth")
    mlflow_registry.alias(name, "champion", 2)
    sync()
    sync()
    assert actions() == ["model.mirrored", "version.mirrored", "version.stage_changed", "model.changed"]
    moved = AuditEvent.objects.get(action="version.stage_changed")
    assert (moved.target, moved.data) == ("churn v1", {"before": {"stage": "None"}, "after": {"stage": "Production"}})
    changed = AuditEvent.objects.get(action="model.changed")
    assert changed.data == {
        "before": {"tags": {}, "aliases": {}},
        "after": {"tags": {"team": "growth"}, "aliases": {"champion": 2}},
    }


@pytest.mark.mlflow
@pytest.mark.django_db
def test_an_alias_moves_and_goes(mlflow_registry):
    name = mlflow_registry.model("churn")
    mlflow_registry.bare_version(name)
    mlflow_registry.bare_version(name)
    mlflow_registry.alias(name, "champion", 1)
    sync()
    mlflow_registry.alias(name, "champion", 2)
    sync()
    assert list(ModelAlias.objects.values_list("alias", "version__number")) == [("champion", 2)]
    mlflow_registry.delete_version(name, 2)
    sync()
    assert list(ModelAlias.objects.all()) == []
    assert list(ModelVersion.objects.filter(deleted_at=None).values_list("number", flat=True)) == [1]
    assert actions()[-2:] == ["version.deleted", "model.changed"]


@pytest.mark.mlflow
@pytest.mark.django_db
def test_a_deleted_model_is_kept_and_marked_and_its_name_can_come_back(mlflow_registry):
    mlflow_registry.bare_version(mlflow_registry.model("churn"))
    sync()
    mlflow_registry.delete_model("churn")
    sync()
    old = RegisteredModel.objects.get()
    assert old.deleted_at is not None
    assert old.versions.get().deleted_at is not None
    mlflow_registry.model("churn")
    sync()
    new = RegisteredModel.objects.get(deleted_at=None)
    assert (new.name, new.pk != old.pk, new.versions.count()) == ("churn", True, 0)
    assert actions() == ["model.mirrored", "model.deleted", "model.mirrored"]


@pytest.mark.mlflow
@pytest.mark.django_db
def test_a_model_recreated_between_two_syncs_becomes_a_new_row(mlflow_registry):
    mlflow_registry.bare_version(mlflow_registry.model("churn"))
    sync()
    mlflow_registry.delete_model("churn")
    mlflow_registry.bare_version(mlflow_registry.model("churn"))
    sync()
    assert [(row.name, row.deleted_at is None) for row in RegisteredModel.objects.order_by("pk")] == [
        ("churn", False),
        ("churn", True),
    ]
    assert actions() == ["model.mirrored", "model.deleted", "model.mirrored"]


@pytest.mark.mlflow
@pytest.mark.django_db
def test_a_renamed_model_keeps_its_row(mlflow_registry):
    mlflow_registry.bare_version(mlflow_registry.model("a"))
    mlflow_registry.bare_version(mlflow_registry.model("b"))
    sync()
    a, b = (RegisteredModel.objects.get(name=name) for name in "ab")
    mlflow_registry.rename("b", "c")
    mlflow_registry.rename("a", "b")
    sync()
    assert dict(RegisteredModel.objects.values_list("pk", "name")) == {a.pk: "b", b.pk: "c"}
    assert actions()[2:] == ["model.changed", "model.changed"]


@pytest.mark.mlflow
@pytest.mark.django_db
def test_prompts_are_kept_apart(mlflow_registry):
    mlflow_registry.prompt("greeting")
    mlflow_registry.model("churn")
    sync()
    assert dict(RegisteredModel.objects.values_list("name", "kind")) == {"greeting": Kind.PROMPT, "churn": Kind.MODEL}


@pytest.mark.mlflow
@pytest.mark.django_db
def test_a_model_that_a_tag_turns_into_a_prompt_stays_a_live_model(mlflow_registry):
    mlflow_registry.bare_version(mlflow_registry.model("churn"))
    sync()
    mlflow_registry.tag("churn", "mlflow.prompt.is_prompt", "true")
    mlflow_registry.stage("churn", 1, "Production")
    sync()
    model = RegisteredModel.objects.get()
    assert (model.kind, model.deleted_at) == (Kind.MODEL, None)
    assert list(model.versions.values_list("stage", "deleted_at")) == [("Production", None)]


@pytest.mark.mlflow
@pytest.mark.django_db
def test_awkward_names_are_mirrored_as_they_are(mlflow_registry):
    for name in AWKWARD:
        mlflow_registry.bare_version(mlflow_registry.model(name))
    sync()
    assert set(RegisteredModel.objects.values_list("name", flat=True)) == set(AWKWARD)
    for name in AWKWARD:
        assert counts(sync(model=name)) == {"models": 1, "versions": 1}


@pytest.mark.mlflow
@pytest.mark.django_db
def test_a_stage_that_assent_is_writing_is_left_alone(mlflow_registry):
    mlflow_registry.bare_version(mlflow_registry.model("churn"))
    sync()
    ModelVersion.objects.update(pending_stage="Production")
    mlflow_registry.stage("churn", 1, "Production")
    sync()
    assert ModelVersion.objects.get().stage == "None"
    ModelVersion.objects.update(pending_stage="")
    sync()
    assert ModelVersion.objects.get().stage == "Production"


@pytest.mark.mlflow
@pytest.mark.django_db(transaction=True)
def test_two_syncs_at_once_make_each_row_once(mlflow_registry):
    for number in range(5):
        mlflow_registry.bare_version(mlflow_registry.model(f"model {number}"))
    problems = []

    def one():
        try:
            sync()
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            problems.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert (RegisteredModel.objects.count(), ModelVersion.objects.count()) == (5, 5)
    assert actions() == ["model.mirrored"] * 5


MODEL = {"name": "churn", "creation_timestamp": 1000, "last_updated_timestamp": 1000}
VERSION = {"name": "churn", "version": "1", "creation_timestamp": 1000, "last_updated_timestamp": 1000}
GONE = Reply.json({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone"}, status=404)


def listing(*models, versions=(), then=None):
    """A registry with these rows; `then` answers everything else."""

    def decide(path, query):
        if path.endswith("registered-models/search"):
            return Reply.json({} if "filter" in query else {"registered_models": list(models)})
        if path.endswith("model-versions/search"):
            return Reply.json({"model_versions": list(versions)})
        return then or GONE

    return decide


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"", status=500),
        Reply(b'{"registered_models": [{"na'),
        Reply(b"<html>"),
        Reply.json({"registered_models": "none", "model_versions": 3}),
        Reply(says_nothing=True),
        GONE,
        Reply(b"no", status=403, content_type="text/plain"),
    ],
)
@pytest.mark.django_db
def test_a_bad_answer_is_recorded_and_deletes_nothing(broken, reply):
    broken.decide = listing(MODEL, versions=[VERSION])
    sync()
    broken.always(reply)
    with pytest.raises(UpstreamUnavailable):
        sync()
    assert list(ModelVersion.objects.values_list("deleted_at", "model__deleted_at")) == [(None, None)]
    status = sync_status()
    assert (status.failing_since is None, status.last_error == "", status.never) == (False, False, False)
    broken.decide = listing(MODEL, versions=[VERSION])
    sync()
    assert sync_status().failing_since is None


@pytest.mark.django_db
def test_a_failure_on_the_second_page_deletes_nothing(broken):
    broken.decide = listing(MODEL)
    sync()

    def second_page_fails(path, query):
        if "page_token" in query:
            return Reply(status=500)
        if path.endswith("registered-models/search"):
            another = MODEL | {"name": "another", "creation_timestamp": 2000}
            return Reply.json({"registered_models": [another], "next_page_token": "x"})
        return listing()(path, query)

    broken.decide = second_page_fails
    with pytest.raises(UpstreamUnavailable):
        sync()
    assert sorted(RegisteredModel.objects.values_list("name", "deleted_at")) == [("another", None), ("churn", None)]


@pytest.mark.parametrize("then", [Reply(b"no", status=403), Reply.json({"registered_model": MODEL})])
@pytest.mark.django_db
def test_a_missing_row_that_mlflow_does_not_deny_is_kept(broken, then):
    broken.decide = listing(MODEL)
    sync()
    broken.decide = listing(then=then)
    sync()
    assert RegisteredModel.objects.get().deleted_at is None


@pytest.mark.django_db
def test_mlflows_clock_may_be_set_back(broken):
    broken.decide = listing(MODEL, versions=[VERSION | {"current_stage": "Production", "last_updated_timestamp": 5000}])
    sync()
    broken.decide = listing(MODEL, versions=[VERSION | {"current_stage": "None", "last_updated_timestamp": 4000}])
    sync()
    assert ModelVersion.objects.get().stage == "None"


@pytest.mark.django_db
def test_before_the_first_sync_the_status_says_never():
    assert sync_status().never is True
