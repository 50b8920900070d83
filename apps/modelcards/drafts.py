"""What somebody types and has not saved yet, kept so that a closed tab loses nothing. It is nobody else's to see."""

from typing import Any

from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.errors import InvalidInput, NotAllowed
from apps.masking import masked
from apps.modelcards import services
from apps.modelcards.models import CardDraft
from apps.modelcards.schema.sections import Section
from apps.registry.models import ModelVersion
from apps.registry.queries import get_version

MAX_CHARACTERS = 1_000_000  # of all that was typed into a section
Posted = dict[str, list[str]]


def keep(reference: str, number: int, section: str, posted: Posted, *, base: int, by: User) -> CardDraft:
    """Keep what was typed, in place of what was kept of this person and section before. No event: nothing is decided.

    Raises NotVisible, NotAllowed without `model:write`, and InvalidInput.
    """
    version = get_version(by, reference, number)
    if not grants.allows(by, services.NEEDED, version.model):
        raise NotAllowed(_("Writing a card needs the permission to write on this model. Ask an admin for a role."))
    if section not in set(Section):
        raise InvalidInput(_("A card has no such section."), field="section")
    if sum(len(text) for texts in posted.values() for text in texts) > MAX_CHARACTERS:
        raise InvalidInput(_("This is too long to be kept as a draft. Shorten it, or save a part."), field="section")
    plain = masked({name: [text.replace("\x00", "") for text in texts] for name, texts in posted.items()})
    values: dict[str, Any] = {"posted": plain, "base": base}
    return CardDraft.objects.update_or_create(version=version, person=by, section=section, defaults=values)[0]


def of(version: ModelVersion, section: str, by: User) -> CardDraft | None:
    """Return what this person typed into a section and did not save."""
    return CardDraft.objects.filter(version=version, person=by, section=section).first()


def sections_of(version: ModelVersion, by: User) -> set[str]:
    """Return the sections in which this person has something unsaved."""
    return set(CardDraft.objects.filter(version=version, person=by).values_list("section", flat=True))


def drop(version: ModelVersion, section: str, by: User) -> None:
    """Forget what was typed: it was saved, or the person does not want it."""
    CardDraft.objects.filter(version=version, person=by, section=section).delete()
