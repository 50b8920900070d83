"""Two texts, word by word: what stayed, what went, what came. Pure, and bounded in time whatever the texts are.

Myers' shortest edit script, with an end: difflib's matcher takes minutes for texts of a few words repeated in another
order. Where the effort runs out, lines are compared in place of words, and then the texts as a whole: coarser, never
wrong.
"""

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

SAME, REMOVED, ADDED = "same", "removed", "added"
STEPS = 300_000  # of one text: about a tenth of a second
# A word, a sign of a script that puts no space between words, a run of space, or a mark by itself.
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # Thai, kana, Han
_TOKENS = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|\s+|.", re.DOTALL)
Script = list[tuple[str, int, int]]  # (SAME, place in before, place in after), (REMOVED, …, …), (ADDED, …, …)


@dataclass(frozen=True)
class Piece:
    """A run of text that is the same in both, was removed, or was added."""

    change: str
    text: str


class Effort:
    """How many steps a comparison may still take; several texts may share one."""

    def __init__(self, steps: int = STEPS) -> None:
        self.left = steps

    def spend(self, steps: int) -> bool:
        """Take some steps. Returns whether there were as many."""
        self.left -= steps
        return self.left >= 0


def compared(before: str, after: str, effort: Effort | None = None) -> list[Piece]:
    """Return the pieces of two texts in order: joined without the added ones they are `before`, and the other way."""
    effort = effort or Effort()
    for split in (_words, _lines):
        share = Effort(min(STEPS, max(effort.left, 0)))
        had = share.left
        old, new = split(before), split(after)
        script = aligned(old, new, share)
        effort.spend(had - max(share.left, 0))
        if script is not None:
            return _pieces(script, old, new)
    return [Piece(change, text) for change, text in ((REMOVED, before), (ADDED, after)) if text]


def aligned(before: Sequence[Hashable], after: Sequence[Hashable], effort: Effort) -> Script | None:
    """Return the shortest way from one sequence to the other; None where it takes more steps than there are."""
    first = 0
    while first < min(len(before), len(after)) and before[first] == after[first]:
        first += 1
    last = 0
    while last < min(len(before), len(after)) - first and before[-1 - last] == after[-1 - last]:
        last += 1
    middle = _shortest(before[first : len(before) - last], after[first : len(after) - last], effort)
    if middle is None:
        return None
    same = [(SAME, place, place) for place in range(first)]
    ends = [(SAME, len(before) - place, len(after) - place) for place in range(last, 0, -1)]
    return [*same, *((change, old + first, new + first) for change, old, new in middle), *ends]


def _shortest(before: Sequence[Hashable], after: Sequence[Hashable], effort: Effort) -> Script | None:
    """Myers 1986: `reached[k]` is how far the diagonal k (old place minus new place) is after as many changes."""
    reached, trace = {1: 0}, []
    for changes in range(len(before) + len(after) + 1):
        trace.append(dict(reached))
        if not effort.spend(len(reached)):
            return None
        for k in range(-changes, changes + 1, 2):
            down = k == -changes or (k != changes and reached[k - 1] < reached[k + 1])
            start = old = reached[k + 1] if down else reached[k - 1] + 1
            while old < len(before) and old - k < len(after) and before[old] == after[old - k]:
                old += 1
            reached[k] = old
            if not effort.spend(1 + old - start):
                return None
            if old >= len(before) and old - k >= len(after):
                return _traced(trace, len(before), len(after))
    return []


def _traced(trace: list[dict[int, int]], old: int, new: int) -> Script:
    found: Script = []
    for changes in range(len(trace) - 1, -1, -1):
        reached, k = trace[changes], old - new
        down = k == -changes or (k != changes and reached[k - 1] < reached[k + 1])
        from_k = k + 1 if down else k - 1
        from_old = reached[from_k] if changes else 0
        from_new = from_old - from_k if changes else 0
        while old > from_old and new > from_new:
            old, new = old - 1, new - 1
            found.append((SAME, old, new))
        if changes:
            found.append((ADDED, old, new - 1) if down else (REMOVED, old - 1, new))
            old, new = from_old, from_new
    return found[::-1]


def _pieces(script: Script, before: list[str], after: list[str]) -> list[Piece]:
    """Join neighbours; of what was replaced, all that went stands before all that came."""
    found: list[Piece] = []
    gone, come, same = "", "", ""
    for change, old, new in [*script, (SAME, -1, -1)]:
        if change == REMOVED:
            gone += before[old]
        elif change == ADDED:
            come += after[new]
        if change != SAME and same:
            found.append(Piece(SAME, same))
            same = ""
        elif change == SAME:
            found += [Piece(kind, text) for kind, text in ((REMOVED, gone), (ADDED, come)) if text]
            gone = come = ""
            same += before[old] if old >= 0 else ""
    return _readable(found + ([Piece(SAME, same)] if same else []))


def _readable(pieces: list[Piece]) -> list[Piece]:
    """Let a space between two changes belong to them: "one two" → "three four" is one change, not two."""
    merged: list[Piece] = []
    lone = {
        place for place, piece in enumerate(pieces)
        if piece.change == SAME and piece.text.isspace() and 0 < place < len(pieces) - 1
    }  # fmt: skip
    gone = come = ""
    for place, piece in enumerate([*pieces, Piece(SAME, "")]):
        if place in lone or piece.change != SAME:
            gone += piece.text if piece.change != ADDED else ""
            come += piece.text if piece.change != REMOVED else ""
            continue
        merged += [Piece(kind, text) for kind, text in ((REMOVED, gone), (ADDED, come)) if text]
        gone = come = ""
        merged += [piece] if piece.text else []
    return merged


def _words(text: str) -> list[str]:
    return _TOKENS.findall(text)


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
