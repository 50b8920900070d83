"""What the browser tests look at: models, versions with and without gaps, and a request in each state."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from apps.accounts import grants
from apps.accounts.access_reviews import deciding, opening, steering
from apps.accounts.models import User
from apps.accounts.roles import ADMIN, DATA_SCIENTIST, EMERGENCY, ML_ENGINEER, REVIEWER, VIEWER
from apps.accounts.services import create_service_account, create_token, invite
from apps.approvals import commenting, conditions, counts, services, waivers
from apps.approvals.checks import reporting
from apps.approvals.delegating import services as delegating
from apps.approvals.drift.records import MLFLOW, about, drift_target
from apps.approvals.models import (
    AfterReview,
    ApprovalPolicy,
    ApprovalRequest,
    Bypass,
    Condition,
    Delegation,
    DriftFinding,
    DriftState,
    FreezeWindow,
    ProtectedAlias,
    RequestState,
)
from apps.approvals.policies import drafting
from apps.approvals.signing import ConditionTerms, Signing
from apps.audit.actions import Action
from apps.audit.services import record
from apps.compliance.models import HoldBreach, LegalHold
from apps.encryption import seal
from apps.modelcards import comments, drafts
from apps.modelcards import services as cards
from apps.modelcards.filling import Edit
from apps.modelcards.models import Card, CardState
from apps.notifications import endpoints, outbox
from apps.notifications.models import Notification, OutboxCursor
from apps.registry.models import (
    Connection,
    DeliveryRefusal,
    DetailsState,
    ModelAlias,
    ModelVersion,
    Placement,
    RegisteredModel,
    SyncRun,
    SyncState,
    WebhookDelivery,
)
from tests.builders import THEN, make_model, make_policy, make_version
from tests.conftest import member

METRICS = {"accuracy": 0.90, "log_loss": 0.31, "f1_score": 0.88}
BETTER = {"accuracy": 0.94, "log_loss": 0.24, "f1_score": 0.87}
WIDER = {
    "inputs": [{"name": "age", "type": "double", "required": True}, {"name": "plan", "type": "string"}],
    "outputs": [{"name": "", "type": "long", "required": True}],
    "params": [],
}
MLMODEL = {
    "mlflow_version": "3.17.2",
    "flavors": {"python_function": {"python_version": "3.11.7", "code": "code"}},
    "signature": {"inputs": '[{"name": "age", "type": "double"}, {"name": "plan", "type": "string"}]'},
}
FILES = [{"path": "MLmodel", "size": 1200}, {"path": "code/", "size": None}, {"path": "apt.txt", "size": 12}]
ENVIRONMENT = {"complete": True, "conda": {"channels": ["conda-forge"], "dependencies": ["python=3.11.7"]}}


@dataclass
class World:
    """The people by user name, the requests by state, and the model that everything is about."""

    people: dict[str, User]
    churn: RegisteredModel
    requests: dict[str, ApprovalRequest] = field(default_factory=dict)
    drift: dict[str, DriftFinding] = field(default_factory=dict)
    policies: dict[str, ApprovalPolicy] = field(default_factory=dict)
    webhooks: dict[str, int] = field(default_factory=dict)


def build() -> World:
    """Fill the database."""
    people = {
        "alice": member("alice", DATA_SCIENTIST),
        "bob": member("bob", ML_ENGINEER, REVIEWER),
        "erin": member("erin", REVIEWER),
        "charlie": member("charlie", VIEWER),
        "admin": member("admin", ADMIN),
        "ada": member("ada", ADMIN),
        "mallory": member("mallory"),
    }
    for stage, approvals in (("Staging", 1), ("Production", 2), ("Archived", 1)):
        make_policy(stage, required_approvals=approvals)
    world = World(people, _churn())
    _cards(people)
    _editing(people)
    _ask_and_decide(world)
    _drift(world)
    _exceptions(world)
    _drafts(world)
    _policies(world)
    _delegations(world)
    _access_review(people)
    _hold(make_version(make_model("retired-ranker"), 1, stage="Archived", deleted_at=THEN), people["admin"])
    make_version(make_model("half-read"), 1, details_state=DetailsState.PENDING, details_at=None)
    create_token("laptop", by=people["alice"])
    create_token("reports", by=people["bob"], models=[world.churn.name])
    invite(by=people["admin"], username="invited")
    machine = create_service_account("ci-churn", by=people["admin"], name="CI of churn")
    create_token("gate", by=people["admin"], owner=machine, scope="gate", models=[world.churn.name])
    SyncRun.objects.create(
        state=SyncState.DONE, finished_at=timezone.now(), requested_by="beat", counts={"models": 6, "versions": 12}
    )
    _second_server()
    _tell_of_it(world)
    return world


def _cards(people: dict[str, User]) -> None:
    """Cards: approved in Production, in review with everything a field can be, out of step; and one that is a draft."""
    alice, erin, churn = people["alice"], people["erin"], "churn-classifier"
    written = {
        "intended_use": "Supports the **retention** team:\n\n- whom to call first\n- whom to leave alone",
        "users": ["Retention team", "解約防止チーム"], "owner_team": "retention", "license": "Proprietary",
        "authors": [{"name": "alice", "contact": "alice@example.org"}], "model_type": "Random forest",
        "test_data": [{"name": "june", "rows": "20,000", "details": {"期間": "2026年6月"}}],
        "architecture": "One hundred trees of depth three behind a scaler.",
    }  # fmt: skip
    for number in (1, 2):
        cards.start(churn, number, by=alice)
        written |= {"intended_use": f"{written['intended_use']}\n\nVersion {number}."}
        cards.save(churn, number, Edit(written, confirm=frozenset(written)), base=1, by=alice)
    edit = Edit(
        {"date": "2026-04-30", "limitations": ["Trained on May alone.", "TBD"], "rollback_plan": "TBD"},
        lacking={"factors": "No groups are recorded."}, overrides={"date": "It was trained the day before."},
    )  # fmt: skip
    cards.save(churn, 2, edit, base=2, by=alice)
    comments.add(churn, 2, section="use", body="Who is called, and by whom?", by=erin)
    spoken = ModelVersion.objects.get(model__name=churn, number=2).pk
    commenting.comment(spoken, "The new features were checked against June's data.", by=alice)
    commenting.comment(spoken, "Seen. Calibration is good above 0.8 and poor below 0.2.", by=erin)
    resolved = comments.add(churn, 2, section="risks", body="What of those who pay late?", by=erin)
    comments.resolve(churn, 2, resolved.pk, by=alice)
    Card.objects.filter(version__number=2).update(state=CardState.IN_REVIEW)
    model = make_model("forecast-out-of-step")
    version = make_version(model, 1)
    cards.start(model.name, 1, by=alice)
    ModelVersion.objects.filter(pk=version.pk).update(params={"depth": "7"}, metrics=BETTER)


def _editing(people: dict[str, User]) -> None:
    """The card of churn-classifier v1: a fact said otherwise, a comment, and something that alice did not save."""
    said = {"users": ["Retention"], "version": "2.1.0"}
    edit = Edit(said, overrides={"version": "Our numbering."})
    cards.save("churn-classifier", 1, edit, base=2, by=people["alice"])
    comments.add("churn-classifier", 1, section="use", body="Which team decides, and how often?", by=people["bob"])
    typed = {"limitations-0": ["Trained on May alo"]}
    drafts.keep("churn-classifier", 1, "risks", typed, base=3, by=people["alice"])


def _hold(version: ModelVersion, by: User) -> None:
    """A version on legal hold that MLflow lost."""
    hold = LegalHold.objects.create(model=version.model, version=version, reason="Case 4.", set_by=by)
    HoldBreach.objects.create(hold=hold, version=version, what="deleted")


def _access_review(people: dict[str, User]) -> None:
    """A campaign over every grant; bob answers for some of them, and one is confirmed."""
    admin, bob = people["admin"], people["bob"]
    until = (timezone.now() + timedelta(days=20)).date()
    review = opening.open_review("First quarter", until, by=admin, reason="Asked for by the auditors.")
    free = [item.pk for item in review.items.order_by("pk") if item.holder in ("data_scientists", "viewers")]
    steering.reassign_several(free, bob, by=admin, reason="He knows them.")
    deciding.decide(review.items.get(holder="reviewers").pk, "confirm", by=people["ada"], reason="Still wanted.")


def _tell_of_it(world: World) -> None:
    """What everybody was told of the above, some of it read; a webhook in trouble, and one that is new."""
    OutboxCursor.objects.create(last_id=0)
    admin, churn = world.people["admin"], world.churn.name
    failing = endpoints.add_endpoint(by=admin, name="pipeline", url="https://127.0.0.1:9443/", events=["request.*"])
    quiet = endpoints.add_endpoint(by=admin, name="chat", url="https://hooks.example.org/", models=[churn])
    world.webhooks = {"hook": failing.endpoint.pk, "quiet_hook": quiet.endpoint.pk}
    outbox.fan_out()
    quiet.endpoint.deliveries.all().delete()
    rows, now = failing.endpoint.deliveries.order_by("pk"), timezone.now()
    error = "hooks.example.org is at 10.0.0.7, which is no public address."
    rows.filter(pk=rows[0].pk).update(state="dead", attempts=9, last_error=error, milliseconds=12, finished_at=now)
    rows.filter(pk=rows[1].pk).update(attempts=3, last_status=503, last_error="The receiver answered 503.")
    failing.endpoint.failing_since = now - timedelta(hours=3)
    failing.endpoint.save()
    told = Notification.objects.filter(user=world.people["bob"]).order_by("pk")
    told.filter(pk=told[0].pk).update(read_at=now, mailed_at=now)
    told.filter(pk=told[1].pk).update(mail_at=now, mail_error="451 later", mail_attempts=1)


def run_a_sync() -> None:
    """Let a sync of the default connection run."""
    SyncRun.objects.create(requested_by="beat", kind="complete", done=4200, total=10_000, note="reading versions")


def _second_server() -> None:
    """A connection with everything: sign-in, a webhook, deliveries, refusals."""
    now = timezone.now()
    connection = Connection.objects.create(
        name="eu", url="https://mlflow.eu.example.org", auth="token", secret=seal("hush"), secret_at=now,
        created_by="admin", webhook_id="w1", webhook_url="https://assent.example.org/webhooks/mlflow/eu/",
        webhook_secret=seal("hush"), webhook_at=now, webhook_by="admin",
    )  # fmt: skip
    for number in range(3):
        WebhookDelivery.objects.create(connection=connection, delivery_id=f"d{number}", event="model_version.created")
    for name, reason in (("eu", "wrong_signature"), ("eu", "too_old"), ("", "unknown")):
        DeliveryRefusal.objects.create(
            connection_name=name, reason=reason, hour=now, count=4, last_at=now, last_address="192.0.2.7"
        )
    SyncRun.objects.create(
        connection=connection, state=SyncState.DONE, finished_at=now, requested_by="beat", kind="complete",
        counts={"models": 1200, "versions": 9800, "calls": 26},
    )  # fmt: skip
    SyncRun.objects.update(started_at=now - timedelta(seconds=12))


def fail_the_sync() -> None:
    """Let the last sync have failed."""
    SyncRun.objects.create(
        state=SyncState.FAILED, finished_at=timezone.now(), requested_by="beat", error="MLflow does not answer."
    )


def _churn() -> RegisteredModel:
    """One version in Production, a better one, and one of which nearly nothing is known."""
    model = make_model("churn-classifier")
    RegisteredModel.objects.filter(pk=model.pk).update(
        description="Which customers leave within a month.", tags={"team": "retention", "task": "classification"}
    )
    first = make_version(model, 1, stage="Production", metrics=METRICS)
    make_version(
        model,
        2,
        metrics=BETTER,
        signature=WIDER,
        mlmodel=MLMODEL,
        files=FILES,
        environment=ENVIRONMENT,
        requirements=["scikit-learn==1.7.1", "pandas"],
    )
    bare = {"run": {}, "params": {}, "metrics": {}, "datasets": [], "mlmodel": {}, "signature": None}
    make_version(
        model, 3, details_state=DetailsState.FAILED, details_error="The run is gone.", requirements=None, **bare
    )
    ModelAlias.objects.create(model=model, alias="champion", version=first)
    for place in ({"stage": "Production", "at_latest": True}, {"alias": "champion"}):
        Placement.objects.create(model=model, version=first, since=THEN, source="mlflow", **place)
    return model


def _ask_and_decide(world: World) -> None:
    """Open a request per state. The ends are set by hand: bringing them about takes an MLflow."""
    bob, erin = world.people["bob"], world.people["erin"]
    asked = {
        "open": world.churn,
        **{state: make_model(f"forecast-{state.replace('_', '-')}") for state in
           ("changes_requested", "approved", "applied", "apply_failed", "rejected")},
    }  # fmt: skip
    for state, model in asked.items():
        if model is not world.churn:
            make_version(model, 1, stage="Production")
            make_version(model, 2, metrics=BETTER)
        version = ModelVersion.objects.get(model=model, number=2)
        world.requests[state] = services.open_request(
            version.pk, "Production", reason="Four points more accurate on the May data.", by=world.people["alice"]
        )
    _checks(world)
    act(world, "open", "approve", erin, "Better on every segment.")
    act(world, "changes_requested", "request_changes", erin, "Log the data set that this was tested on.")
    act(world, "rejected", "reject", erin, "The test set leaks.")
    for state in ("approved", "applied", "apply_failed"):
        act(world, state, "approve", erin)
        act(world, state, "approve", bob)
    ends = {
        "applied": {"state": RequestState.APPLIED, "closed_at": timezone.now(), "stage_before": "None"},
        "apply_failed": {"state": RequestState.APPLY_FAILED, "apply_error": "MLflow does not answer. Is it running?"},
    }
    for state, values in ends.items():
        ApprovalRequest.objects.filter(pk=world.requests[state].pk).update(**values)


def _checks(world: World) -> None:
    """Reports of a pipeline on the version that changes are wanted of: one fails, one is waived."""
    asked, alice = world.requests["changes_requested"], world.people["alice"]
    failed = {"detail": "3 rows without a label.", "link": "https://ci.example.org/7", "inputs": "commit 1f0c2ab"}
    reporting.report(asked.version_id, "lint", "fail", **failed, by=alice)
    reporting.report(asked.version_id, "load-test", "error", valid_days=30, by=alice)
    excuse = {"reason": "The cluster is down; run by hand.", "days": 14}
    waivers.waive(asked.pk, "external:load-test", **excuse, by=world.people["erin"])
    asked.refresh_from_db()


def _delegations(world: World) -> None:
    """Bob is away and erin was; an approval with conditions: one is open, one is met."""
    people, now = world.people, timezone.now()
    delegating.give("charlie", by=people["bob"], ends_at=now + timedelta(days=9), reason="Back on Monday week.")
    Delegation.objects.create(
        delegator=people["erin"], delegate=people["bob"], model=world.churn, starts_at=now - timedelta(days=9),
        ends_at=now - timedelta(days=1),
    )  # fmt: skip
    model = make_model("forecast-conditional")
    make_version(model, 1, stage="Production")
    version = make_version(model, 2, metrics=BETTER)
    asked = services.open_request(version.pk, "Production", reason="Better on May data.", by=people["alice"])
    terms = [ConditionTerms(text, "charlie", now + timedelta(days=7)) for text in ("Check for drift.", "Log the data.")]
    digest, signing = asked.evidence_digest, Signing(conditions=tuple(terms))
    services.act(asked.pk, "approve", by=people["erin"], evidence_digest=digest, signing=signing)
    conditions.meet(Condition.objects.get(text="Log the data.").pk, note="Logged with run 7.", by=people["charlie"])
    world.requests["conditional"] = asked


def _policies(world: World) -> None:
    """One in force, a draft, one that nobody could meet, one of the past; freezes that hold, come and are over."""
    now, group = timezone.now(), Group.objects.create(name="risk")
    strict = {"required_checks": ["signature", "external:scan"], "wait_minutes": 90, "recertify_days": 180}
    world.policies["policy"] = ApprovalPolicy.objects.get(stage="Production")
    rows = [{"name": "Risk", "needed": 2, "group": group, "scopes": ["metrics", "card"]}, {"needed": 1}]
    world.policies["policy_draft"] = drafting.draft(
        {"stage": "Production", "reason": "Two from the risk office.", **strict}, rows, by=world.people["admin"]
    )
    world.policies["policy_unsolvable"] = make_policy(model=world.churn, rules=[(3, group), (1, None)], **strict)
    make_policy("", alias="champion", risk="high")
    make_policy("Staging", state="retired", retired_at=now, reason="One was too few.")
    for name, begin, end in (("Year's end", -1, 9), ("Audit", 12, 14), ("Moving house", -9, -7)):
        FreezeWindow.objects.create(
            name=name, reason="The books close.", starts_at=now + timedelta(days=begin), stage="Archived",
            ends_at=now + timedelta(days=end), created_by="admin",
        )  # fmt: skip


def _drift(world: World) -> None:
    """A finding of each kind and in each state, on models of their own. Written by hand: no MLflow says so."""
    decided, asked = world.requests["applied"], world.requests["changes_requested"]
    ProtectedAlias.objects.create(alias="champion", added_by="admin", reason="Served to the web shop.")
    settled = {"settled_at": timezone.now(), "settled_by": "bob", "reason": "Agreed by telephone in the night."}
    sights: dict[str, dict[str, Any]] = {
        "open": {"decision": decided},
        "alias": {"kind": "alias", "alias": "champion", "expected": "1", "found": "2"},
        "artifacts": {"kind": "artifacts", "expected": "3a" * 32, "found": "9f" * 32},
        "deleted": {"kind": "deleted", "expected": "Production", "found": ""},
        "failed": {"error": "MLflow does not answer. Is it running? Nothing was lost."},
        "requested": {
            "state": DriftState.REQUESTED,
            "request": asked,
            "model": asked.version.model,
            "version": asked.version,
            "expected": "None",
        },
        "reverting": {"state": DriftState.REVERTING},
        "accepted": {"state": DriftState.ACCEPTED, **settled},
        "reverted": {"state": DriftState.REVERTED, **settled, "settled_by": "system:drift", "reason": ""},
        "resolved": {"state": DriftState.RESOLVED, **settled, "settled_by": "mlflow", "reason": ""},
    }
    for name, values in sights.items():
        model = make_model(f"ranker-{name}")
        version = make_version(model, 2, stage="Production")
        make_version(model, 1)
        stage = {"kind": "stage", "expected": "Staging", "found": "Production"}
        details = {"seen_by": "registry.sync", "mlflow_time": THEN.isoformat(), "changed": ["MLmodel", "files"]}
        finding = DriftFinding(**{"model": model, "version": version, "details": details, **stage, **values})
        finding.save()
        with transaction.atomic():
            record(Action.DRIFT_FOUND, by=MLFLOW, target=drift_target(finding), **about(finding))
        counts.note_drift(finding.model_id)
        world.drift[name] = finding


def _drafts(world: World) -> None:
    """A draft of Alice's, and her request to point a protected alias elsewhere."""
    alice = world.people["alice"]
    make_policy("", alias="champion")
    for name, terms in (("draft", {"to_stage": "Production", "draft": True}), ("alias", {"alias": "champion"})):
        model = make_model(f"basket-{name}")
        first = make_version(model, 1, stage="Production")
        ModelAlias.objects.create(model=model, alias="champion", version=first)
        version = make_version(model, 2, metrics=BETTER)
        world.requests[name] = services.open_request(
            version.pk, reason="Sees the basket.", roll_out="One shop first.", roll_back="Point it back.",
            ticket="https://tickets.example.org/OPS-17", by=alice, **terms,
        )  # fmt: skip


