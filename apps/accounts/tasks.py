"""What is tidied up by itself: what has ended, and opens nothing any more."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from apps.accounts import giving, invitations
from apps.accounts.access_reviews import lapsing
from apps.accounts.models import Session, SigningPass
from apps.audit.actions import Source
from apps.audit.context import Origin, came_through


@shared_task(name="accounts.prune")
def prune() -> None:
    """Delete sessions, passes and invitations that have ended."""
    now = timezone.now()
    idle = now - timedelta(seconds=settings.SESSION_IDLE_SECONDS)
    Session.objects.filter(Q(expire_date__lte=now) | Q(seen_at__lte=idle)).delete()
    SigningPass.objects.filter(expires_at__lte=now).delete()
    invitations.prune()


@shared_task(name="accounts.lapse_grants")
def lapse_grants() -> None:
    """End the grants whose last day is over."""
    with came_through(Origin(Source.WORKER, "timers")):
        giving.lapse()


@shared_task(name="accounts.tend_access_reviews")
def tend_access_reviews() -> None:
    """Remind of access reviews, end what nobody confirmed, and close what is answered."""
    with came_through(Origin(Source.WORKER, "timers")):
        lapsing.tend()
