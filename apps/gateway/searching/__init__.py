"""Searches of the registry: of what one may see, from the mirror, as MLflow answers them.

What the mirror does not hold (versions of prompts), or MLflow's database alone can say, is MLflow's to answer for
whoever sees everything; everybody else is told to ask otherwise.
"""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.errors import InvalidInput, WrongState
from apps.gateway.callers import Caller
from apps.gateway.canonical import Answer, Call
from apps.gateway.searching import grammar, question, rows
from apps.gateway.searching.grammar import Beyond
from apps.registry.models import DEFAULT_CONNECTION, Connection, Kind, ModelVersion, RegisteredModel
from apps.registry.origins import is_elsewhere
from apps.written import Question, ask

OF_MODEL = ["id", "name", "description", "tags", "alias_numbers", "created_at", "updated_at"]
OF_LATEST = [
    "model_id", "number", "created_at", "updated_at", "stage", "description", "source", "run_id",
    "status", "tags",
]  # fmt: skip
OF_VERSION = ["model__name", *OF_LATEST]
LISTED = """SELECT imported_from FROM registry_connection
    WHERE name = %s AND listed_at IS NOT NULL AND completed_at IS NOT NULL"""  # written out: every search asks


def models(call: Call, who: Caller) -> Answer | None:
    """Answer a search for models; None leaves it to MLflow. Raises InvalidInput and WrongState."""
    return _answer(_models, call, who)


def versions(call: Call, who: Caller) -> Answer | None:
    """Answer a search for versions; None leaves it to MLflow. Raises InvalidInput and WrongState."""
    return _answer(_versions, call, who)


def _answer(search: Any, call: Call, who: Caller) -> Answer | None:
    try:
        if not _is_mirrored():
            if who.reads_all:
                return None
            raise WrongState(_("Assent has not read this registry yet. Try again once it has been synchronised."))
        return search(call, who)
    except Beyond:
        if who.reads_all:
            return None
    message = _(
        "Assent does not understand this search, and you see a part of the registry only, so MLflow is not asked. "
        "Compare name, tags and, for versions, run_id, source_path and version_number, joined by AND. Prompts cannot "
        "be searched."
    )
    raise InvalidInput(message, field="filter")


def _models(call: Call, who: Caller) -> Answer:
    asked = question.understood(grammar.MODELS, call, who.user.pk, default=100, most=1000)
    found, token = rows.page(_visible(who), asked, rows.OF_MODELS, OF_MODEL)
    names = {row[0]: row[1] for row in found}
    latest: dict[int, list[Answer]] = {pk: [] for pk in names}
    for row in _latest(list(names)) if found else ():
        latest[row[0]].append(_version((names[row[0]], *row)))
    return _page("registered_models", [_model(row, latest[row[0]]) for row in found], token)


def _versions(call: Call, who: Caller) -> Answer:
    asked = question.understood(grammar.VERSIONS, call, who.user.pk, default=200_000, most=200_000)
    live = ModelVersion.objects.filter(deleted_at=None)
    if who.reads_all:
        live = live.filter(
            model__connection=DEFAULT_CONNECTION, model__kind=Kind.MODEL, model__deleted_at=None
        )  # a join alone is quicker than a list of all
    else:
        live = live.filter(model__in=_visible(who).values("pk"))
    found, token = rows.page(live, asked, rows.OF_VERSIONS, OF_VERSION)
    return _page("model_versions", [_version(row) for row in found], token)


def _is_mirrored() -> bool:
    """Whether the mirror holds everything that the MLflow behind the door had when it was last listed."""
    origins = ask(Question(LISTED, [DEFAULT_CONNECTION], list))
    return any(not is_elsewhere(Connection(DEFAULT_CONNECTION, imported_from=origin)) for (origin,) in origins)


def _visible(who: Caller) -> QuerySet[RegisteredModel]:
    live = RegisteredModel.objects.filter(connection=DEFAULT_CONNECTION, kind=Kind.MODEL, deleted_at=None)
    return grants.visible_to(who.user, live)


def _latest(models: list[int]) -> QuerySet:
    """Return the newest version of each model in each stage; without names, which the models have told."""
    newer = ModelVersion.objects.filter(
        model=OuterRef("model"), stage=OuterRef("stage"), number__gt=OuterRef("number"), deleted_at=None
    )
    return ModelVersion.objects.filter(~Exists(newer), model__in=models, deleted_at=None).values_list(*OF_LATEST)


def _page(name: str, found: list[Answer], token: str) -> Answer:
    return _said({name: found, "next_page_token": token})


def _said(fields: Answer) -> Answer:
    """Leave out what MLflow leaves out: empty lists and texts that were never set."""
    return {name: value for name, value in fields.items() if value not in ([], "", None)}


def _model(row: tuple[Any, ...], latest: list[Answer]) -> Answer:
    _pk, name, description, tags, aliases, created, updated = row
    return _said(
        {
            "name": name,
            "creation_timestamp": rows.milliseconds(created),
            "last_updated_timestamp": rows.milliseconds(updated),
            "description": description,
            "latest_versions": latest,
            "tags": _tags(tags),
            "aliases": [{"alias": alias, "version": str(number)} for alias, number in aliases.items()],
        }
    )


def _version(row: tuple[Any, ...]) -> Answer:
    """Return a version as MLflow's REST API has it: with empty texts, and without who made it and its aliases."""
    name, _model, number, created, updated, stage, description, source, run_id, status, tags = row
    said = {
        "name": name,
        "version": str(number),
        "creation_timestamp": rows.milliseconds(created),
        "last_updated_timestamp": rows.milliseconds(updated),
        "current_stage": stage,
        "description": description,
        "source": source,
        "run_id": run_id,
        "status": status,
        "run_link": "",
    }
    return {**said, "tags": _tags(tags)} if tags else said


def _tags(tags: dict[str, str]) -> list[Answer]:
    return [{"key": key, "value": value} for key, value in tags.items()]
