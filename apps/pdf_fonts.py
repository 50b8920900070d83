"""Text of any alphabet as a PDF can show it without fonts of its own: Latin and Japanese as they are, else by number.

The Japanese font is named, not embedded, as PDF readers bring it along; a sign that neither font has is written as its
number, [U+1F989], so that nothing is lost or looks like something else. Pure.
"""

from functools import lru_cache
from itertools import groupby
from xml.sax.saxutils import escape

LATIN, BOLD, JAPANESE = "Helvetica", "Helvetica-Bold", "HeiseiKakuGo-W5"
REMEMBERED = 10_000  # signs of which is known which font has them
RANGES = ((0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xFF01, 0xFF9F))  # signs and kana, kanji, full and half width


def marked_up(text: str) -> str:
    """Return a text as the markup of a paragraph; every sign of markup in it is a sign like any other."""
    return "".join(_run(font, "".join(signs)) for font, signs in groupby(_plain(text), _font))


def _run(font: str, text: str) -> str:
    if font == JAPANESE:
        return f'<font name="{JAPANESE}">{escape(text)}</font>'
    return escape(text if font == LATIN else "".join(f"[U+{ord(sign):04X}]" for sign in text))


@lru_cache(maxsize=REMEMBERED)
def _font(sign: str) -> str:
    """Return the font that has a sign; empty: neither has."""
    if any(first <= ord(sign) <= last for first, last in RANGES):
        return JAPANESE
    return LATIN if sign.isprintable() and _latin(sign) else ""


def _latin(sign: str) -> bool:
    try:
        sign.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _plain(text: str) -> str:
    """Return the text on one line: line ends and tabs are spaces."""
    return " ".join(text.replace("\t", " ").splitlines())
