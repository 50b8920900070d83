"""The page of what proves the trail: its public keys, its checkpoints, how to verify."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.audit.models import Checkpoint
from apps.audit.proof import keys
from apps.audit.proof.checkpoints import ask_checkpoint
from apps.audit.queries import READ_EVERYTHING

ROWS = 20


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def proof(request: HttpRequest) -> HttpResponse:
    """Show keys and the newest checkpoints; posted to, make a checkpoint."""
    if request.method == "POST":
        made = ask_checkpoint(by=request.user)
        messages.success(request, _("Signed up to event %(number)s.") % {"number": made.event_id})
        return redirect("audit:proof")
    context = {
        "keys": keys.published(),
        "checkpoints": Checkpoint.objects.order_by("-event_id", "-id")[:ROWS],
        "may_sign": request.user.has_perm(READ_EVERYTHING),
    }
    return render(request, "audit/proof.html", context)
