"""What the calls of Databricks' registry have in common: a model, a version, an id."""

from django.utils.translation import gettext as _

from apps.accounts import scopes
from apps.errors import InvalidInput, NotVisible
from apps.gateway import registry
from apps.gateway.callers import Caller
from apps.gateway.canonical import Call
from apps.registry.models import ModelVersion, RegisteredModel


def model(call: Call, who: Caller, scope: str = scopes.READ) -> RegisteredModel:
    """Return the model that a call names. Raises NotAllowed (the token's scope) and NotVisible."""
    who.needs(scope)
    call.about = call.text("name")
    found = registry.visible_model(call.about, who)
    call.model_id = found.pk
    return found


def version(call: Call, who: Caller, scope: str = scopes.READ) -> ModelVersion:
    """Return the version that a call names. Raises NotAllowed (the token's scope), NotVisible and InvalidInput."""
    of, number = model(call, who, scope), call.number("version")
    call.about = f"{of.name} v{number}"
    return registry.visible_version(of, number, who)


def key(call: Call) -> int:
    """Return the id of a row of ours, a number written as text. Raises NotVisible for what can be none."""
    text = call.text("id")
    call.about = f"id {text[:40]}"
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotVisible(_("There is nothing with the id %(id)s.") % {"id": text[:40]})
    return int(text)


def flag(call: Call, name: str) -> bool | None:
    """Return a truth value, None where it is missing. Raises InvalidInput for anything else."""
    value = call.params.get(name)
    if value is None or isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise InvalidInput(_("“%(field)s” must be true or false.") % {"field": name}, field=name)


def most(call: Call, default: int, highest: int) -> int:
    """Return how many rows an answer may have at most. Raises InvalidInput."""
    if "max_results" not in call.params:
        return default
    wanted = call.number("max_results")
    if not 1 <= wanted <= highest:
        message = _("“max_results” must be a number from 1 to %(most)s.")
        raise InvalidInput(message % {"most": highest}, field="max_results")
    return wanted


def after(call: Call) -> int:
    """Return the key after which a page begins; 0 for the first page. Raises InvalidInput for a token of others."""
    text = call.text("page_token", needed=False)
    if text and not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InvalidInput(_("This page token is none of ours. Begin without one."), field="page_token")
    return int(text or 0)
