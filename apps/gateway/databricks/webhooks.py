"""Registry webhooks: Databricks' words for outgoing webhooks of ours. Payload and signature stay ours."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts import scopes
from apps.audit.actions import Action
from apps.errors import InvalidInput
from apps.gateway import registry
from apps.gateway.callers import Caller
from apps.gateway.canonical import Answer, Call
from apps.gateway.databricks import fields, shapes
from apps.gateway.enforcement import guards
from apps.notifications import endpoints, queries
from apps.notifications.models import Endpoint
from apps.notifications.queueing import model_references, wants

# Events of Databricks, and what of the trail is sent for them.
TO_STAGE = {"STAGING": "Staging", "PRODUCTION": "Production", "ARCHIVED": "Archived"}
EVENTS: dict[str, str] = {
    "REGISTERED_MODEL_CREATED": Action.MODEL_MIRRORED.value,
    "MODEL_VERSION_CREATED": Action.VERSION_MIRRORED.value,
    "MODEL_VERSION_TRANSITIONED_STAGE": Action.VERSION_STAGE_CHANGED.value,
    "TRANSITION_REQUEST_CREATED": Action.REQUEST_OPENED.value,
    "COMMENT_CREATED": Action.VERSION_COMMENTED.value,
    "MODEL_VERSION_TAG_SET": f"{Action.VERSION_CHANGED.value}:tags",
    **{
        f"MODEL_VERSION_TRANSITIONED_TO_{name}": f"{Action.VERSION_STAGE_CHANGED.value}:{stage}"
        for name, stage in TO_STAGE.items()
    },
    **{
        f"TRANSITION_REQUEST_TO_{name}_CREATED": f"{Action.REQUEST_OPENED.value}:{stage}"
        for name, stage in TO_STAGE.items()
    },
}
OF_REGISTRY = "REGISTERED_MODEL_CREATED"  # for webhooks without a model alone
ACTIVE, DISABLED, TEST_MODE = "ACTIVE", "DISABLED", "TEST_MODE"
PAGE = 100


@guards("databricks.webhook.create")
def create(call: Call, who: Caller) -> Answer | None:
    """Add a webhook. Its secret is made here, and told in this answer alone."""
    who.needs(scopes.ADMIN)
    model, wanted = call.text("model_name", needed=False), _actions(call)
    if not wanted:
        raise InvalidInput(_("“events” is missing: name what the webhook is to be told of."), field="events")
    if model and EVENTS[OF_REGISTRY] in wanted:
        message = _("%(event)s is for webhooks of the whole registry. Leave “model_name” out, or the event.")
        raise InvalidInput(message % {"event": OF_REGISTRY}, field="events")
    url, enabled, name = _url(call), _enabled(call), call.text("description", needed=False)
    if not url:
        raise InvalidInput(_("“http_url_spec” with an “url” is missing: where events are sent."), field="http_url_spec")
    made = endpoints.add_endpoint(
        by=who.user, name=name or f"registry webhook {uuid.uuid4().hex[:8]}", url=url, events=wanted,
        models=[model] if model else [],
    )  # fmt: skip
    endpoint = made.endpoint
    if enabled is False:
        endpoint = endpoints.change_endpoint(endpoint.pk, by=who.user, enabled=False)
    shown = _shape(endpoint, who)
    shown["http_url_spec"]["secret"] = made.secret
    return {"webhook": shown}


@guards("databricks.webhook.list")
def list_webhooks(call: Call, who: Caller) -> Answer | None:
    """Answer with the webhooks that are told of any of `events`, and of `model_name` where it is given."""
    who.needs(scopes.ADMIN)
    wanted, name, size = _actions(call), call.text("model_name", needed=False), fields.most(call, PAGE, PAGE)
    rows = queries.endpoints(who.user).filter(pk__gt=fields.after(call)).order_by("pk")
    of_model = {registry.visible_model(name, who).pk} if name else set()
    found = [row for row in rows if _matches(row, wanted, of_model)]
    more = {"next_page_token": str(found[size - 1].pk)} if len(found) > size else {}
    return {"webhooks": [_shape(row, who) for row in found[:size]], **more}


@guards("databricks.webhook.update")
def update(call: Call, who: Caller) -> Answer | None:
    """Change what is given of a webhook."""
    who.needs(scopes.ADMIN)
    number = fields.key(call)
    changes: dict[str, Any] = {
        "name": call.text("description", needed=False) or None,
        "events": _actions(call) or None,
        "url": _url(call) or None,
        "enabled": _enabled(call),
    }
    before = queries.get_endpoint(who.user, number)
    if before.model_ids and EVENTS[OF_REGISTRY] in (changes["events"] or ()):
        message = _("%(event)s is for webhooks of the whole registry, and this one is about a model.")
        raise InvalidInput(message % {"event": OF_REGISTRY}, field="events")
    return {"webhook": _shape(endpoints.change_endpoint(number, by=who.user, **changes), who)}


@guards("databricks.webhook.delete")
def delete(call: Call, who: Caller) -> Answer | None:
    """Remove a webhook."""
    who.needs(scopes.ADMIN)
    endpoints.remove_endpoint(fields.key(call), by=who.user)
    return {}


@guards("databricks.webhook.test")
def test(call: Call, who: Caller) -> Answer | None:
    """Send a test now; it is the same whatever `event` says."""
    who.needs(scopes.ADMIN)
    if event := call.text("event", needed=False):
        _action(event)
    result = endpoints.test_endpoint(fields.key(call), by=who.user)
    # The client reads `status_code`, the documentation shows `status`. Neither where the receiver did not answer.
    status = {} if result.status is None else {"status_code": result.status, "status": result.status}
    return {**status, "body": result.answer or result.error}


def _matches(endpoint: Endpoint, wanted: Iterable[str], models: set[int]) -> bool:
    told = not wanted or any(_is_told(endpoint, event) for event in wanted)
    return told and (not models or models <= set(endpoint.model_ids))


def _is_told(endpoint: Endpoint, event: str) -> bool:
    action, _colon, part = event.partition(":")
    return wants(endpoint, action, [part] if part else ())


def _is_said(endpoint: Endpoint, event: str) -> bool:
    """Whether an event is named of an endpoint: a part of what it is told of anyway is not."""
    action, colon, _part = event.partition(":")
    return _is_told(endpoint, event) and not (colon and wants(endpoint, action))


def _actions(call: Call) -> list[str]:
    """Return what the events of a call are in the trail. Raises InvalidInput for others."""
    return [_action(event) for event in call.texts("events")]


def _action(event: str) -> str:
    if event in EVENTS:
        return EVENTS[event]
    message = _("There is no event %(event)s. Use some of: %(events)s.")
    raise InvalidInput(message % {"event": event[:60], "events": ", ".join(EVENTS)}, field="events")


def _enabled(call: Call) -> bool | None:
    """Return whether it is to be sent to; None: nothing was said. A webhook can be tested while it is disabled."""
    status = call.text("status", needed=False)
    if status not in ("", ACTIVE, DISABLED, TEST_MODE):
        message = _("There is no such status. Use one of: %(names)s.")
        raise InvalidInput(message % {"names": f"{ACTIVE}, {DISABLED}, {TEST_MODE}"}, field="status")
    return status == ACTIVE if status else None


def _url(call: Call) -> str:
    """Return where to send to, empty where nothing is said. Raises InvalidInput for what a webhook of ours has not."""
    if call.params.get("job_spec") is not None:
        raise InvalidInput(_("Assent runs no jobs. Use “http_url_spec”."), field="job_spec")
    spec = call.params.get("http_url_spec")
    if spec is None:
        return ""
    if not isinstance(spec, dict) or not isinstance(spec.get("url", ""), str):
        raise InvalidInput(_("“http_url_spec” must be an object with a text “url”."), field="http_url_spec")
    _refuse_unkept(spec)
    return spec.get("url", "")


def _refuse_unkept(spec: dict[str, Any]) -> None:
    refusals = {
        "secret": _("Assent makes the secret itself, and tells it once in the answer. Leave “secret” out."),
        "authorization": _("Assent signs what it sends and sends no other credential. Leave “authorization” out."),
    }
    for name, sentence in refusals.items():
        if spec.get(name):
            raise InvalidInput(sentence, field=f"http_url_spec.{name}")
    if spec.get("enable_ssl_verification", True) is not True:
        message = _("Certificates are always verified. Leave “enable_ssl_verification” out.")
        raise InvalidInput(message, field="http_url_spec.enable_ssl_verification")


def _shape(row: Endpoint, who: Caller) -> dict[str, Any]:
    names = model_references(row.model_ids)
    of_model = {"model_name": ", ".join(names[key] for key in sorted(names))} if row.model_ids else {}
    return {
        "id": str(row.pk),
        "description": row.name,
        "events": [event for event, told in EVENTS.items() if _is_said(row, told)],
        "status": ACTIVE if row.enabled else DISABLED,
        "http_url_spec": {"url": row.url, "enable_ssl_verification": True},
        "creation_timestamp": shapes.stamp(row.created_at),
        **of_model,
    }
