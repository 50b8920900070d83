"""A full house for the attacks: objects of every kind in every state, and people who may see a small part of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from apps.accounts import grants
from apps.accounts.models import AccessReview, AccessReviewItem, ApiToken, Grant, User
from apps.accounts.roles import ROLES
from apps.accounts.services import create_token
from apps.approvals.models import (
    ApprovalPolicy,
    Condition,
    Delegation,
    DriftFinding,
    FreezeWindow,
    VersionComment,
    Waiver,
)
from apps.audit.models import AuditEvent
from apps.compliance.models import ControlSetting, LegalHold
from apps.modelcards import services
from apps.modelcards.models import Card, CardComment
from apps.notifications.models import Delivery, Endpoint, Notification
from apps.registry.models import RegisteredModel, SavedView, SyncRun
from tests.attacks.forms import Form, forms_on, pages
from tests.browser.world import World, build
from tests.builders import make_model, make_version
from tests.conftest import member
from tests.undoing import undone

OWN = "elsewhere"  # the one model that the strangers may see
HIDDEN = "churn-classifier"  # of those that they may not see, the one with everything


@dataclass
class House:
    """`world` is what is attacked; a stranger holds one role, on the model `elsewhere` alone."""

    world: World
    everybody: User  # may do everything
    stranger: User  # may do everything with the model `elsewhere`
    strangers: dict[str, User] = field(default_factory=dict)  # by role
    tokens: dict[str, str] = field(default_factory=dict)  # of the strangers and of everybody

    @cached_property
    def own(self) -> RegisteredModel:
        """The strangers' model."""
        return RegisteredModel.objects.get(name=OWN)

    @cached_property
    def hidden(self) -> list[str]:
        """Texts that no stranger may see: names of the other models, a description, why promotions were asked for."""
        names = RegisteredModel.objects.exclude(name=OWN).values_list("name", flat=True)
        reasons = {row.reason for row in self.world.requests.values()}
        return sorted({*names, *reasons, self.world.churn.description})

    @cached_property
    def ids(self) -> dict[str, list[Any]]:
        """Numbers, and prefixes of tokens, of what strangers may not see, by what stands before them in an address."""
        rows = {
            "access-reviews": AccessReview, "comments": CardComment,
            "conditions": Condition, "delegations": Delegation, "deliveries": Delivery, "drift": DriftFinding,
            "events": AuditEvent, "freezes": FreezeWindow, "grants": Grant, "holds": LegalHold, "ids": Notification,
            "policies": ApprovalPolicy, "runs": SyncRun, "views": SavedView, "waivers": Waiver, "webhooks": Endpoint,
            "version-comments": VersionComment,
        }  # fmt: skip
        found = {name: list(model.objects.order_by("pk").values_list("pk", flat=True)) for name, model in rows.items()}
        states = ("open", "draft", "applied", "bypassed")
        return {name: [keys[0], keys[-1]] for name, keys in found.items()} | {
            "requests": [self.world.requests[state].pk for state in states],
            "rows": [self.world.churn.pk],
            "revisions": [1],
            "requirements": [0],
            "people": [self.world.people["alice"].pk, self.everybody.pk],
            "groups": list(self.world.people["bob"].groups.order_by("name").values_list("pk", flat=True))[:1],
            "tokens": list(ApiToken.objects.filter(user=self.world.people["alice"]).values_list("prefix", flat=True)),
            "service-accounts": list(User.objects.filter(is_service=True).values_list("pk", flat=True)),
        }

    @cached_property
    def known(self) -> dict[str, list[Any]]:
        """Values that mean something, by the name of an argument, a parameter or a field."""
        requests, digests = self.ids["requests"], [row.evidence_digest for row in self.world.requests.values()]
        version = {"model": HIDDEN, "version": 2}
        return {
            "name": [HIDDEN, OWN], "model": [HIDDEN, OWN], "models": [[HIDDEN]], "number": [1, 2], "version": [1, 2],
            "base": [f"{HIDDEN}@1", f"{OWN}@1"], "candidate": [f"{HIDDEN}@2", f"{OWN}@1"], "alias": ["champion"],
            "stage": ["Production"], "to_stage": ["Production", "Staging"], "target": ["Production", "@champion"],
            "control": ["drift"], "grant": self.ids["grants"], "review": self.ids["access-reviews"],
            "hold": self.ids["holds"],
            "revision": [1], "set": [0, 1], "form": ["json"], "section": ["use"], "step": ["submit", "approve"],
            "digest": list(Card.objects.values_list("digest", flat=True)), "values": [{"users": ["Retention team"]}],
            "id": requests + self.ids["drift"], "request": requests, "replaces": requests + self.ids["policies"],
            "requests": [[version | {"to_stage": "Staging", "reason": "x"}]],
            "ids": [self.ids["ids"], [AccessReviewItem.objects.latest("pk").pk]],
            "items": [[{"request": requests[0], "evidence_digest": digests[0]}]], "evidence_digest": digests,
            "run": self.ids["runs"], "view": self.ids["views"], "waiver": self.ids["waivers"],
            "endpoint": self.ids["webhooks"], "delivery": self.ids["deliveries"], "connection": ["default", "eu"],
            "delegate": ["bob"], "delegator": ["erin"], "on_behalf_of": ["erin"], "group": ["risk"],
            "username": ["alice"], "prefix": self.ids["tokens"], "account": ["alice"], "person": ["alice"],
            "model_id": [self.world.churn.pk], "check": ["signature"],
            "seen": list(Card.objects.values_list("digest", flat=True)), "comment": self.ids["comments"],
            "reason": ["Because."], "q": ["churn"],
        }  # fmt: skip


