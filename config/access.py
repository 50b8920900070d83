"""The door at which accesses are noted: every denial, and reads that matter. apps/audit/access/ keeps them."""

import logging
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

from apps.approvals.models import ApprovalRequest, Condition, DriftFinding, RequestState, VersionComment
from apps.audit.access.parts import Refused, collecting
from apps.audit.access.services import Asked, note
from apps.audit.actions import AccessOutcome
from apps.audit.models import AuditEvent
from apps.registry.connections import named
from apps.registry.models import ModelVersion, RegisteredModel
from apps.registry.queries import visible_model_ids

logger = logging.getLogger(__name__)
DENIED = (401, 403, 404, 429)
READ = (200, 206)
# Reads that matter besides files, which say so themselves (Content-Disposition: attachment).
REPORTS = {
    "api:as-of", "approvals:as-of", "api:model-report", "approvals:model-report",
    "api:event-list", "api:access-list", "tables:rows", "tables:row",
}  # fmt: skip
# The first word of an address's name → what its number is called, where it leads to a model. A draft leads nowhere:
# nobody but its writer is to learn of it.
SUBMITTED = ApprovalRequest.objects.exclude(state=RequestState.DRAFT)
OF_REQUEST = ("request", SUBMITTED, "version__model_id")
MODEL_OF: dict[str, tuple[str, QuerySet[Any], str]] = {
    **dict.fromkeys(("request", "review", "check", "waiver", "bypass", "after", "recertify"), OF_REQUEST),
    "comment": ("comment", VersionComment.objects.all(), "version__model_id"),
    "condition": ("condition", Condition.objects.all(), "review__request__version__model_id"),
    "drift": ("drift", DriftFinding.objects.all(), "model_id"),
    "event": ("event", AuditEvent.objects.all(), "model_id"),
    "version": ("version", ModelVersion.objects.all(), "model_id"),
}
NO_MODEL: tuple[QuerySet[Any], str] = (AuditEvent.objects.none(), "model_id")
# Texts of a path that name something and open nothing. Others are not kept: that of an invitation is its secret.
NAMES = ("prefix", "username", "connection", "control", "alias", "kind", "key", "form", "step", "section")
LARGEST_ID = 2**63 - 1
View = Callable[[HttpRequest], HttpResponse]


class AccessMiddleware:
    """Notes how a call ended, once its answer is there. Stands inside the middleware that gives the call its origin."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with collecting() as parts:
            response = self.get_response(request)
        if getattr(request, "access_noted", False):  # MLflow's pages note what they were about
            return response
        route = _route(request)
        denied = response.status_code in DENIED and not _goes_on(request)
        if route and (denied or parts):
            try:
                _note_parts(request, route, parts)
                if denied:
                    _note(AccessOutcome.DENIED, request, response, route)
            except DatabaseError:  # it stays denied; only the note of it is lost
                logger.exception("a denial could not be noted: %s %s", response.status_code, route)
        if route and not denied and response.status_code in READ and _matters(response, route):
            _note(AccessOutcome.GRANTED, request, response, route)  # what cannot be noted is not handed out
        return response


def _route(request: HttpRequest) -> str:
    """Return the name of the address; "" for one that there is not. A call that was refused early was not led to it."""
    if request.resolver_match is None:
        try:
            request.resolver_match = resolve(request.path_info)
        except Resolver404:
            return ""
    return request.resolver_match.view_name


def _goes_on(request: HttpRequest) -> bool:
    """Return whether the call was too many, and not the first of its minute: a flood is not to cost writes."""
    over = [standing for standing in getattr(request, "rates", ()) if standing.over]
    return bool(over) and not any(standing.first for standing in over)


def _matters(response: HttpResponseBase, route: str) -> bool:
    return route in REPORTS or response.get("Content-Disposition", "").startswith("attachment")


def _note(outcome: AccessOutcome, request: HttpRequest, response: HttpResponseBase, route: str) -> None:
    person = _person(request)
    reader = request.user if outcome is AccessOutcome.GRANTED and person else None
    name, model_id = _object_of(request, route, reader=reader)
    asked = Asked(str(request.method), route, name, model_id)
    note(outcome, asked, status=response.status_code, person=person)


def _note_parts(request: HttpRequest, route: str, parts: list[Refused]) -> None:
    """Note what was refused of several things that a call was about; their models are one question for each kind."""
    person, models = _person(request), {}
    for noun in {part.noun for part in parts}:
        _word, rows, way = MODEL_OF.get(noun, (noun, *NO_MODEL))
        numbers = {part.number for part in parts if part.noun == noun and part.number <= LARGEST_ID}
        models.update({(noun, pk): model_id for pk, model_id in rows.filter(pk__in=numbers).values_list("pk", way)})
    for part in parts:
        asked = Asked(str(request.method), route, f"{part.noun} {part.number}", models.get((part.noun, part.number)))
        note(AccessOutcome.DENIED, asked, status=part.status, person=person)


def _person(request: HttpRequest) -> str:
    user = getattr(request, "user", None)
    return user.get_username() if user is not None and user.is_authenticated else ""


def _object_of(request: HttpRequest, route: str, *, reader: Any) -> tuple[str, int | None]:
    """Return what the path names ("churn v3", "request 12", "" for nothing) and the number of its model.

    `reader` is who read it, None for a denial: nobody read what they may not see, whatever their query names.
    """
    given = request.resolver_match.kwargs if request.resolver_match else {}
    noun = route.rpartition(":")[2].partition("-")[0]
    # Of a query only which model it is about: the rest may hold what nobody should keep.
    reference = given.get("name") or request.GET.get("model") or request.GET.get("base", "").rpartition("@")[0]
    if isinstance(reference, str) and reference:
        number = given.get("number")
        return reference + (f" v{number}" if number is not None else ""), _model_named(reference, reader)
    number = given.get("id", given.get("number"))
    if isinstance(number, int):
        word, rows, way = MODEL_OF.get(noun, (noun, *NO_MODEL))
        found = rows.filter(pk=number).values_list(way, flat=True).first() if number <= LARGEST_ID else None
        return f"{word} {number}", found
    named = [f"{key} {value}" for key, value in given.items() if isinstance(value, int) or key in NAMES]
    return " ".join(named), None


def _model_named(reference: str, reader: Any) -> int | None:
    """The live model of that name, else the last deleted one. Who may see a denial is asked when the row is read."""
    if "\0" in reference:
        return None
    rows = RegisteredModel.objects.filter(named(reference)).order_by(F("deleted_at").desc(nulls_first=True), "-pk")
    if reader is not None:
        rows = rows.filter(pk__in=visible_model_ids(reader))
    return rows.values_list("pk", flat=True).first()
