"""The pages about syncs: how fresh the mirror is, what runs now, and how the connections fare."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.errors import DomainError, InvalidInput, NotAllowed, NotVisible
from apps.registry import services
from apps.registry.freshness import sync_status
from apps.registry.health import queries
from apps.registry.models import SyncRun

PATIENCE = ((10, 1), (60, 2))  # a sync that runs for less than so many seconds is asked about every so many
SLOWEST = 5


@login_required
@require_safe
def sync(request: HttpRequest) -> HttpResponse:
    """How fresh the mirror is; everything else is for those who run syncs, for it counts unseen models too.

    As htmx polls (`?run=`), only how far that sync has come.
    """
    may_run = grants.allows(request.user, Permission.SYNC_RUN)
    if may_run and "run" in request.GET and request.headers.get("HX-Request") == "true":
        return _progress(request)
    status = sync_status()
    context = {
        "status": status,
        "error": queries.error_for(request.user, status.last_error),
        "may_run": may_run,
        "may_manage": grants.allows(request.user, Permission.CONNECTION_MANAGE),
        "rows": [(row, pace(row.running) if row.running else 0) for row in queries.health()] if may_run else [],
        "now": timezone.now(),
        "runs": queries.last_runs() if may_run else [],
        "strangers": queries.strangers() if may_run else [],
    }
    return render(request, "registry/sync.html", context)


@login_required
@require_POST
def sync_run(request: HttpRequest) -> HttpResponse:
    """Ask for a sync now, of one connection or of all."""
    connection = request.POST.get("connection") or None
    services.request_sync(by=cast(User, request.user), connection=connection)  # signed in: login_required
    messages.success(request, _("A sync was asked for. Reload this page in a few seconds to see how it goes."))
    return redirect("registry:sync")


@login_required
@require_POST
def sync_cancel(request: HttpRequest, run: int) -> HttpResponse:
    """Stop a sync that runs."""
    try:
        services.cancel_sync(run, by=cast(User, request.user))
    except (NotVisible, NotAllowed):
        raise
    except DomainError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, _("The sync is cancelled. What it has read stays."))
    return redirect("registry:sync")


def _progress(request: HttpRequest) -> HttpResponse:
    """The fragment that the page polls; the whole page again when that sync no longer runs."""
    number = request.GET["run"]
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise InvalidInput(_("A sync is named by its number."), field="run")
    run = queries.running_run(int(number))
    if run is None:
        # Whoever cancelled it is being led to the page already: a second load would swallow what it says.
        mine = SyncRun.objects.filter(pk=int(number), cancelled_by=request.user.get_username()).exists()
        return HttpResponse(status=204, headers={} if mine else {"HX-Refresh": "true"})
    return render(request, "registry/_sync_progress.html", {"run": run, "pace": pace(run), "now": timezone.now()})


def pace(run: SyncRun) -> int:
    """Return after how many seconds to ask again how far a sync has come: ever more seldom."""
    seconds = (timezone.now() - run.started_at).total_seconds()
    return next((wait for until, wait in PATIENCE if seconds < until), SLOWEST)
