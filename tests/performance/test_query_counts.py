"""Every page and API list asks the database as often for 100 rows as for one."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts import grants
from apps.accounts.models import AccessReview, AccessReviewItem, ApiToken, Grant, User
from apps.accounts.roles import DATA_SCIENTIST, REVIEWER
from apps.approvals.models import (
    AfterReview,
    ApprovalRequest,
    Bypass,
    Condition,
    Delegation,
    DriftFinding,
    ExternalCheck,
    FreezeWindow,
    ProtectedAlias,
    Review,
    Waiver,
)
from apps.audit.actions import Action
from apps.audit.services import Actor, Target, record
from apps.compliance.models import HoldBreach, LegalHold
from apps.modelcards import comments
from apps.modelcards import services as cards
from apps.modelcards.filling import Edit
from apps.modelcards.models import RequirementSet
from apps.notifications.models import Delivery, Endpoint, Notification
from apps.registry.details import keeping
from apps.registry.models import (
    Connection,
    DeliveryRefusal,
    MetricDirection,
    ModelAlias,
    ModelVersion,
    Placement,
    RegisteredModel,
    SavedView,
    SyncRun,
    SyncState,
    WebhookDelivery,
)
from tests.builders import THEN, make_model, make_policy, make_version
from tests.conftest import member

LENGTHS = (1, 10, 100)
READ = {keeping.COMPLETE: True}  # a version whose page or comparison asks for no further reading
LISTS = [
    "/models/",
    "/models/?q=model&stage=Production",
    "/models/?counts=on&stage=Production&no=owner",
    "/views/",
    "/models/first/",
    "/compare/?base=first@1000&candidate=first@1",
    "/models/first/v/1000/card/",
    "/models/first/v/1000/card/history/",
    "/cards/requirements/",
    "/metrics/",
    "/requests/",
    "/requests/{request}/",
    "/reviews/",
    "/policies/",
    "/policies/{policy}/",
    "/policies/{policy}/dry-run/",
    "/freezes/",
    "/delegations/",
    "/exceptions/",
    "/models/first/rollback/?stage=Production",
    "/drift/",
    "/drift/?show=settled",
    "/as-of/",
    "/as-of/?model=first",
    "/drift/{drift}/",
    "/compliance/",
    "/compliance/?date=2026-06-01",
    "/compliance/?outcome=not_met",
    "/compliance/controls/",
    "/compliance/holds/",
    "/models/first/v/1000/evidence/",
    "/audit/",
    "/people/",
    "/people/{person}/",
    "/people/groups/{group}/",
    "/people/access-reviews/",
    "/people/access-reviews/{campaign}/",
    "/people/access-reviews/{campaign}/end/",
    "/access-to-review/",
    "/people/conflicts/",
    "/people/grants/",
    "/people/may/?permission=model:write&model=first",
    "/people/roles/",
    "/connections/",
    "/sync/",
    "/account/",
    "/notifications/",
    "/notifications/preferences/",
    "/notifications/webhooks/",
    "/notifications/webhooks/{webhook}/",
    "/api/v1/models/?page_size=200",
    "/api/v1/facets/?alias=champion",
    "/api/v1/views/?page_size=200",
    "/api/v1/models/first/versions/?page_size=200",
    "/api/v1/metric-directions/?page_size=200",
    "/api/v1/requests/?page_size=200",
    "/api/v1/requests/?waiting=me&page_size=200",
    "/api/v1/requests/{request}/",
    "/api/v1/requests/{request}/reviews/?page_size=200",
    "/api/v1/requests/{request}/waivers/?page_size=200",
    "/api/v1/models/first/versions/1000/checks/?page_size=200",
    "/api/v1/policies/?page_size=200",
    "/api/v1/policies/{policy}/",
    "/api/v1/policies/{policy}/dry-run/",
    "/api/v1/freezes/?page_size=200",
    "/api/v1/requests/{request}/conditions/?page_size=200",
    "/api/v1/delegations/?page_size=200",
    "/api/v1/after-reviews/?page_size=200",
    "/api/v1/recertifications/?page_size=200",
    "/api/v1/exceptions/",
    "/api/v1/models/first/rollback/?stage=Production",
    "/api/v1/drift/?page_size=200",
    "/api/v1/access-reviews/?page_size=200",
    "/api/v1/access-reviews/waiting/?page_size=200",
    "/api/v1/access-reviews/{campaign}/",
    "/api/v1/access-reviews/{campaign}/items/?page_size=200",
    "/api/v1/grants/?page_size=200",
    "/api/v1/people/{username}/",
    "/api/v1/people/{username}/tokens/?page_size=200",
    "/api/v1/tokens/?page_size=200",
    "/api/v1/conflicts/?page_size=200",
    "/api/v1/may/?permission=model:write&model=first",
    "/api/v1/as-of/?page_size=200",
    "/api/v1/as-of/?model=first",
    "/api/v1/gate/?model=first&version=1000&target=Production",
    "/api/v1/compliance/?page_size=200",
    "/api/v1/compliance/counts/",
    "/api/v1/compliance/clauses/",
    "/api/v1/compliance/controls/",
    "/api/v1/holds/?page_size=200",
    "/api/v1/protected-aliases/?page_size=200",
    "/api/v1/audit/events/?page_size=200",
    "/api/v1/connections/",
    "/api/v1/sync/",
    "/api/v1/notifications/?page_size=200",
    "/api/v1/webhooks/",
    "/api/v1/webhooks/{webhook}/",
    "/api/v1/webhooks/{webhook}/deliveries/?page_size=200",
]
FOR_ADMINS = {
    "/people/",
    "/people/{person}/",
    "/people/groups/{group}/",
    "/people/conflicts/",
    "/people/grants/",
    "/people/roles/",
    "/people/access-reviews/",
    "/people/access-reviews/{campaign}/end/",
    "/connections/",
    "/api/v1/conflicts/?page_size=200",
    "/api/v1/connections/",
    "/models/first/rollback/?stage=Production",
} | {path for path in LISTS if "webhooks" in path}


class World:
    """Rows of every kind that is listed; `grow` adds one of each."""

    def __init__(self, reader: User) -> None:
        self.reader, self.rows = reader, 0
        self.policy = make_policy()
        self.first = make_model("first")
        self.writer = member("writer", DATA_SCIENTIST)
        self.request = self._ask(make_version(self.first, 1000, metrics={"accuracy": 0.8}, environment=READ))
        cards.start("first", 1000, by=self.writer)
        self.drift = self._find(self.request.version)
        self.webhook = self._webhook(0)
        self.group = Group.objects.create(name="everybody")
        self.campaign = self._campaign(0)
        self._review_access(self.campaign, 0)

    def grow(self, rows: int) -> None:
        for number in range(self.rows + 1, rows + 1):
            self._add(number)
        self.rows = rows

    def _add(self, number: int) -> None:
        model = make_model(f"model {number}")
        version = make_version(model, 1, stage="Production")
        ModelAlias.objects.create(model=model, alias="champion", version=version)
        another = make_version(self.first, number, environment=READ)
        ModelAlias.objects.create(model=self.first, alias=f"alias{number}", version=another)
        for row, place in ((version, {"stage": "Production"}), (another, {"alias": f"alias{number}"})):
            Placement.objects.create(model=row.model, version=row, since=THEN, source="mlflow", **place)
        self._ask(another)
        self._policies(model)
        person = self._person(number, model)
        self._review(person)
        self._delegate(person)
        self._check(number, person)
        self._card(number, model)
        self._event(model)
        for row in (version, another):
            self._find(row)
        self._find(version, state="accepted", settled_at=timezone.now(), settled_by="bob")
        self._except(version, another, person)
        ProtectedAlias.objects.create(alias=f"alias{number}", added_by="admin")
        hold = LegalHold.objects.create(model=model, version=version, reason="Case 4.", set_by=self.reader)
        HoldBreach.objects.create(hold=hold, version=version, what="deleted")
        SavedView.objects.create(owner=self.reader, name=f"view {number}", query="q=model&stage=Production")
        self._campaign(number)
        self._review_access(self.campaign, number)
        self._connection(number)
        self._tell(number, model)
        self._come_in(number, model)
        MetricDirection.objects.create(metric=f"metric {number}", direction="higher", set_by="admin")

    def _card(self, number: int, model: RegisteredModel) -> None:
        """A card in Production; of the first model one more revision, a comment, and a requirement set."""
        cards.start(model.name, 1, by=self.writer)
        edit = Edit({"license": f"Licence {number}"}, confirm=frozenset({"license"}))
        cards.save("first", 1000, edit, base=number, by=self.writer)
        comments.add("first", 1000, section="use", body="For whom?", by=self.writer)
        RequirementSet.objects.create(number=number, levels={}, reason="x", published_by=self.writer)

    def _come_in(self, number: int, model: RegisteredModel) -> None:
        """A token of the reader for one model, and one more sign-in of theirs."""
        soon = timezone.now() + timedelta(days=7)
        prefix = f"prefix{number}"
        ApiToken.objects.create(user=self.reader, name=prefix, prefix=prefix, limited_to=[model.pk], expires_at=soon)
        with transaction.atomic():
            target = Target("person", self.reader.username)
            record(Action.SESSION_STARTED, by=Actor(self.reader.username), target=target, method="password")

    def _campaign(self, number: int) -> AccessReview:
        due = timezone.now() + timedelta(days=30)
        return AccessReview.objects.create(name=f"campaign {number}", opened_by="admin", due_at=due)

    def _review_access(self, campaign: AccessReview, number: int) -> None:
        """A grant that the reader answers for, one that any admin does, and one that is decided."""
        group, _made = Group.objects.get_or_create(name=f"holder {number}")
        values = {"review": campaign, "holder": group.name, "of_group": True, "on": "x", "given_by": "admin"}
        values |= {"given_at": timezone.now(), "given_reason": "x", "answers": "giver", "role": "viewer"}
        for role, more in (
            ("viewer", {"owner": self.reader, "answers": "reassigned"}), ("reviewer", {"answers": "admin"}),
            ("admin", {"decision": "confirmed", "decided_at": timezone.now(), "decided_by": "admin"}),
        ):  # fmt: skip
            grant = Grant.objects.create(
                group=group, role=role, scope="pattern", value=f"no-{number}", reason="x", made_by="a"
            )
            AccessReviewItem.objects.create(grant=grant, **values | more | {"role": role})

    def _connection(self, number: int) -> None:
        """A server with a sync, a delivery and a refusal."""
        now = timezone.now()
        connection = Connection.objects.create(name=f"c{number}", url="http://127.0.0.1:9")
        SyncRun.objects.create(connection=connection, state=SyncState.DONE, finished_at=now, requested_by="beat")
        WebhookDelivery.objects.create(connection=connection, delivery_id="d", event="prompt.created")
        DeliveryRefusal.objects.create(connection_name=connection.name, reason="unsigned", hour=now, last_at=now)

    def _tell(self, number: int, model: RegisteredModel) -> None:
        """A notification of the reader, read or not, a webhook, and a delivery of the first one."""
        now = timezone.now()
        read = {"read_at": now} if number % 2 else {"mail_at": now}
        Notification.objects.create(
            user=self.reader, event_id=number, model_id=model.pk, text="It changed.", created_at=now, **read
        )
        self._webhook(number)
        Delivery.objects.create(
            endpoint=self.webhook, event_id=number, lane=model.pk, message_id=f"m{number}", payload={}, next_at=now
        )

    def _webhook(self, number: int) -> Endpoint:
        owner, _made = User.objects.get_or_create(username=f"owner{number}")
        url = "https://hooks.example.org/"
        made = {"name": f"hook {number}", "url": url, "secret": "x", "secret_at": timezone.now(), "owner": owner}
        return Endpoint.objects.create(**made, model_ids=[self.first.pk])

    def _except(self, version: ModelVersion, former: ModelVersion, person: User) -> None:
        """A bypass that owes its review and lapses; one that waits for a second person; a version to go back to."""
        now = timezone.now()
        ended = {"state": "applied", "closed_at": now}
        bypassed = self._ask(version, **ended, bypassed=True, expedited=True, recertify_by=now)
        AfterReview.objects.create(request=bypassed, due_at=now)
        Bypass.objects.create(request=bypassed, asked_by=person, reason="x", confirmed_by=self.reader, confirmed_at=now)
        refused = AfterReview.objects.create(
            request=self._ask(former, **ended, bypassed=True, expedited=True), due_at=now
        )
        AfterReview.objects.filter(pk=refused.pk).update(outcome="not_ratified", reviewer=person, reviewed_at=now)
        waiting = self._ask(version, to_stage="Staging")
        Bypass.objects.create(request=waiting, asked_by=person, reason="x")

    def _find(self, version: ModelVersion, **fields: object) -> DriftFinding:
        """Drift that a request stands against."""
        values = {"kind": "stage", "expected": "Staging", "found": "Production", "decision": self.request}
        return DriftFinding.objects.create(model=version.model, version=version, **values | fields)

    def _event(self, model: RegisteredModel) -> None:
        with transaction.atomic():
            record(Action.MODEL_CHANGED, by=Actor("alice"), target=Target("model", model.name, model.pk))

    def _policies(self, model: RegisteredModel) -> None:
        """One in force, of this model, and one that is history."""
        make_policy("Staging", model=model)
        make_policy("Staging", state="retired", retired_at=timezone.now())
        now = timezone.now()
        FreezeWindow.objects.create(
            name="Books", starts_at=now, ends_at=now + timedelta(days=2), model=model, created_by="admin"
        )

    def _person(self, number: int, model: RegisteredModel) -> User:
        """A member of a group of their own, which may review one model; the reader is in it too."""
        group = Group.objects.create(name=f"group {number}")
        grants.set_role(group, [REVIEWER], model)
        grants.set_role(group, [REVIEWER], self.first)
        person = User.objects.create(username=f"person{number}")
        person.groups.add(group, self.group)
        grants.set_role(self.group, [REVIEWER], model)
        self.reader.groups.add(group)
        return person

    def _ask(self, version: ModelVersion, **fields: object) -> ApprovalRequest:
        values = {
            "from_stage": "None", "to_stage": "Production", "archive_existing": False, "reason": "Better.",
            "requester": User.objects.get_or_create(username="asker")[0], "policy": self.policy,
            "evidence": {}, "evidence_digest": "0" * 64, "submitted_at": timezone.now(),
        }  # fmt: skip
        return ApprovalRequest.objects.create(version=version, **values | fields)

    def _delegate(self, person: User) -> None:
        now = timezone.now()
        Delegation.objects.create(
            delegator=self.reader, delegate=person, model=self.first, starts_at=now, ends_at=now + timedelta(days=7)
        )

    def _review(self, person: User) -> None:
        review = Review.objects.create(
            counts_for=person,
            request=self.request, requester=self.request.requester, reviewer=person, verdict="approve",
            evidence_digest=self.request.evidence_digest,
        )  # fmt: skip
        Condition.objects.create(
            review=review, text="Check the drift report.", owner=person, due_at=timezone.now() + timedelta(days=7)
        )

    def _check(self, number: int, person: User) -> None:
        """A report of a check on the version of the request, and a waiver of it."""
        name, requester = f"check-{number}", self.request.requester
        ExternalCheck.objects.create(version=self.request.version, name=name, outcome="fail", reporter=requester)
        Waiver.objects.create(
            request=self.request, check_name=f"external:{name}", reason="Known.", waived_by=person,
            expires_at=timezone.now() + timedelta(days=7),
        )  # fmt: skip


def count(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200, address
    return len(asked)


@pytest.mark.once(on="postgresql")
@pytest.mark.parametrize(
    ("reader", "addresses"),
    [("admin", LISTS), ("mallory", [address for address in LISTS if address not in FOR_ADMINS])],
    ids=["an admin of everything", "a person with a grant per model"],
)
def test_lists_ask_as_often_for_100_rows_as_for_one(request, db, reader, addresses):
    person = request.getfixturevalue(reader)
    world, client = World(person), Client()
    client.force_login(person)
    counts: dict[str, list[int]] = {address: [] for address in addresses}
    numbers = {name: getattr(world, name).pk for name in ("request", "policy", "drift", "webhook", "campaign", "group")}
    numbers |= {"person": person.pk, "username": person.username}
    for length in LENGTHS:
        world.grow(length)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # as a database does by itself in time: without it plans are guesses
        for address, asked in counts.items():
            asked.append(count(client, address.format(**numbers)))
    assert counts == {address: asked[:1] * len(LENGTHS) for address, asked in counts.items()}
