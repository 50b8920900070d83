"""User names that nobody tells apart: refused where names are made. Names that are there already stay as they are."""

import unicodedata

from django.db.models import Q
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.errors import Conflict, InvalidInput

EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC"})  # written together
# Small letters that are drawn as Latin ones, in scripts of which a whole name can be written in such letters alone.
LATIN = "aceijlopsxyhdqw"
CYRILLIC = "асеіјӏорѕхуһԁԛԝ"
LATIN_AS_GREEK = "aiouvpk"
GREEK = "αιουνρκ"
READINGS = tuple(
    str.maketrans(written, read)
    for latin, other in ((LATIN, CYRILLIC), (LATIN_AS_GREEK, GREEK))
    for written, read in ((other, latin), (latin, other))
)


def check_free(username: str) -> None:
    """Refuse a new user name that can be taken for another one, or is somebody's. Raises InvalidInput and Conflict."""
    check_written(username)
    if (known := taken(username)) is not None:
        message = _("There is a person of this user name already (%(username)s). Choose another.")
        raise Conflict(message % {"username": known}, field="username")


def check_written(username: str) -> None:
    """Refuse letters of several scripts, and characters that only look like others. Raises InvalidInput (username)."""
    if unicodedata.normalize("NFKC", username) != username:
        message = _("This user name has characters that stand for others, such as wide letters. Type plain ones.")
        raise InvalidInput(message, field="username")
    found = scripts(username)
    if len(found) > 1:
        message = _(
            "This user name mixes letters of several scripts (%(scripts)s), so that it can look like another one. "
            "Write it in one."
        )
        named = ", ".join(script.capitalize() for script in sorted(found))
        raise InvalidInput(message % {"scripts": named}, field="username")


def scripts(text: str) -> set[str]:
    """Return the scripts of the letters and digits of a text; digits from 0 to 9 go with every script."""
    return {_script(char) for char in text if char.isalnum() and not (char.isascii() and char.isdigit())}


def taken(username: str) -> str | None:
    """Return the user name that is there and is this one, in whatever capitals, or in letters that look the same."""
    same = Q()
    for reading in _readings(username):
        same |= Q(username__iexact=reading)
        # SQLite knows the capitals of ASCII alone.
        same |= Q(username__in={reading.lower(), reading.upper(), reading.capitalize(), reading.title()})
    return User.objects.filter(same).order_by("pk").values_list("username", flat=True).first()


def _readings(username: str) -> set[str]:
    """Return the name, and what it can be read as in another script where all of its letters are drawn as there."""
    small = username.lower()
    read = {small.translate(table) for table in READINGS}
    return {username} | {text for text in read if len(scripts(text)) < 2}


def _script(char: str) -> str:
    word = unicodedata.name(char, "OTHER").split()[0].split("-")[0]
    return "EAST ASIAN" if word in EAST_ASIAN else word
