"""Comments on a version."""

from apps.accounts import scopes
from apps.approvals import commenting
from apps.gateway.callers import Caller
from apps.gateway.canonical import Answer, Call
from apps.gateway.databricks import fields, shapes
from apps.gateway.enforcement import guards


@guards("databricks.comment.create")
def create(call: Call, who: Caller) -> Answer | None:
    """Comment on a version."""
    version = fields.version(call, who, scopes.WRITE)
    row = commenting.comment(version.pk, call.text("comment"), by=who.user)
    return {"comment": shapes.comment(row, who.user)}


@guards("databricks.comment.update")
def update(call: Call, who: Caller) -> Answer | None:
    """Change a comment of one's own."""
    who.needs(scopes.WRITE)
    row = commenting.change(fields.key(call), call.text("comment"), by=who.user)
    return {"comment": shapes.comment(row, who.user)}


@guards("databricks.comment.delete")
def delete(call: Call, who: Caller) -> Answer | None:
    """Remove a comment of one's own."""
    who.needs(scopes.WRITE)
    commenting.remove(fields.key(call), by=who.user)
    return {}
