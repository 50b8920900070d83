"""Which votes fall when the evidence changes. Pure but for the reading of votes.

An approval was given on what it names. When that is no longer so, the policy says which approvals fall: all of them,
those about what changed, or none; a change of the artifact takes all of them in any case. An objection stays: it blocks
until whoever made it votes again, so that changing the evidence is no way around it.
"""

from typing import Any

from apps.approvals import evidence
from apps.approvals.evidence import Change
from apps.approvals.models import ApprovalRequest, Review, Scope, Staleness, Verdict

MET = ("pass", "waived", "not_applicable")
RANK = {**dict.fromkeys(MET, 0), "pending": 1}  # anything else is worse
WORST = 2


def weighty(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """Return the changes by which a vote can fall.

    Left out: a check that changed for the better or stayed as bad; a report that says the same of the same, as a
    pipeline's next run does; what is read for the first time of the same artifact; a list of files that could not be
    read; and fields that older evidence did not have at all.
    """
    return [change for change in evidence.changes(old, new) if not _harmless(change, old, new)]


def falling(request: ApprovalRequest, content: dict[str, Any]) -> list[int]:
    """Return the keys of the standing approvals that fall when `content` becomes the request's evidence.

    Each is compared with what it was given on: what changes in two steps, each harmless, is seen all the same.
    """
    approvals = request.reviews.filter(standing=True, verdict=Verdict.APPROVE).only("pk", "scopes", "evidence_digest")
    found: dict[str, set[Scope]] = {}
    for review in approvals:
        if review.evidence_digest not in found:
            signed = evidence.kept(request, review.evidence_digest)
            found[review.evidence_digest] = _scopes(request.evidence if signed is None else signed, content)
    return [review.pk for review in approvals if _falls(request, review, found[review.evidence_digest])]


def _scopes(old: dict[str, Any], new: dict[str, Any]) -> set[Scope]:
    return {evidence.scope_of(change.field) for change in weighty(old, new)}


def _falls(request: ApprovalRequest, review: Review, scopes: set[Scope]) -> bool:
    how = request.policy.staleness if request.policy else Staleness.ALL
    if not scopes or Scope.ARTIFACT in scopes or how == Staleness.ALL:
        return bool(scopes)
    if how == Staleness.NONE:
        return False
    return not review.scopes or not scopes.isdisjoint(review.scopes)


def _harmless(change: Change, old: dict[str, Any], new: dict[str, Any]) -> bool:
    part = change.field.partition(".")[0]
    if part == "bytes":  # a digest appears, changes or goes only when somebody writes the file through the door
        return not _rewritten(old, new)
    if part not in old:
        return True
    if part == "checks":
        return change.field == part or _rank(change.after) <= max(_rank(change.before), _heard_of(change.before))
    if part == "reports":
        return change.field == part or _says_no_worse(change.field, old[part], new.get(part) or {})
    if part == "environment":
        return old[part] is None and _same(old, new, "artifact")
    if part == "files":
        return _tells_nothing_new(old, new) or (old.get("environment") is None and _same(old, new, "artifact"))
    if part == "artifact":  # its digest counts the list of files in
        return _tells_nothing_new(old, new) and _same(old, new, "mlmodel", "requirements")
    return False


def _rewritten(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Return whether the digest of a file that was listed before is another now; other files are told by their list."""
    before, after = old.get("bytes") or {}, new.get("bytes") or {}
    return any(before.get(path) != after.get(path) for path in old.get("files") or ())


def _tells_nothing_new(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Return whether the lists of files agree as far as both go.

    A list that is not there proves nothing; one that looks into folders whose content the earlier one did not list
    agrees with it where the rest is the same.
    """
    before, after = old.get("files"), new.get("files")
    if before is None or after is None:
        return True
    unopened = tuple(path for path in before if path.endswith("/") and not any(_inside(path, name) for name in before))
    return before == {name: size for name, size in after.items() if not any(_inside(path, name) for path in unopened)}


def _inside(folder: str, path: str) -> bool:
    return path != folder and path.startswith(folder)


def _same(old: dict[str, Any], new: dict[str, Any], *parts: str) -> bool:
    return all(old.get(part) == new.get(part) for part in parts)


def _says_no_worse(field: str, old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Return whether a field of a report, "reports.external:scan.detail", can be another and take no vote with it.

    A report that is better, or of a check that has not ended, takes none. One that is as good, or as bad, is the same
    only when it found the same of the same, and the same person vouches for it. Its link is that of the run, which is
    another each time: a pass is none the less the same, while a failure may be told from another by its link alone.
    """
    name, _dot, about = field.partition(".")[2].rpartition(".")
    before, after = old.get(name), new.get(name)
    if after is None:
        return True  # its outcome is gone from the checks
    was, is_now = _rank(before["outcome"] if before else "pending"), _rank(after["outcome"])
    if is_now != was:
        return is_now < was
    return is_now == RANK["pending"] or (about == "link" and is_now == RANK["pass"])


def _heard_of(before: Any) -> int:
    """A pipeline that begins to report a check which nobody had asked for makes nothing worse."""
    return RANK["pending"] if before is None else 0


def _rank(outcome: Any) -> int:
    """Return how bad an outcome is; a check that is not there is no worse than one that passes."""
    return 0 if outcome is None else RANK.get(str(outcome), WORST)
