"""Credentials in addresses that people logged: masked at every door, kept in the evidence that digests are made of."""

import pytest
from django.db import transaction

from apps.approvals import evidence, services
from apps.approvals.models import ApprovalRequest
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.audit.services import Actor, Target, record
from apps.masking import masked
from apps.registry import summaries
from apps.registry.applying import described
from apps.registry.models import ModelVersion
from tests.builders import make_model, make_policy, make_version

SECRET = "s3cr3t"
HOST = f"https://bob:{SECRET}@pypi.example.org"
PLANTED = {
    "description": f"See {HOST}/about.",
    "source": f"{HOST}/artifacts",
    "tags": {"index": f"{HOST}/tag", f"{HOST}/key": "x"},
    "params": {"database": f"postgresql://bob:{SECRET}@db/train"},
    "requirements": [f"--extra-index-url {HOST}/simple", f"churn-tools @ {HOST}/t.whl", "scikit-learn==1.7.0"],
    "environment": {"complete": True, "conda": {"channels": [f"{HOST}/conda"], "dependencies": [f"x @ {HOST}/x"]}},
    "datasets": [{"name": f"{HOST}/may.csv", "digest": "d1", "context": "train", "source_type": "http"}],
    "run": {
        "status": "FINISHED",
        "user": "alice",
        "tags": {"mlflow.source.git.repoURL": f"{HOST}/a/b.git", "mlflow.source.name": f"{HOST}/t.py", "x": HOST},
        "dataset_facts": [{"source": f'{{"uri": "{HOST}/may.csv"}}', "schema": "", "profile": ""}],
    },
}
ASKED = "base=churn@1&candidate=churn@2"
DOORS = [
    "/models/",
    "/models/churn/",
    "/models/churn/v/2/",
    f"/compare/?{ASKED}",
    f"/compare/export.json?{ASKED}",
    f"/compare/export.csv?{ASKED}",
    "/requests/{request}/",
    "/requests/{request}/export.json",
    "/audit/",
    "/api/v1/models/",
    "/api/v1/models/churn/",
    "/api/v1/models/churn/versions/",
    "/api/v1/models/churn/versions/2/",
    f"/api/v1/compare/?{ASKED}",
    "/api/v1/requests/{request}/",
    "/api/v1/audit/events/",
]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("--index-url https://bob:s3cr3t@host/simple", "--index-url https://…@host/simple"),
        ("git+https://s3cr3t@host/x.git", "git+https://…@host/x.git"),
        ("https://bob:s3@cr3t@host/x", "https://…@host/x"),
        ("s3://bucket/k?X-Amz-Signature=s3cr3t&part=1", "s3://bucket/k?X-Amz-Signature=…&part=1"),
        ("https://host/x?private_token=s3cr3t", "https://host/x?private_token=…"),
        ('{"uri": "https://host", "mail": "ann@host"}', '{"uri": "https://host", "mail": "ann@host"}'),
        ("https://host/search?mail=ann@host", "https://host/search?mail=ann@host"),
        ("models:/m-1 by ann@example.org", "models:/m-1 by ann@example.org"),
    ],
)
def test_an_address_is_shown_without_what_opens_it(text, shown):
    assert masked({"a": [text], text: 1}) == {"a": [shown], shown: 1}


@pytest.fixture
def asked(db, alice, bob, erin) -> ApprovalRequest:
    """A request whose version, and the one it is compared with, name credentials everywhere; one vote fell by it."""
    model = make_model()
    model.description, model.tags = PLANTED["description"], PLANTED["tags"]
    model.save()
    summaries.refresh([model.pk])
    make_version(model, 1, stage="Production", requirements=[f"--extra-index-url {HOST}/old"])
    version = make_version(model, 2, stage="Staging", **PLANTED)
    make_policy(required_approvals=2)
    opened = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    services.act(opened.pk, "approve", by=bob, evidence_digest=opened.evidence_digest)
    lines = [*PLANTED["requirements"], f"late @ {HOST}/late.whl"]
    ModelVersion.objects.filter(pk=version.pk).update(requirements=lines)
    services.reconsider(opened.pk)
    with transaction.atomic():
        target = Target("version", "churn v2", model.pk)
        record(Action.VERSION_MIRRORED, by=Actor("mlflow"), target=target, after=described(version))
    return ApprovalRequest.objects.get(pk=opened.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("door", DOORS)
def test_no_door_shows_credentials(door, asked, bob, client):
    client.force_login(bob)
    response = client.get(door.format(request=asked.pk))
    body = b"".join(response) if response.streaming else response.content
    assert (response.status_code, SECRET in body.decode()) == (200, False)


@pytest.mark.django_db
@pytest.mark.parametrize("door", ["/models/churn/v/2/", f"/compare/?{ASKED}", "/requests/{request}/", "/audit/"])
def test_what_is_masked_is_still_told(door, asked, bob, client):
    client.force_login(bob)
    assert "https://…@pypi.example.org" in client.get(door.format(request=asked.pk)).content.decode()


def test_the_trail_holds_no_credentials(asked):
    assert [event.action for event in AuditEvent.objects.all() if SECRET in str(event.data)] == []


def test_the_digest_is_that_of_the_true_text(asked):
    content = evidence.of(asked)
    assert (SECRET in str(content["requirements"]), evidence.digest(content)) == (True, asked.evidence_digest)
