"""The page on which several requests are signed at once. Every rule is the service's."""

from typing import cast
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.approvals import signing_page
from apps.approvals.bulk import bulk_act
from apps.approvals.forms import cleaned
from apps.approvals.models import Meaning
from apps.approvals.queue import together
from apps.approvals.signing_form import PickForm, SignForm
from apps.approvals.transitions import RequestAction
from apps.errors import DomainError


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_together(request: HttpRequest) -> HttpResponse:
    """Approve several requests with one comment, asked who they are once: first a page lists each with its digest."""
    if request.method != "POST":
        picked = cleaned(PickForm(request.GET))["items"]
        return _confirm_page(request, [number for number, _digest in picked], None)
    picked, form = cleaned(PickForm(request.POST))["items"], SignForm(request.POST)
    try:
        values = cleaned(form)
        person = cast(User, request.user)
        results = bulk_act(picked, RequestAction.APPROVE, by=person, comment=values["comment"], signing=form.signing())
    except DomainError as error:
        return _confirm_page(request, [number for number, _digest in picked], form, error=error)
    context = {"results": together.told(request.user, results), "done": sum(not row.error for row in results)}
    return render(request, "approvals/sign_together_done.html", context)


def _confirm_page(
    request: HttpRequest, numbers: list[int], form: SignForm | None, *, error: DomainError | None = None
) -> HttpResponse:
    items = together.items(request.user, numbers)
    context = {
        **signing_page.words_of(form),
        "items": items,
        "ready": [item for item in items if not item.refusal],
        "asks": together.asks(items),
        "meanings": Meaning.choices,
        "error": error,
        "sign_at": f"{reverse('approvals:sign-together')}?{urlencode([('request', number) for number in numbers])}",
    }
    return render(request, "approvals/sign_together.html", context, status=error.status if error else 200)
