"""Documents of GraphQL: what MLflow's pages ask is understood and written anew; every other one is refused.

Read by the parser that MLflow itself uses, so that both understand the same: one query, one of the four fields, its
input as one variable. No aliases, fragments, or directives on fields: what an answer holds then has the name that it
has in the schema, and what somebody may not see can be taken out of it. Pure.
"""

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

from apps.errors import InvalidInput
from apps.gateway.canonical import Answer

FIELDS = ("mlflowGetExperiment", "mlflowGetMetricHistoryBulkInterval", "mlflowGetRun", "mlflowSearchRuns")
LONGEST = 20_000  # signs of a query; the pages' own have 1,500
TOKENS = 500
DEEPEST = 8
OF_OPERATION = ("component",)  # the one directive that the pages use, about nothing but their own logs


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
    if field.name.value not in FIELDS or field.alias or field.directives:
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
    return InvalidInput(message % {"fields": ", ".join(FIELDS)}, field="query")
