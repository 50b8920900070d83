"""Who asks Assent in a bench: an admin with a session and a token, and somebody who may read a part of the registry.

Needs Django set up for the bench's database.
"""

from django.conf import settings
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.tokens import create_token
from apps.registry import detail_jobs
from apps.registry.models import ModelVersion
from scripts.bench.asking import Caller


def admin() -> User:
    """Make a person who may do everything, or return the one made before."""
    return User.objects.filter(username="bench").first() or User.objects.create_superuser("bench")


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
    """Read the runs and files of these models' versions, and of no others. Returns how many."""
    versions = ModelVersion.objects.filter(model__name__in=names)
    ModelVersion.objects.exclude(model__name__in=names).update(details_due_at=None)
    versions.update(details_due_at=timezone.now())
    return detail_jobs.read_due_details()
