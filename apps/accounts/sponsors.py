"""Who can act as a service account: whoever made it, and whoever learnt the secret of one of its tokens."""

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from apps.accounts.models import ApiToken, Sponsor, User


def note(account: User, person: User, token: ApiToken | None = None) -> None:
    """Note, in the caller's transaction, that a person made a service account, or learnt the secret of its token.

    Of a person's own tokens nothing is noted: they are themselves.
    """
    if account.is_service and account.pk != person.pk:
        Sponsor.objects.get_or_create(account=account, person=person, token=token)


def sponsors(account: Any, since: datetime | None = None) -> QuerySet[User]:
    """Return who can act as an account (its key): who made it, and who knows a token that was usable after `since`.

    None: at any time. Of a person nobody.
    """
    rows = Sponsor.objects.filter(account=account)
    if since is not None:
        usable = (Q(token__revoked_at=None) | Q(token__revoked_at__gt=since)) & Q(token__expires_at__gt=since)
        rows = rows.filter(Q(token=None) | usable)
    return User.objects.filter(pk__in=rows.values("person"))
