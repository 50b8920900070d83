"""What may not be deleted, asked before anything is: by every service, page, job or door that deletes in MLflow.

    refuse_if_held(model, version)   # in the transaction that deletes, with the model locked (stages.lock_model)

An app above the registry says what is held: it registers a function here (`holder`), as observers do. Whoever sets a
hold locks the same model, so that of a hold and a deletion in the same moment one waits for the other.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.errors import RuleViolation
from apps.registry.models import ModelVersion, RegisteredModel


@dataclass(frozen=True)
class Question:
    """What is to be deleted: a whole model, one version with its files (`version`), or a run (`run_id`) of a server."""

    model: RegisteredModel | None = None
    version: ModelVersion | None = None
    connection: str = ""
    run_id: str = ""


Holder = Callable[[Question], list[str]]
_holders: list[Holder] = []


def holder(function: Holder) -> Holder:
    """Register a function that says, in a sentence each, what holds the thing asked about."""
    _holders.append(function)
    return function


def held(model: RegisteredModel, version: ModelVersion | None = None) -> list[str]:
    """Return what holds a version with its files; without `version` what holds the model or any version of it."""
    return _ask(Question(model=model, version=version))


def held_run(connection: str, run_id: str) -> list[str]:
    """Return what holds a run, its artifacts included: a hold of a version that came from it."""
    return _ask(Question(connection=connection, run_id=run_id)) if run_id else []


def refuse_if_held(model: RegisteredModel, version: ModelVersion | None = None) -> None:
    """Raise RuleViolation, naming the hold, where a version or a model may not be deleted."""
    _refuse(held(model, version))


def refuse_if_run_held(connection: str, run_id: str) -> None:
    """Raise RuleViolation, naming the hold, where a run or its artifacts may not be deleted."""
    _refuse(held_run(connection, run_id))


def _ask(question: Question) -> list[str]:
    return [sentence for function in _holders for sentence in function(question)]


def _refuse(found: list[str]) -> None:
    if found:
        message = _("This may not be deleted. %(holds)s Somebody other than who set the hold can lift it.")
        raise RuleViolation(message % {"holds": " ".join(found)})
