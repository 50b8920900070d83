"""Who asks Assent in a bench: a reader of the whole registry, one of a fifth of it, and an admin.

Needs Django set up for the bench's database.
"""

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.utils import timezone

from apps.accounts import granting, grants
from apps.accounts.models import Grant, GrantScope, User
from apps.accounts.roles import ADMIN, DATA_SCIENTIST, REVIEWER, VIEWER, Role
from apps.accounts.tokens import create_token
from apps.registry.details import jobs as detail_jobs
from apps.registry.models import ModelVersion, RegisteredModel
from scripts.bench.asking import Caller

PART = 5  # a reader of a part is granted one model in so many


def admin() -> User:
    """Make an admin of everything."""
    return _member("admin", ADMIN)


def reader() -> User:
    """Make a viewer of the whole registry, as most people are."""
    return _member("reader", VIEWER)


def reader_of_a_part(name: str = "guest", *, step: int = PART) -> User:
    """Make somebody whose group was granted every fifth model (or every `step`-th), one by one."""
    person, group = User.objects.create_user(name), Group.objects.create(name=f"{name}s")
    person.groups.add(group)
    granted = RegisteredModel.objects.order_by("pk").values_list("pk", flat=True)[::step]
    given = {"group": group, "role": VIEWER.name, "scope": GrantScope.MODEL, "reason": "Bench", "made_by": "bench"}
    Grant.objects.bulk_create(Grant(**given, model_id=pk) for pk in granted)
    with transaction.atomic():
        granting.bring_up(group)
    return person


def committee(reviewers: int) -> list[User]:
    """Make an admin who reviews, more reviewers, and last a data scientist who asks."""
    first = _member("lead", ADMIN)
    group = Group.objects.create(name="reviewers")
    grants.set_role(group, [REVIEWER], None, model_class=RegisteredModel)
    people = [first, *(User.objects.create_user(f"reviewer{n:03}") for n in range(reviewers))]
    group.user_set.add(*people)
    return [*people, _member("asker", DATA_SCIENTIST)]


def with_token(address: str, person: User) -> Caller:
    """Return a caller of the API that acts for a person."""
    return Caller(address, Authorization=f"Bearer {create_token('bench', by=person).text}")


def with_session(address: str, person: User) -> Caller:
    """Return a caller of the pages that is signed in as a person."""
    client = Client()
    client.force_login(person)
    name = settings.SESSION_COOKIE_NAME
    return Caller(address, Cookie=f"{name}={client.cookies[name].value}")


def read_details(*names: str) -> int:
    """Read the runs and files of these models' versions, and of no others. Returns how many were read well."""
    versions = ModelVersion.objects.filter(model__name__in=names)
    ModelVersion.objects.exclude(model__name__in=names).update(details_due_at=None)
    versions.update(details_due_at=timezone.now())
    return detail_jobs.read_due_details()


def _member(name: str, role: Role) -> User:
    person, group = User.objects.create_user(name), Group.objects.create(name=f"{name}s")
    grants.set_role(group, [role], None, model_class=RegisteredModel)
    person.groups.add(group)
    return person


def trainer(address: str) -> Caller:
    """Return a client of MLflow that acts for a data scientist of the whole registry."""
    return Caller(
        address,
        Authorization=f"Bearer {create_token('bench', by=_member('trainer', DATA_SCIENTIST), scope='write').text}",
    )
