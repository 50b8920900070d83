"""The page of a card, and what is done on it: parse, call the service, redirect; a refusal is shown on the page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.errors import DomainError, InvalidInput, NotAllowed, NotVisible
from apps.modelcards import comments, lifecycle, queries, services
from apps.modelcards.content import digest_of
from apps.modelcards.reading import badge as badges
from apps.modelcards.reading.page import card_context, next_stage, rights
from apps.registry.models import ModelVersion
from apps.registry.queries import get_version
from apps.registry.services import enqueue_version

LARGEST = 2**31 - 1  # of a revision's number
BADGE_SECONDS = 300  # for which a browser does not ask again


@dataclass(frozen=True)
class Refusal:
    """What was refused, on which form of the page ("step-approve", "comment-use"), and what had been typed there."""

    form: str
    error: DomainError
    typed: str = ""


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)  # signed in: login_required


@login_required
@require_safe
def card(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """The card of a version as it is now; where there is none, the way to start it."""
    return _page(request, get_version(request.user, name, number))


@login_required
@require_safe
def revision(request: HttpRequest, name: str, number: int, revision: int) -> HttpResponse:
    """The card as one of its revisions had it: the address stays, whatever is saved later."""
    return _page(request, get_version(request.user, name, number), revision)


def _page(
    request: HttpRequest, version: ModelVersion, number: int | None = None, refusal: Refusal | None = None
) -> HttpResponse:
    found = queries.card_of(version)
    here = request.build_absolute_uri(reverse("modelcards:card", args=[version.model.reference, version.number]))
    context: dict[str, Any] = {"version": version, "model": version.model, "refusal": refusal, "address": here}
    if found is None:
        if number is not None:
            raise NotVisible(_("This version has no card yet. Start one: what MLflow knows is filled in."))
        context["rights"] = rights(version, None, _person(request))
    else:
        context["reading"] = number is None and enqueue_version(version, request.user.get_username()) is not None
        context |= card_context(version, found, queries.revision(found, number), _person(request))
    status = refusal.error.status if refusal else 200
    return render(request, "modelcards/card_detail.html", context, status=status)


@login_required
@require_POST
def start(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Start the card: facts from MLflow, prose of the version before."""
    said = _("The card is started. What MLflow knows is filled in; the rest is for people.")
    return _act(request, name, number, "start", lambda by: services.start(name, number, by=by), said)


@login_required
@require_POST
def refresh(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Take the facts anew from what MLflow says now."""
    base = _number(request, "base")
    said = _("The facts are those of MLflow now.")
    return _act(request, name, number, "refresh", lambda by: services.refresh(name, number, base=base, by=by), said)


@login_required
@require_POST
def step(request: HttpRequest, name: str, number: int, step: str) -> HttpResponse:
    """Take a step of the card's way, as somebody who read the revision of the digest `seen`."""
    if step not in lifecycle.STEPS:
        raise NotVisible(_("A card has no such step."))
    seen, reason = request.POST.get("seen", ""), request.POST.get("reason", "")

    def take(by: User) -> Any:
        return lifecycle.take(step, name, number, seen=seen, by=by, reason=reason)

    said = {
        "submit": _("The card is in review. Somebody who did not write it approves it."),
        "approve": _("The card is approved, as it is now: the next save ends that."),
        "send_back": _("The card is a draft again. Its authors see why."),
        "archive": _("The card is archived. It can be read, not changed."),
        "restore": _("The card is a draft again."),
    }[step]
    return _act(request, name, number, f"step-{step}", take, said, typed=reason)


@login_required
@require_POST
def comment(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Say something about a section."""
    section, body = request.POST.get("section", ""), request.POST.get("body", "")

    def add(by: User) -> Any:
        return comments.add(name, number, section=section, body=body, by=by)

    said = _("Your comment is kept. It has to be resolved before the card is approved.")
    return _act(request, name, number, f"comment-{section}", add, said, typed=body, anchor=f"#{section}")


@login_required
@require_POST
def resolve(request: HttpRequest, name: str, number: int, comment: int) -> HttpResponse:
    """Say that a comment is dealt with."""
    said = _("The comment is resolved.")
    return _act(request, name, number, "resolve", lambda by: comments.resolve(name, number, comment, by=by), said)


def _act(request: HttpRequest, name: str, number: int, form: str, act: Callable[[User], Any], said: str, *,
         typed: str = "", anchor: str = "") -> HttpResponse:  # fmt: skip
    """Carry out and go back to the card; a refusal stands on its page, with what was typed."""
    try:
        act(_person(request))
    except (NotVisible, NotAllowed):
        raise
    except DomainError as error:
        refusal = Refusal(form, error, typed)
        return _page(request, get_version(request.user, name, number), refusal=refusal)
    messages.success(request, said)
    known = anchor if anchor.removeprefix("#").isalpha() else ""
    return redirect(f"{reverse('modelcards:card', args=[name, number])}{known}")


def _number(request: HttpRequest, field: str) -> int:
    text = request.POST.get(field, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 11 and int(text) <= LARGEST):
        raise InvalidInput(_("Say by its number which revision you had before you."), field=field)
    return int(text)


@login_required
@require_safe
def badge(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Completeness and stage as a small picture, for pages that link to the card."""
    version = get_version(request.user, name, number)
    found, stage = queries.card_of(version), version.get_stage_display()
    if found is None:
        message, tone = _("no card"), "none"
    else:
        how = queries.completeness(found, version.model.risk, next_stage(version))
        message = _("%(percent)s %% · %(stage)s") % {"percent": how.percent, "stage": stage}
        tone = badges.tone_of(how.percent)
    picture = badges.badge(_("model card"), message, tone)
    etag = f'"{digest_of([picture, found.digest if found else ""])[:32]}"'
    response = HttpResponse(picture, content_type="image/svg+xml")
    response["ETag"] = etag
    response["Cache-Control"] = f"private, max-age={BADGE_SECONDS}"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return cast(HttpResponse, get_conditional_response(request, etag=etag, response=response))
