"""How a pipeline asks the gate about a version, to copy from its page."""

import shlex
from typing import Any

from django import template
from django.http import HttpRequest
from django.templatetags.static import static

from apps.registry.models import ModelVersion, Stage

register = template.Library()


@register.inclusion_tag("approvals/gate/_use_in_ci.html", takes_context=True)
def use_in_ci(context: dict[str, Any], version: ModelVersion) -> dict[str, Any]:
    """Show the lines that ask whether a version may be used; nothing for one that MLflow no longer has."""
    if version.deleted_at or version.model.deleted_at:
        return {"code": ""}
    return {"code": _lines(context["request"], version)}


def _lines(request: HttpRequest, version: ModelVersion) -> str:
    here = request.build_absolute_uri("/").rstrip("/")
    name = shlex.quote(version.model.reference)
    return "\n".join(
        [
            f"curl -fsSO {request.build_absolute_uri(static('cli/assent.py'))}",
            f"python3 assent.py gate --url {here} \\",
            f"  --model {name} --version {version.number} --target {Stage.PRODUCTION.value}",
        ]
    )