def give_card(author: User) -> None:
    """Give the hidden model's second version a card with a comment."""
    if not Card.objects.filter(version__model__name=HIDDEN, version__number=2).exists():
        services.start(HIDDEN, 2, by=author)
    card = Card.objects.get(version__model__name=HIDDEN, version__number=2)
    CardComment.objects.create(card=card, section="use", number=1, body="Who is called first?", author=author)


@pytest.fixture(scope="package")
def house(django_db_setup: None, django_db_blocker) -> Iterator[House]:
    """The house, built once for the tests of this folder; what a test changes in it is undone after the test.

    Its people have the names of the personas: tests that make those stand in other folders.
    """
    with django_db_blocker.unblock(), undone():
        built = House(build(), member("everybody", *ROLES.values()), User.objects.create_user("stranger"))
        elsewhere = make_model(OWN)
        make_version(elsewhere, 1)
        built.world.churn.refresh_from_db()
        ControlSetting.objects.create(
            control="drift", number=1, enabled=True, tiers=["high"], severity="high", reason="Not yet.",
            set_by="admin", set_at=timezone.now(),
        )  # fmt: skip
        give_card(built.world.people["alice"])
        SavedView.objects.create(owner=built.world.people["alice"], name="Mine alone", query=f"q={HIDDEN}")
        for role in ROLES.values():
            group = Group.objects.create(name=f"{role.name} elsewhere")
            grants.set_role(group, [role], elsewhere, model_class=RegisteredModel)
            built.strangers[role.name] = user = User.objects.create_user(f"stranger-{role.name}")
            user.groups.add(group)
            built.stranger.groups.add(group)
        people = built.strangers | {"everybody": built.everybody}
        built.tokens = {name: create_token("attack", by=user, scope="write").text for name, user in people.items()}
        yield built


@pytest.fixture(scope="package")
def forms(house: House, django_db_blocker) -> list[Form]:
    """One of each form of the pages, and the sign-in form."""
    with django_db_blocker.unblock(), undone():
        client, found = Client(), {}
        signing_in = forms_on("/sign-in/", client.get("/sign-in/").content.decode())
        for person in (house.everybody, house.world.people["alice"]):
            client.force_login(person)
            for path, text in pages(client, house.ids).items():
                found |= {form.kind: form for form in forms_on(path, text)}
    return [*signing_in, *found.values()]
