"""The page of requirement sets: everybody reads what is asked; who manages policies publishes another set."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts import grants
from apps.accounts.models import User
from apps.errors import DomainError, InvalidInput, NotAllowed, NotVisible
from apps.modelcards import requirements, rules
from apps.modelcards.models import RequirementSet
from apps.modelcards.reading import previewing
from apps.modelcards.reading.matrix import matrix, typed
from apps.modelcards.requirements import Requirements
from apps.modelcards.schema.fields import TIERS

HISTORY = 50  # sets in the list of those before


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def requirements_page(request: HttpRequest) -> HttpResponse:
    """What each field asks at each tier; with `?edit=on` a form, which shows what it would change before it does."""
    by = cast(User, request.user)
    may = grants.allows(by, requirements.NEEDED) and not by.is_service
    if request.method == "POST":
        return _change(request, by)
    if request.GET.get("edit"):
        _must_manage(may)
        return _form(request, requirements.current().levels, "", requirements.current().number)
    shown = _shown(request.GET.get("set", ""))
    context = {
        "asked": shown, "current": requirements.current().number, "sections": matrix(shown.levels), "tiers": TIERS,
        "history": RequirementSet.objects.select_related("published_by").order_by("-number")[:HISTORY],
        "row": RequirementSet.objects.select_related("published_by").filter(number=shown.number).first(),
        "may_manage": may,
    }  # fmt: skip
    return render(request, "modelcards/requirements.html", context)


def _change(request: HttpRequest, by: User) -> HttpResponse:
    """Show what a set would change, go back to the form, or publish it."""
    _must_manage(grants.allows(by, requirements.NEEDED))
    levels, reason = typed(request.POST), request.POST.get("reason", "")
    seen, do = _seen(request.POST.get("seen", "")), request.POST.get("do", "")
    if do not in ("preview", "edit", "publish"):
        raise InvalidInput(_("Choose what to do: look at what changes, or publish."), field="do")
    if do == "edit":
        return _form(request, _complete(levels), reason, seen)
    try:
        if do == "publish":
            row = requirements.publish(levels, reason=reason, seen=seen, by=by)
            messages.success(request, _("Set %(number)s governs now.") % {"number": row.number})
            return redirect("modelcards:requirements")
        preview = previewing.preview(levels, reason=reason, seen=seen, by=by)
    except (NotVisible, NotAllowed):
        raise
    except DomainError as error:
        return _form(request, _complete(levels), reason, seen, error)
    context = {"preview": preview, "levels": typed(request.POST), "reason": reason, "seen": seen, "tiers": TIERS}
    return render(request, "modelcards/requirements_preview.html", context)


def _form(
    request: HttpRequest, levels: rules.Levels, reason: str, seen: int, error: DomainError | None = None
) -> HttpResponse:
    context: dict[str, Any] = {"sections": matrix(levels), "tiers": TIERS, "reason": reason, "seen": seen,
                               "error": error}  # fmt: skip
    return render(request, "modelcards/requirements_edit.html", context, status=error.status if error else 200)


def _complete(levels: Any) -> rules.Levels:
    """Return what was typed as a whole set; where it is none, the one that governs."""
    try:
        return rules.check_levels(levels)
    except ValueError:
        return requirements.current().levels


def _must_manage(may: bool) -> None:
    if not may:
        raise NotAllowed(_("Requirements of cards need the permission to manage policies. Ask an admin."))


def _shown(text: str) -> Requirements:
    if not text:
        return requirements.current()
    number = _seen(text)
    if number == 0:
        return Requirements(0, rules.built_in())
    row = RequirementSet.objects.filter(number=number).first()
    if row is None:
        raise NotVisible(_("There is no requirement set of this number."))
    return Requirements(row.number, {**rules.built_in(), **row.levels})


def _seen(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InvalidInput(_("A requirement set is named by its number."), field="seen")
    return int(text)
