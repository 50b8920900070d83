"""Credentials in addresses that people logged: masked at every door, kept in the evidence that digests are made of."""

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from apps.accounts.access_reviews.opening import open_review
from apps.accounts.giving import end_grant, give_grant
from apps.accounts.roles import ADMIN
from apps.accounts.services import create_token, deactivate, revoke_token
from apps.approvals import evidence, services
from apps.approvals.delegating import services as delegations
from apps.approvals.models import ApprovalRequest
from apps.approvals.policies.freezes import set_freeze
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.audit.services import Actor, Target, record
from apps.compliance.holds import services as holds
from apps.masking import masked
from apps.registry import summaries
from apps.registry.applying import described
from apps.registry.models import ModelVersion
from tests.builders import make_model, make_policy, make_version
from tests.conftest import member
from tests.test_secrets import everything_kept

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


WRITTEN = f"As {HOST}/wiki?token={SECRET}&page=2 says, because this model is asked for."
SHOWN = "As https://…@pypi.example.org/wiki?token=…&page=2 says, because this model is asked for."
TICKET = f"https://tickets.example.org/7?access_token={SECRET}"
PLANS = ("reason", "roll_out", "roll_back")
SOON = timezone.now() + timedelta(days=1)
WRITERS = {  # what takes a reason, a comment or a note, by the rows that keep it
    "a hold": lambda by: holds.set_hold("churn", reason=WRITTEN, by=by["admin"]),
    "the end of a hold": lambda by: holds.lift(
        holds.set_hold("churn", reason="Case 4.", by=by["ada"]).pk, reason=WRITTEN, by=by["admin"]
    ),
    "a grant": lambda by: give_grant(by["bob"], "viewer", by=by["admin"], reason=WRITTEN),
    "the end of a grant": lambda by: end_grant(
        give_grant(by["bob"], "viewer", by=by["admin"], reason="Leave.").pk, by=by["admin"], reason=WRITTEN
    ),
    "a request": lambda by: services.open_request(
        by["version"].pk, "Production", by=by["alice"], ticket=TICKET, **dict.fromkeys(PLANS, WRITTEN)
    ),
    "a vote": lambda by: by["vote"]("reject", WRITTEN),
    "a freeze": lambda by: set_freeze(
        "Year's end", by=by["admin"], starts_at=timezone.now(), ends_at=SOON, reason=WRITTEN
    ),
    "a delegation": lambda by: delegations.give("erin", by=by["bob"], ends_at=SOON, reason=WRITTEN),
    "an access review": lambda by: open_review("May", SOON.date(), by=by["admin"], reason=WRITTEN),
    "a revoked token": lambda by: revoke_token(
        create_token("laptop", by=by["alice"]).token.prefix, by=by["admin"], reason=WRITTEN
    ),
    "somebody shut out": lambda by: deactivate(by["alice"], by=by["admin"], reason=WRITTEN),
}  # fmt: skip


@pytest.mark.once
@pytest.mark.parametrize("what", WRITERS)
def test_what_people_write_is_kept_without_credentials(what, alice, bob, erin, admin):
    make_policy()
    version = make_version(make_model(), 1)

    def vote(action: str, comment: str) -> None:
        asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
        services.act(asked.pk, action, by=bob, comment=comment, evidence_digest=asked.evidence_digest)

    people = {"alice": alice, "bob": bob, "admin": admin, "ada": member("ada", ADMIN)}
    WRITERS[what]({**people, "version": version, "vote": vote})
    kept = everything_kept()
    assert (SECRET in kept, json.dumps(SHOWN)[1:-1] in kept) == (False, True)
    assert SHOWN in list(AuditEvent.objects.values_list("reason", flat=True))


@pytest.mark.django_db
@pytest.mark.parametrize("door", ["/compliance/holds/", "/audit/", "/api/v1/audit/events/", "/api/v1/holds/"])
def test_the_reason_of_a_hold_is_shown_masked(door, admin, client):
    make_model()
    holds.set_hold("churn", reason=WRITTEN, by=admin)
    client.force_login(admin)
    page = client.get(door).content.decode()
    assert (SECRET in page, "https://…@pypi.example.org/wiki?token=…" in page) == (False, True)


@pytest.mark.django_db
def test_an_event_of_before_is_shown_masked_on_its_pages(admin, client):
    with transaction.atomic():
        event = record(Action.HOLD_SET, by=Actor("admin"), target=Target("hold", "hold 1"))
    event.id, event.reason = event.id + 1, WRITTEN
    event.save(force_insert=True)
    client.force_login(admin)
    pages = [client.get(path).content.decode() for path in ("/audit/", f"/audit/events/{event.id}/")]
    assert [(SECRET in page, "token=…" in page) for page in pages] == [(False, True)] * 2


def test_the_digest_is_that_of_the_true_text(asked):
    content = evidence.of(asked)
    assert (SECRET in str(content["requirements"]), evidence.digest(content)) == (True, asked.evidence_digest)
