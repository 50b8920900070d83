"""Rows to test with: models, versions and policies as good as they get, unless a test says otherwise."""

from datetime import UTC, datetime

from django.contrib.auth.models import Group

from apps.approvals.models import ApprovalPolicy, PolicyRule
from apps.approvals.policies import drafting, publishing
from apps.registry import summaries
from apps.registry.models import DetailsState, ModelVersion, RegisteredModel

THEN = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
COLUMN = {"name": "age", "type": "long", "required": True}


def make_model(name: str = "churn") -> RegisteredModel:
    model = RegisteredModel.objects.create(name=name, created_at=THEN, updated_at=THEN)
    summaries.refresh([model.pk])
    return model


def make_version(model: RegisteredModel, number: int = 1, **fields) -> ModelVersion:
    """A version whose details were read, as good as a version gets."""
    values = {
        "description": "Trained on May data.",
        "source": f"models:/m-{number}",
        "run_id": f"run{number}",
        "details_state": DetailsState.LOADED,
        "details_at": THEN,
        "run": {"status": "FINISHED", "user": "alice", "tags": {"mlflow.source.git.commit": "abc", "note": "x"}},
        "params": {"depth": "3"},
        "metrics": {"accuracy": 0.9},
        "datasets": [{"name": "may", "digest": "d1", "context": "train", "source_type": "local"}],
        "signature": {"inputs": [COLUMN], "outputs": [{"name": "", "type": "long", "required": True}], "params": []},
        "requirements": ["scikit-learn==1.7.0"],
        "mlmodel": {"model_id": f"m-{number}", "saved_input_example_info": {"artifact_path": "example.json"}},
        "input_example": '{"age": [41]}',
    }
    times = {"created_at": THEN, "updated_at": THEN, "stage_since": THEN}
    version = ModelVersion.objects.create(model=model, number=number, **times | values | fields)
    summaries.refresh([model.pk])
    return version


def make_policy(
    stage: str = "Production", *, required_approvals: int = 1, group: Group | None = None, rules=None, **terms
) -> ApprovalPolicy:
    """A published policy; `rules` are (needed, group) or (needed, group, scopes), in place of the one rule."""
    values = {"stage": stage, "revision": 1, "reason": "start"} | terms
    state = {"state": "published", "published_by": "admin", "published_at": THEN}
    state |= {
        name: values.pop(name) for name in ("state", "published_at", "published_by", "retired_at") if name in values
    }
    policy = ApprovalPolicy.objects.create(**values)
    for position, (needed, members, *scopes) in enumerate(rules or [(required_approvals, group)]):
        about = scopes[0] if scopes else []
        PolicyRule.objects.create(policy=policy, position=position, needed=needed, group=members, scopes=about)
    for name, value in state.items():
        setattr(policy, name, value)
    policy.save()
    return policy


def publish_policy(
    stage: str = "Production", *, required_approvals: int = 1, group: Group | None = None, rules=None, **terms
) -> ApprovalPolicy:
    """Publish as the operator does, through the services: the policy before it is retired."""
    rows = [{"needed": needed, "group": members} for needed, members in rules or [(required_approvals, group)]]
    drafted = drafting.draft({"stage": stage, "reason": "Four eyes."} | terms, rows, by=None)
    return publishing.publish(drafted.pk, by=None)
