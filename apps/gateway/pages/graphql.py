"""The four questions that MLflow's pages ask by GraphQL. Every other document is refused before MLflow sees it.

Read by the parser that MLflow itself uses, so that both understand the same: one query, one of the four fields, its
input as one variable. No aliases, fragments, or directives on fields: what an answer holds then has the name that it
has in the schema, and what somebody may not see can be taken out of it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from graphql import GraphQLError, parse, print_ast
from graphql.language import (
    DocumentNode,
    FieldNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
)

from apps.accounts import grants
from apps.errors import InvalidInput, NotVisible, UpstreamUnavailable
from apps.gateway import experiments, upstream
from apps.gateway.callers import Caller
from apps.gateway.canonical import Answer, Call
from apps.gateway.enforcement import guards
from apps.registry.models import DEFAULT_CONNECTION, RegisteredModel

LONGEST = 20_000  # signs of a query; the pages' own have 1,500
TOKENS = 500
DEEPEST = 8
OF_OPERATION = ("component",)  # the one directive that the pages use, about nothing but their own logs


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


def understood(params: Answer) -> tuple[str, Answer, str]:
    """Return the field that is asked for, its input, and the query to send. Raises InvalidInput."""
    query, variables = params.get("query"), params.get("variables", {})
    if set(params) - {"query", "variables", "operation_name"} or not isinstance(query, str):
        raise _refused()
    if len(query) > LONGEST or not isinstance(variables, dict):
        raise _refused()
    operation = _operation(_parsed(query))
    field = _only_field(operation)
    name = _input_variable(field)
    given = variables.get(name)
    if set(variables) != {name} or not isinstance(given, dict):
        raise _refused()
    if field.selection_set is None:
        raise _refused()
    _plain(field.selection_set, 1)
    return field.name.value, given, _rebuilt(field.name.value, field.selection_set)


def _parsed(query: str) -> DocumentNode:
    try:
        return parse(query, no_location=True, max_tokens=TOKENS)
    except (GraphQLError, RecursionError):
        raise InvalidInput(_("This is no GraphQL query."), field="query") from None


def _operation(document: DocumentNode) -> OperationDefinitionNode:
    """Return the one query of a document."""
    found = document.definitions[0]
    if len(document.definitions) != 1 or not isinstance(found, OperationDefinitionNode):
        raise _refused()
    strange = [directive for directive in found.directives if directive.name.value not in OF_OPERATION]
    if found.operation != OperationType.QUERY or strange or len(found.variable_definitions) != 1:
        raise _refused()
    if found.variable_definitions[0].default_value or found.variable_definitions[0].directives:
        raise _refused()
    return found


def _only_field(operation: OperationDefinitionNode) -> FieldNode:
    """Return the one field that is asked for."""
    fields = operation.selection_set.selections
    if len(fields) != 1 or not isinstance(fields[0], FieldNode):
        raise _refused()
    field = fields[0]
    if field.name.value not in QUESTIONS or field.alias or field.directives:
        raise _refused()
    return field


def _input_variable(field: FieldNode) -> str:
    """Return the name of the variable that is the field's input."""
    if len(field.arguments) != 1 or field.arguments[0].name.value != "input":
        raise _refused()
    value = field.arguments[0].value
    if not isinstance(value, VariableNode):
        raise _refused()
    return value.name.value


def _plain(selection: Any, depth: int) -> None:
    """Raise InvalidInput unless all that is selected are plain fields under their own names."""
    for field in selection.selections if selection else ():
        if not isinstance(field, FieldNode) or field.alias or field.arguments or field.directives or depth > DEEPEST:
            raise _refused()
        if field.name.value.startswith("__") and field.name.value != "__typename":
            raise _refused()
        _plain(field.selection_set, depth + 1)


def _rebuilt(name: str, selected: SelectionSetNode) -> str:
    """Return the query to send: from what was understood, nothing else."""
    kind = f"{name[0].upper()}{name[1:]}Input"
    return f"query($input: {kind}!) {{ {name}(input: $input) {print_ast(selected)} }}"


def _refused() -> InvalidInput:
    message = _(
        "Assent passes on only what MLflow's pages ask: one of %(fields)s, alone, with its input as a variable, "
        "without aliases, fragments or directives."
    )
    return InvalidInput(message % {"fields": ", ".join(sorted(QUESTIONS))}, field="query")


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
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UpstreamUnavailable(_("MLflow answered something that nobody understands. Try again."))
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
