"""The four questions that MLflow's pages ask by GraphQL, and who gets which answer; documents.py reads them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts import grants
from apps.errors import InvalidInput, NotVisible, UpstreamUnavailable
from apps.gateway import experiments, upstream
from apps.gateway.callers import Caller
from apps.gateway.canonical import Answer, Call
from apps.gateway.enforcement import guards
from apps.gateway.pages.documents import understood
from apps.registry.models import DEFAULT_CONNECTION, RegisteredModel


@dataclass(frozen=True)
class Question:
    """A field of the schema that pages ask for: which inputs it takes, and what must be readable for its answer."""

    inputs: frozenset[str]
    may: Callable[[Answer, Caller], None]


@guards("page.graphql")
def ask(call: Call, who: Caller) -> Answer | None:
    """Answer what MLflow's pages ask of runs and experiments. Raises InvalidInput for any other document."""
    if call.route.method != "POST":
        raise InvalidInput(_("MLflow's pages ask by POST."), field="method")
    field, given, document = understood(call.params)
    question = QUESTIONS[field]
    if strange := set(given) - question.inputs:
        raise InvalidInput(
            _("“%(field)s” is no input of this question.") % {"field": min(strange)[:100]}, field="input"
        )
    question.may(given, who)
    call.about = call.about or f"{field} {_named(given)}"
    call.params = {"query": document, "variables": {"input": given}}
    return None if who.reads_all else _answered(call, who)


def _named(given: Answer) -> str:
    return str(given.get("runId") or given.get("runUuid") or given.get("experimentId") or "")


def _one_run(given: Answer, who: Caller) -> None:
    named = {_text(given[name], name) for name in ("runId", "runUuid") if given.get(name) is not None}
    if len(named) != 1:
        raise InvalidInput(_("Name one run."), field="runId")
    experiments.may_read_run(named.pop(), who)


def _runs(given: Answer, who: Caller) -> None:
    for run_id in _texts(given.get("runIds"), "runIds"):
        experiments.may_read_run(run_id, who)


def _one_experiment(given: Answer, who: Caller) -> None:
    experiments.may_read_experiment(_text(given.get("experimentId"), "experimentId"), who)


def _experiments(given: Answer, who: Caller) -> None:
    for experiment in _texts(given.get("experimentIds"), "experimentIds"):
        experiments.may_read_experiment(experiment, who)


QUESTIONS = {
    "mlflowGetRun": Question(frozenset({"runId", "runUuid"}), _one_run),
    "mlflowGetExperiment": Question(frozenset({"experimentId"}), _one_experiment),
    "mlflowSearchRuns": Question(
        frozenset({"experimentIds", "filter", "runViewType", "maxResults", "orderBy", "pageToken"}), _experiments
    ),
    "mlflowGetMetricHistoryBulkInterval": Question(
        frozenset({"runIds", "metricKey", "startStep", "endStep", "maxResults"}), _runs
    ),
}


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidInput(_("“%(field)s” must be a text.") % {"field": name}, field=name)
    return value


def _texts(value: Any, name: str) -> list[str]:
    if not isinstance(value, list) or not value:
        raise InvalidInput(_("“%(field)s” must be a list of texts.") % {"field": name}, field=name)
    return [_text(item, name) for item in value]


def _answered(call: Call, who: Caller) -> Answer:
    """Return MLflow's answer without versions and experiments that this person may not see. It is only a question."""
    headers = {"Content-Type": "application/json"}
    with upstream.asked("POST", call.target, headers=headers, content=call.body, safe=True) as told:
        body = upstream.whole(told)
        if told.status != 200:
            raise UpstreamUnavailable(_("MLflow answered %(status)s. Try again.") % {"status": told.status})
    found = upstream.object_in(body)
    _take_out(found.get("data"), who)
    return found


def _take_out(found: Any, who: Caller) -> None:
    """Take out of an answer, in place, what runs show of things that have guards of their own."""
    if isinstance(found, list):
        for item in found:
            _take_out(item, who)
        return
    if not isinstance(found, dict):
        return
    for name, value in found.items():
        if name == "modelVersions" and isinstance(value, list):
            found[name] = _visible(value, who)
        elif name == "experiment" and isinstance(value, dict) and not _reads(value, who):
            found[name] = {key: value[key] if key in ("experimentId", "__typename") else None for key in value}
        else:
            _take_out(value, who)


def _visible(versions: list[Any], who: Caller) -> list[Any]:
    names = {version.get("name") for version in versions if isinstance(version, dict)} - {None}
    rows = RegisteredModel.objects.filter(connection=DEFAULT_CONNECTION, name__in=names, deleted_at=None)
    seen = set(grants.visible_to(who.user, rows).values_list("name", flat=True))
    return [version for version in versions if isinstance(version, dict) and version.get("name") in seen]


def _reads(experiment: Answer, who: Caller) -> bool:
    try:
        experiments.may_read_experiment(str(experiment.get("experimentId") or ""), who)
    except NotVisible:
        return False
    return True
