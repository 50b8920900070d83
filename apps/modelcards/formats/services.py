"""Cards as files: one handed out, and one brought in, in two steps. What comes is shown before anything is saved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.errors import InvalidInput, NotAllowed, NotVisible, WrongState
from apps.modelcards import content as cards
from apps.modelcards import facts, queries, services
from apps.modelcards.content import CardRefused
from apps.modelcards.formats import forms, importing
from apps.modelcards.formats.about import About
from apps.modelcards.formats.base import Loss, Taken
from apps.modelcards.formats.headings import ENGLISH
from apps.modelcards.formats.importing import Row
from apps.modelcards.models import Card, CardRevision, CardState, Cause
from apps.modelcards.schema.fields import Field
from apps.registry.models import ModelVersion
from apps.registry.queries import get_version

SALT = "modelcards.import"
MAX_AGE = 24 * 60 * 60  # seconds from the preview to the save
MOST_LOSSES = 200  # that a preview lists


@dataclass(frozen=True)
class Preview:
    """What an import would change. `sealed` is what was read, signed, for the save; `base` the revision it is about."""

    base: int
    rows: list[Row]
    same: list[Field]
    losses: list[Loss]
    more_losses: int
    sealed: str


@dataclass(frozen=True)
class File:
    """A card as a file."""

    body: bytes
    content_type: str
    name: str


def exported(reference: str, number: int, form: str, *, by: Any, revision: int | None = None,
             language: str = ENGLISH) -> File:  # fmt: skip
    """Return a revision of a card, the newest without a number, in a form of forms.EXPORTS.

    Raises NotVisible, also for a form that there is not.
    """
    card = queries.get_card(by, reference, number)
    if form not in forms.EXPORTS:
        known = ", ".join(forms.EXPORTS)
        raise NotVisible(_("A card is not written in that form. There are: %(forms)s.") % {"forms": known})
    row = queries.revision(card, revision)
    body = forms.written(form, queries.content_of(row), about(card, row), language)
    export = forms.EXPORTS[form]
    return File(body, export.content_type, file_name(card.version, row.number, export.ending))


def about(card: Card, row: CardRevision) -> About:
    """Return what an export says of where a card comes from. The state is that of the newest revision alone."""
    version = card.version
    return About(
        model=version.model.reference, version=version.number, revision=row.number,
        state=card.state if row.number == card.number else "", author=row.author.get_username(),
        made_at=f"{row.created_at:%Y-%m-%dT%H:%M:%SZ}", requirements=tuple(version.requirements or ()),
    )  # fmt: skip


def file_name(version: ModelVersion, revision: int, ending: str) -> str:
    """Return a file's name of letters, digits and .-_ alone, whatever the model is called."""
    plain = "".join(
        sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "_" for sign in version.model.name
    )
    return f"card-{plain.strip('._-')[:80] or 'model'}-v{version.number}-r{revision}.{ending}"


def importable(reference: str, number: int, *, by: User) -> tuple[ModelVersion, Card | None]:
    """Return the version and card that somebody may import into; None while there is no card.

    Raises NotVisible, NotAllowed without `model:write`, and WrongState where a card can no longer change.
    """
    version = get_version(by, reference, number)
    if not grants.allows(by, services.NEEDED, version.model):
        raise NotAllowed(_("Importing a card needs the permission to write on this model. Ask an admin for a role."))
    if version.deleted_at or version.model.deleted_at:
        raise WrongState(_("This version was deleted in MLflow, so its card stays as it is."))
    card = queries.card_of(version)
    if card and card.state == CardState.ARCHIVED:
        raise WrongState(_("This card is archived. Take it out of the archive before you change it."))
    return version, card


def preview(reference: str, number: int, body: bytes, form: str, *, by: User) -> Preview:
    """Return what a file would change. Nothing is saved.

    Raises as `importable` and queries.get_card do, base.Unreadable, and CardRefused naming every field at fault.
    """
    importable(reference, number, by=by)
    return _preview(queries.get_card(by, reference, number), forms.read(body, form), by)


def again(reference: str, number: int, sealed: str, *, by: User) -> Preview:
    """Return a preview anew from what an earlier one sealed, against the card as it is now. Raises as `preview`."""
    version, _card = importable(reference, number, by=by)
    return _preview(queries.get_card(by, reference, number), _unsealed(sealed, version, by), by)


def apply(reference: str, number: int, sealed: str, ways: Mapping[str, str], reasons: Mapping[str, str], *, base: int,
          by: User, note: str = "") -> CardRevision:  # fmt: skip
    """Save what a person chose of a previewed import. `ways`, `reasons`: see importing.edit; unknown ones count not.

    Raises as services.save does, and InvalidInput for a preview that is not ours, not theirs, or too old.
    """
    version, _card = importable(reference, number, by=by)
    taken = _unsealed(sealed, version, by)
    newest = queries.content_of(queries.revision(queries.get_card(by, reference, number)))
    found = importing.rows(newest, taken.content, facts.facts_of(version))
    edit = importing.edit(found, ways, reasons)
    return services.save(reference, number, edit, base=base, by=by, cause=Cause.IMPORTED, note=note)


def _preview(card: Card, taken: Taken, by: User) -> Preview:
    row = queries.revision(card)
    now = queries.content_of(row)
    losses = [*taken.losses, *_states(taken)]
    sealed = signing.dumps(
        {
            "version": card.version_id, "person": by.pk, "card": cards.document(taken.content),
            "losses": [(loss.path, str(loss.why)) for loss in taken.losses[:MOST_LOSSES]],
        },
        salt=SALT, compress=True,
    )  # fmt: skip
    return Preview(
        base=row.number, rows=importing.rows(now, taken.content, facts.facts_of(card.version)),
        same=importing.same(now, taken.content), losses=losses[:MOST_LOSSES],
        more_losses=max(0, len(losses) - MOST_LOSSES), sealed=sealed,
    )  # fmt: skip


def _states(taken: Taken) -> list[Loss]:
    """Return, as one loss, that somebody confirmed fields elsewhere: that is not confirmed here."""
    said = [name for name, state in taken.content.states.items() if name in taken.content.values and state]
    why = _("Who confirmed a field, or overrode a fact, elsewhere has not done so here: %(fields)s.")
    return [Loss(cards.STATES, why % {"fields": ", ".join(said)})] if said else []


def _unsealed(sealed: str, version: ModelVersion, by: User) -> Taken:
    try:
        said = signing.loads(sealed, salt=SALT, max_age=MAX_AGE)
        if (said["version"], said["person"]) != (version.pk, by.pk):
            raise signing.BadSignature
        losses = tuple(Loss(path, why) for path, why in said["losses"])
        return Taken(cards.from_document(said["card"]), losses)
    except (signing.BadSignature, KeyError, TypeError, ValueError, CardRefused):
        message = _("This preview is not yours, or older than a day. Choose the file again.")
        raise InvalidInput(message, field="file") from None
