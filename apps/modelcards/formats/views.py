"""The pages of cards as files: an export, and an import that is looked at before it is saved."""

from collections.abc import Mapping
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.errors import DomainError, InvalidInput, NotAllowed, NotVisible
from apps.modelcards.content import CardRefused
from apps.modelcards.formats import services
from apps.modelcards.formats.base import Unreadable
from apps.modelcards.formats.forms import EXPORTS
from apps.modelcards.formats.headings import ENGLISH, LANGUAGES
from apps.modelcards.formats.importing import RELATIONS, Relation, Row, Way, label_of
from apps.modelcards.formats.input import CardFile
from apps.modelcards.formats.services import Preview
from apps.modelcards.models import Card
from apps.modelcards.services import CardConflict, CardInvalid
from apps.registry.models import ModelVersion

MOST_DIGITS = 9
ICONS = {Relation.NEW: "plus", Relation.CHANGED: "edit", Relation.FACT: "swap", Relation.LACKING: "minus"}


@login_required
@require_safe
def export(request: HttpRequest, name: str, number: int, form: str) -> HttpResponse:
    """A card as a file, the newest revision or `?revision=`; `?lang=ja` for Japanese headings."""
    language = request.GET.get("lang", ENGLISH)
    if language not in LANGUAGES:
        raise InvalidInput(_("Headings are in en or ja."), field="lang")
    found = services.exported(name, number, form, by=request.user, revision=_revision(request), language=language)
    response = HttpResponse(found.body, content_type=found.content_type)
    response["Content-Disposition"] = f'attachment; filename="{found.name}"'  # of letters, digits and .-_
    response["X-Content-Type-Options"] = "nosniff"
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_card(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Choose a file, see what it would change, save it: nothing is kept in between, the preview carries it all."""
    user = cast(User, request.user)
    version, card = services.importable(name, number, by=user)
    if request.method != "POST":
        return _page(request, version, card, CardFile())
    if "card" in request.POST:
        return _saved(request, version, card)
    form = CardFile(request.POST, request.FILES)
    if getattr(request, "upload_too_large", False):
        form.too_large()
    if form.is_valid():
        try:
            found = services.preview(name, number, form.body(), form.cleaned_data["form"], by=user)
            return _page(request, version, card, form, found)
        except Unreadable as refused:
            form.add_error(form.source, str(refused))
        except CardRefused as refused:
            form.refuse(refused)
    return _page(request, version, card, form, status=400)


def _saved(request: HttpRequest, version: ModelVersion, card: Card | None) -> HttpResponse:
    """Save what was chosen; what is refused is shown on the preview, with everything that was chosen and written."""
    user, reference, sealed = cast(User, request.user), version.model.reference, request.POST.get("card", "")
    try:
        row = services.apply(
            reference, version.number, sealed, _given(request, "way-"), _given(request, "reason-"),
            base=_base(request), by=user, note=request.POST.get("note", ""),
        )  # fmt: skip
    except (NotVisible, NotAllowed):
        raise
    except DomainError as error:
        return _refused(request, version, card, sealed, error)
    if row.number == _base(request):
        messages.info(request, _("Nothing was changed: the card says so already, or nothing was chosen."))
    else:
        messages.success(request, _("Imported as revision %(number)s.") % {"number": row.number})
    return redirect(_card_address(version))


def _refused(
    request: HttpRequest, version: ModelVersion, card: Card | None, sealed: str, error: DomainError
) -> HttpResponse:
    errors = error.errors if isinstance(error, CardInvalid) else {"": error.message}
    try:
        found = services.again(version.model.reference, version.number, sealed, by=cast(User, request.user))
    except InvalidInput as unsealed:
        form = CardFile({})
        form.errors.clear()
        form.add_error("file", unsealed.message)
        return _page(request, version, card, form, status=unsealed.status)
    if isinstance(error, CardConflict):
        errors = {"": _("%(what)s This is the preview against it: look again.") % {"what": error.message}}
    return _page(request, version, card, CardFile(), found, errors=errors, status=error.status)


def _page(
    request: HttpRequest,
    version: ModelVersion,
    card: Card | None,
    form: CardFile,
    preview: Preview | None = None,
    *,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "model": version.model,
        "version": version,
        "card": card,
        "form": form,
        "preview": preview,
        "rows": [_shown(row, request, errors or {}) for row in preview.rows] if preview else [],
        "errors": _faults(preview, errors or {}),
        "note": request.POST.get("note", ""),
        "exports": EXPORTS,
        "card_url": _card_address(version),
    }
    return render(request, "modelcards/import.html", context, status=status)


def _shown(row: Row, request: HttpRequest, errors: Mapping[str, str]) -> dict[str, Any]:
    """Return a row with what was chosen and written, so that a refusal loses nothing."""
    name = row.field.name
    chosen = request.POST.get(f"way-{name}", row.default)
    chosen = chosen if chosen in row.ways else row.default
    return {
        "row": row,
        "relation": RELATIONS[row.relation],
        "icon": ICONS[row.relation],
        "ways": [(way, label_of(row, way), way == chosen) for way in row.ways],
        "takes_reason": Way.TAKE in row.ways and row.relation is Relation.FACT,
        "reason": request.POST.get(f"reason-{name}", ""),
        "error": errors.get(name, ""),
    }


def _faults(preview: Preview | None, errors: Mapping[str, str]) -> list[tuple[str, Any, str]]:
    """Return (field, its label, sentence): what the summary above the preview leads to."""
    labels = {row.field.name: row.field.label for row in preview.rows} if preview else {}
    return [(name if name in labels else "", labels.get(name, name), text) for name, text in errors.items()]


def _given(request: HttpRequest, start: str) -> dict[str, str]:
    return {name.removeprefix(start): str(text) for name, text in request.POST.items() if name.startswith(start)}


def _base(request: HttpRequest) -> int:
    said = request.POST.get("base", "")
    return int(said) if said.isdecimal() and len(said) <= MOST_DIGITS else 0


def _revision(request: HttpRequest) -> int | None:
    said = request.GET.get("revision", "")
    if not said:
        return None
    if not said.isdecimal() or len(said) > MOST_DIGITS:
        raise InvalidInput(_("A revision is a number, such as 3."), field="revision")
    return int(said)


def _card_address(version: ModelVersion) -> str:
    """Return where the card is read; the version's page where there is no page of cards."""
    try:
        return reverse("modelcards:card", args=[version.model.reference, version.number])
    except NoReverseMatch:
        return reverse("registry:version-detail", args=[version.model.reference, version.number])
