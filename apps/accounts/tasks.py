"""What is tidied up by itself: what has ended and opens nothing any more."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from apps.accounts import invitations
from apps.accounts.models import Session, SigningPass


@shared_task(name="accounts.prune")
def prune() -> None:
    """Delete sessions, passes and invitations that have ended."""
    now = timezone.now()
    idle = now - timedelta(seconds=settings.SESSION_IDLE_SECONDS)
    Session.objects.filter(Q(expire_date__lte=now) | Q(seen_at__lte=idle)).delete()
    SigningPass.objects.filter(expires_at__lte=now).delete()
    invitations.prune()
