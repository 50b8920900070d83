"""The pages on which a card is written: parse, call the service, redirect. Every rule is the services'."""

from collections.abc import Mapping
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.errors import DomainError, NotAllowed, NotVisible
from apps.modelcards import drafts
from apps.modelcards.editing import buttons, page, posting, saving
from apps.modelcards.editing.board import Board, load, section_named
from apps.modelcards.editing.cells import Cells
from apps.modelcards.editing.page import Sent
from apps.modelcards.schema.fields import BY_NAME
from apps.modelcards.schema.sections import Section

SAVES = ("save", "next", "confirm", "agree")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, name: str, number: int, section: str) -> HttpResponse:
    """One section of a card: its form, with what was typed before and not saved."""
    board, of = load(name, number, cast(User, request.user)), section_named(section)
    if request.method == "POST":
        return _press(request, board, of)
    draft = drafts.of(board.version, of, board.by)
    if draft is None:
        return _page(request, board, of, Sent(board.card.number))
    typed = posting.typed_of(draft.posted, of)
    return _page(request, board, of, _on_top(board, Sent(draft.base, typed, draft=draft)))


@login_required
@require_POST
def draft(request: HttpRequest, name: str, number: int, section: str) -> HttpResponse:
    """Keep what is in the form, as the page asks every few seconds; the answer is a sentence for its status line."""
    board, of = load(name, number, cast(User, request.user)), section_named(section)
    return HttpResponse(_keep(request, board, of), content_type="text/plain; charset=utf-8")


def _press(request: HttpRequest, board: Board, section: Section) -> HttpResponse:
    """Do what the button says."""
    button = posting.button_of(request.POST)
    typed = posting.typed_of(posting.lists_of(request.POST), section)
    base = posting.base_of(request.POST)
    if button.verb in SAVES:
        if button.verb == "agree" and button.field in typed:
            typed[button.field].marks["agree"] = "1"
        return _save(request, board, section, typed, base, button.verb)
    if button.verb == "keep":
        messages.info(request, _keep(request, board, section))
        return redirect(_address(board, section))
    if button.verb == "discard":
        drafts.drop(board.version, section, board.by)
        messages.info(request, _("What you had typed is discarded. This is what the card says."))
        return redirect(_address(board, section))
    after = buttons.pressed(board, section, typed, button)
    previews = after.previews or {}
    if request.headers.get("HX-Request") and button.field in previews:
        return render(request, "modelcards/_edit_preview.html", {"known": BY_NAME[button.field],
                                                                "preview": previews[button.field]})  # fmt: skip
    sent = Sent(base, after.typed, focus=after.focus, previews=previews)
    return _page(request, board, section, _on_top(board, sent))


def _save(
    request: HttpRequest, board: Board, section: Section, typed: dict[str, Cells], base: int, verb: str
) -> HttpResponse:
    told = saving.save(board, typed, base=base, everything=verb == "confirm")
    if told.row is None:
        kept = _kept(told.board, section, typed, base)
        error = told.error.message if told.error else ""
        sent = Sent(base, typed, told.wrong, told.conflicts, error, kept=kept)
        return _page(request, told.board, section, _on_top(told.board, sent), status=told.status)
    drafts.drop(board.version, section, board.by)
    _tell(request, told)
    order = list(Section)
    place = order.index(section) + (verb == "next")
    return redirect(_address(board, order[min(place, len(order) - 1)]))


def _tell(request: HttpRequest, told: saving.Told) -> None:
    """Say what was saved, and on top of what."""
    if told.row is None or told.row.number == told.board.card.number:
        messages.info(request, _("Nothing was changed, so there is no new revision."))
        return
    messages.success(request, _("Saved as revision %(number)s.") % {"number": told.row.number})
    for row in told.others[-5:]:
        message = _("%(who)s saved revision %(number)s meanwhile; your changes stand on top of it.")
        messages.info(request, message % {"who": row.author.get_username(), "number": row.number})


def _on_top(board: Board, sent: Sent) -> Sent:
    """Return the form as it goes on from the newest revision: what was typed stays, the rest is as it is now.

    A revision that the card does not have counts as the newest.
    """
    try:
        mine, conflicts = saving.standing(board, sent.typed, sent.base)
    except DomainError as error:
        sent.error, sent.base = sent.error or error.message, board.card.number
        return sent
    if sent.base != board.card.number:
        sent.conflicts = conflicts
        touched = {*mine.touched, *sent.wrong, *sent.previews}
        marked = {name for name, cells in sent.typed.items() if cells.mark("was")}
        sent.typed = {name: cells for name, cells in sent.typed.items() if name in touched | marked}
    return sent


def _page(request: HttpRequest, board: Board, section: Section, sent: Sent, *, status: int = 200) -> HttpResponse:
    was = {name: int(cells.mark("was")) for name, cells in sent.typed.items() if _is_revision(board, cells)}
    was |= {name: was.get(name, sent.base) for name in sent.conflicts}
    context = page.context(board, section, sent, was)
    return render(request, "modelcards/edit.html", context, status=status)


def _is_revision(board: Board, cells: Cells) -> bool:
    text = cells.mark("was")
    return text.isascii() and text.isdecimal() and len(text) < 10 and 0 < int(text) <= board.card.number


def _keep(request: HttpRequest, board: Board, section: Section) -> str:
    """Keep the form as a draft, or none where nothing in it differs from the card. Returns what to say."""
    typed = posting.typed_of(posting.lists_of(request.POST), section)
    base = posting.base_of(request.POST)
    mine, _conflicts = saving.standing(board, typed, base)
    if not mine.touched:
        drafts.drop(board.version, section, board.by)
        return _("Nothing to keep: this is what the card says.")
    row = posting.keep(board, section, typed, base)
    return _("Kept as your draft at %(time)s UTC.") % {"time": timezone.localtime(row.updated_at).strftime("%H:%M")}


def _kept(board: Board, section: Section, typed: Mapping[str, Cells], base: int) -> bool:
    """Keep what could not be saved; returns whether that went well."""
    try:
        posting.keep(board, section, typed, base or board.card.number)
    except (NotVisible, NotAllowed):
        raise
    except DomainError:
        return False
    return True


def _address(board: Board, section: Section) -> str:
    return reverse("modelcards:edit", args=[board.version.model.reference, board.version.number, section])
