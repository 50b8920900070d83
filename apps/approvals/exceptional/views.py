"""The pages of bypasses, reviews afterwards and certifying anew: parse, call the service, redirect."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import User
from apps.approvals import blockers
from apps.approvals import queries as requests
from apps.approvals.exceptional import after_review, bypass, queries, recertification
from apps.approvals.exceptional.forms import (
    AfterReviewForm,
    AskBypassForm,
    ConfirmBypassForm,
    DropBypassForm,
    ExceptionFilter,
    RecertifyForm,
)
from apps.approvals.exceptional.rules import after_review_of, outdated, standing_bypass, the_first_still_may
from apps.approvals.forms import cleaned
from apps.approvals.models import ApprovalRequest
from apps.approvals.signing import asked_to_bypass, asks
from apps.approvals.transitions import TRANSITIONS, RequestAction, refusal
from apps.errors import DomainError, NotAllowed, NotVisible, WrongState

ROWS = 50
ASK, CONFIRM = RequestAction.ASK_BYPASS, RequestAction.CONFIRM_BYPASS


@login_required
@require_safe
def exception_list(request: HttpRequest) -> HttpResponse:
    """What is owed, what was not ratified, what lapses, and how often policies are bypassed."""
    number = cleaned(ExceptionFilter(request.GET))["page"]
    context = {
        "page": Paginator(queries.owed(request.user), ROWS).get_page(number or 1),
        "refused": list(queries.not_ratified(request.user)[:ROWS]),
        "asked": list(queries.asked(request.user)[:ROWS]),
        "ending": list(queries.ending(request.user)[:ROWS]),
        "months": queries.per_month(request.user),
        "now": timezone.now(),
    }
    return render(request, "approvals/exceptional/list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def request_bypass(request: HttpRequest, id: int) -> HttpResponse:
    """Ask to go past the policy of a request; where somebody has asked, confirm it as the second person."""
    asked = requests.get_request(request.user, id)
    action = _bypass_action(request, asked)
    if request.method != "POST":
        return _bypass_page(request, asked, action, None)
    form = (ConfirmBypassForm if action is CONFIRM else AskBypassForm)(request.POST)
    try:
        if not form.is_valid():
            _may(asked, action, request.user)
            return _bypass_page(request, asked, action, form, status=400)
        (bypass.confirm if action is CONFIRM else bypass.ask)(id, by=_person(request), **form.cleaned_data)
    except (NotVisible, NotAllowed, WrongState):
        raise
    except DomainError as error:
        show_on(form, error)
        return _bypass_page(request, requests.get_request(request.user, id), action, form, status=error.status)
    said = (
        _("You confirmed the bypass. Assent applies the request now; its review afterwards is owed.")
        if action is CONFIRM
        else _("You asked for a bypass. Nothing moves before a second person confirms it.")
    )
    messages.success(request, said)
    return redirect("approvals:request-detail", id)


def _bypass_action(request: HttpRequest, asked: ApprovalRequest) -> RequestAction:
    """Return what the page is for: as the form says, else whether somebody has asked already."""
    if request.method == "POST":
        return CONFIRM if request.POST.get("do") == "confirm" else ASK
    waiting = standing_bypass(asked)
    if waiting is None or waiting.confirmed_at or outdated(asked, waiting):
        return ASK
    return ASK if the_first_still_may(_person(request), asked) else CONFIRM


def _bypass_page(
    request: HttpRequest, asked: ApprovalRequest, action: RequestAction, form: Form | None, *, status: int = 200
) -> HttpResponse:
    error = refusal(TRANSITIONS[action], asked, _person(request))
    if form is None and error and (action is ASK or isinstance(error, NotAllowed | WrongState)):
        raise error
    kind = ConfirmBypassForm if action is CONFIRM else AskBypassForm
    context = {
        "asked": asked,
        "bypass": standing_bypass(asked),
        "form": form or kind(initial={"evidence_digest": asked.evidence_digest}),
        "asks": asked_to_bypass(asked),
        "confirming": action is CONFIRM,
        "refusal": error.message if error and form is None else "",
        "goes_past": blockers.why_blocked(asked),
    }
    return render(request, "approvals/exceptional/bypass.html", context, status=status)


@login_required
@require_POST
def request_bypass_drop(request: HttpRequest, id: int) -> HttpResponse:
    """Drop a bypass that nobody has confirmed."""
    requests.get_request(request.user, id)
    bypass.take_back(id, by=_person(request), **cleaned(DropBypassForm(request.POST)))
    messages.success(request, _("The bypass is dropped. The request takes its votes."))
    return redirect("approvals:request-detail", id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def request_after_review(request: HttpRequest, id: int) -> HttpResponse:
    """Say afterwards whether a bypass or a rollback was right."""
    asked = requests.get_request(request.user, id)
    if request.method != "POST":
        _may(asked, RequestAction.AFTER_REVIEW, request.user)
        blank = AfterReviewForm(initial={"evidence_digest": asked.evidence_digest}, asks=asks(asked))
        return _after_review_page(request, asked, blank)
    form = AfterReviewForm(request.POST, asks=asks(asked))
    try:
        if not form.is_valid():
            _may(asked, RequestAction.AFTER_REVIEW, request.user)
            return _after_review_page(request, asked, form, status=400)
        row = after_review.review(id, by=_person(request), **form.cleaned_data)
    except (NotVisible, NotAllowed, WrongState):
        raise
    except DomainError as error:
        show_on(form, error)
        return _after_review_page(request, asked, form, status=error.status)
    said = (
        _("You ratified it. It stands.")
        if row.outcome == "ratified"
        else _("You did not ratify it. It stays until somebody rolls it back.")
    )
    messages.success(request, said)
    return redirect("approvals:request-detail", id)


def _after_review_page(request: HttpRequest, asked: ApprovalRequest, form: Form, *, status: int = 200) -> HttpResponse:
    context = {
        "asked": asked,
        "form": form,
        "asks": asks(asked),
        "bypass": standing_bypass(asked),
        "owed": after_review_of(asked),
    }
    return render(request, "approvals/exceptional/after_review.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def request_recertify(request: HttpRequest, id: int) -> HttpResponse:
    """Certify anew that an applied approval still holds."""
    asked = requests.get_request(request.user, id)
    if request.method != "POST":
        _may(asked, RequestAction.RECERTIFY, request.user)
        blank = RecertifyForm(initial={"evidence_digest": asked.evidence_digest}, asks=asks(asked))
        return _recertify_page(request, asked, blank)
    form = RecertifyForm(request.POST, asks=asks(asked))
    try:
        if not form.is_valid():
            _may(asked, RequestAction.RECERTIFY, request.user)
            return _recertify_page(request, asked, form, status=400)
        row = recertification.recertify(id, by=_person(request), **form.cleaned_data)
    except (NotVisible, NotAllowed, WrongState):
        raise
    except DomainError as error:
        show_on(form, error)
        return _recertify_page(request, asked, form, status=error.status)
    messages.success(request, _("Certified anew, until %(day)s.") % {"day": f"{row.until:%Y-%m-%d}"})
    return redirect("approvals:request-detail", id)


def _recertify_page(request: HttpRequest, asked: ApprovalRequest, form: Form, *, status: int = 200) -> HttpResponse:
    standing = recertification.standing(asked, timezone.now())
    former = asked.recertifications.select_related("reviewer").order_by("-id")[:20]
    context = {"asked": asked, "form": form, "asks": asks(asked), "standing": standing, "former": former}
    return render(request, "approvals/exceptional/recertify.html", context, status=status)


def show_on(form: Any, error: DomainError) -> None:
    """Put a refusal on the field that it names and that is shown, else on the form as a whole."""
    shown = error.field in form.fields and not form.fields[error.field].widget.is_hidden
    form.add_error(error.field if shown else None, error.message)


def _may(asked: ApprovalRequest, action: RequestAction, user: Any) -> None:
    """Raise why the person may not do it now: nobody fills in a form in vain."""
    if error := refusal(TRANSITIONS[action], asked, user):
        raise error


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)  # signed in: login_required
