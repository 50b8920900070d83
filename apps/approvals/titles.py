"""What a request is about, as people say it: the title of its page, the move in a row, the words of its timeline."""

from django.utils.translation import gettext as _

from apps.approvals.models import ApprovalRequest, RequestKind
from apps.registry.models import Stage


def title_of(asked: ApprovalRequest) -> str:
    """Return a request as one phrase: "Promote churn v3 → Production", "Point @champion of churn to v3"."""
    names = {"version": str(asked.version), "model": asked.version.model.reference, "number": asked.version.number,
             "stage": asked.get_to_stage_display(), "alias": asked.alias}  # fmt: skip
    if asked.kind == RequestKind.ROLLBACK:
        where = f"@{asked.alias}" if asked.alias else names["stage"]
        return _("Roll %(model)s back to v%(number)s in %(where)s") % {**names, "where": where}
    if asked.alias:
        return _("Point @%(alias)s of %(model)s to v%(number)s") % names
    if asked.to_stage == Stage.ARCHIVED:
        return _("Archive %(version)s") % names
    if asked.to_stage == Stage.NONE:
        return _("Take %(version)s out of its stage") % names
    return _("Promote %(version)s → %(stage)s") % names


def target_of(asked: ApprovalRequest) -> str:
    """Return where a request moves its version to, in the reader's language: "Production", "@champion"."""
    return f"@{asked.alias}" if asked.alias else str(asked.get_to_stage_display())


def start_of(asked: ApprovalRequest) -> str:
    """Return where the move starts: a stage, the version that the alias points to, or nothing."""
    if not asked.alias:
        return str(asked.get_from_stage_display())
    return f"v{asked.from_number}" if asked.from_number else _("nothing")
