"""The badge of a card: a small picture that other pages show, with completeness and stage. Pure."""

import unicodedata
from html import escape

HEIGHT, PADDING, LETTER = 20, 6, 6.5  # of eleven-pixel letters of whichever sans-serif the reader has
COLOURS = {"good": "#2f7d4f", "middling": "#8a6100", "poor": "#a5312d", "none": "#5f6b7a"}  # white on them: 4.5:1
LABEL_COLOUR = "#3c4451"


def badge(label: str, message: str, tone: str) -> str:
    """Return an SVG of two words. `tone` is a key of COLOURS. Both texts are escaped."""
    left, right = width_of(label), width_of(message)
    whole, said = left + right, escape(f"{label}: {message}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{HEIGHT}" role="img" aria-label="{said}">'
        f"<title>{said}</title>"
        f'<clipPath id="r"><rect width="{whole}" height="{HEIGHT}" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="{HEIGHT}" fill="{LABEL_COLOUR}"/>'
        f'<rect x="{left}" width="{right}" height="{HEIGHT}" fill="{COLOURS[tone]}"/></g>'
        f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{_text(label, 0, left)}{_text(message, left, right)}</g></svg>"
    )


def tone_of(percent: int) -> str:
    """Return the tone of a completeness."""
    return "good" if percent == 100 else "middling" if percent >= 60 else "poor"


def width_of(text: str) -> int:
    """Return how wide a text stands with its padding, in pixels; wide letters count twice."""
    letters = sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
    return round(letters * LETTER) + 2 * PADDING


def _text(text: str, start: int, width: int) -> str:
    length = width - 2 * PADDING
    return f'<text x="{start + width / 2:g}" y="14" textLength="{length}">{escape(text)}</text>'
