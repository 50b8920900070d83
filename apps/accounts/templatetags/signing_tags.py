"""The field that asks signers again who they are."""

from typing import Any

from django import template
from django.forms import BoundField
from django.template import Context

from apps.accounts.assurance import SignWith
from apps.accounts.proving import proof

register = template.Library()


@register.inclusion_tag("components/proof.html", takes_context=True)
def prove(
    context: Context, asks: SignWith, id: str = "password", error: Any = None, field: BoundField | None = None
) -> dict[str, Any]:
    """Ask who signs again, as `asks` says, and show why it was refused: `error`, or the errors of a form's `field`."""
    request: Any = context.request  # type: ignore[attr-defined]
    message = error.message if error and error.field == "password" else ""
    if field is not None:
        id, message = field.auto_id, " ".join(map(str, field.errors))
    # Where a refused form was sent to shows nothing to whoever comes back: its page says which address does.
    here = context.get("sign_at") or (request.get_full_path() if request.method == "GET" else request.path)
    return {"proof": proof(request, asks), "id": id, "hint": field is None, "message": message, "here": here}