def _exceptions(world: World) -> None:
    """Bypasses asked for and owed a review, an approval that ends, and a version to go back to; by hand."""
    bob, admin, alice = (world.people[name] for name in ("bob", "admin", "alice"))
    group = Group.objects.create(name="emergency")
    grants.set_role(group, [EMERGENCY], None, model_class=RegisteredModel)
    group.user_set.add(bob, admin)
    now = timezone.now()
    for name in ("bypass_asked", "bypassed", "lapsing", "back"):
        model = make_model(f"guard-{name.replace('_', '-')}")
        version = make_version(model, 1, artifact_digest="ab" * 32)
        world.requests[name] = asked = services.open_request(
            version.pk, "Production", reason="Needed at once.", by=alice
        )
        make_version(model, 2, stage="Production")
        if name in ("bypass_asked", "bypassed"):
            row = Bypass(request=asked, asked_by=bob, reason="Every card is let through since nine.", ticket="OPS-17")
            row.evidence_digest = asked.evidence_digest
            row.confirmed_by, row.confirmed_at = (admin, now) if name == "bypassed" else (None, None)
            row.save()
        if name == "bypass_asked":
            continue
        ends = {"state": RequestState.APPLIED, "closed_at": now}
        if name == "bypassed":
            ends |= {"bypassed": True, "expedited": True}
            AfterReview.objects.create(request=asked, due_at=now - timedelta(days=1))
        if name == "lapsing":
            ends["recertify_by"] = now + timedelta(days=3)
        if name != "back":
            ModelVersion.objects.filter(pk=version.pk).update(stage="Production")
        ApprovalRequest.objects.filter(pk=asked.pk).update(**ends)


def act(world: World, state: str, action: str, by: User, comment: str = "") -> None:
    """Decide on the request of that state, having read its evidence."""
    asked = world.requests[state]
    services.act(asked.pk, action, by=by, comment=comment, evidence_digest=asked.evidence_digest)
