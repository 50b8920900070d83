"""What of an approved card stands in MLflow: a marked block in the description, and tags. Pure.

The block is Assent's, all around it is people's. Whoever removes the markers has made the text theirs: a new block is
added beside it.
"""

import re
from dataclasses import dataclass

BEGIN, END = "<!-- assent:card -->", "<!-- /assent:card -->"
_BLOCK = re.compile(rf"{re.escape(BEGIN)}(?:(?!{re.escape(BEGIN)}).)*?{re.escape(END)}", re.DOTALL)
MOST = 300  # characters of the intended use
LONGEST = 5_000  # characters of a description, which MLflow takes
TAG, TAG_DIGEST, TAG_URL = "assent.card", "assent.card_digest", "assent.card_url"


@dataclass(frozen=True)
class Summary:
    """An approved card in short. `approved_on` is a day, ISO 8601; `url` is empty where nobody said where Assent is."""

    revision: int
    digest: str
    approved_by: str
    approved_on: str
    intended_use: str
    url: str


def tags_of(summary: Summary) -> dict[str, str]:
    """Return the tags of the version by which programs find the card."""
    tags = {TAG: f"approved, revision {summary.revision}", TAG_DIGEST: summary.digest}
    return tags | ({TAG_URL: summary.url} if summary.url else {})


def described(text: str, summary: Summary) -> str:
    """Return a description with the block of this card, in place of the one before, else after what people wrote.

    It stays as it is where it would be longer than MLflow takes.
    """
    block = block_of(summary)
    found = _BLOCK.sub(lambda _match: block, text, count=1)
    if not _BLOCK.search(text):
        found = f"{text.rstrip()}\n\n{block}" if text.strip() else block
    return found if len(found) <= LONGEST else text


def without_block(text: str) -> str:
    """Return what people wrote of a description."""
    return _BLOCK.sub("", text).strip()


def block_of(summary: Summary) -> str:
    """Return the block, in Markdown."""
    use = _quiet(summary.intended_use)
    use = use if len(use) <= MOST else f"{use[:MOST].rstrip()}…"
    head = (
        f"Model card, revision {summary.revision}, approved by {_quiet(summary.approved_by)} on {summary.approved_on}."
    )
    lines = [head, *([f"Intended use: {use}"] if use else [])]
    lines += [f"[Read the card]({summary.url})"] if summary.url else []
    return "\n\n".join([BEGIN, *lines, END])


def _quiet(text: str) -> str:
    """Return text on one line that opens and closes no comment: a card cannot end its own block."""
    return " ".join(text.split()).replace("<!--", "&lt;!--").replace("-->", "--&gt;")
