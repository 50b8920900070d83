"""Questions as conditions on the mirror's tables, with MLflow's meaning on either database."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import BooleanField, F, Func, Q, QuerySet, TextField, Value

from apps.gateway.searching.grammar import Condition
from apps.gateway.searching.question import Question

OF_MODELS = {"name": "name", "updated": "updated_at"}
OF_VERSIONS = {
    "name": "model__name", "number": "number", "created": "created_at", "updated": "updated_at", "run_id": "run_id",
    "source_path": "source", "version_number": "number",
}  # fmt: skip
LOOKUPS = {"=": "", "IN": "__in", "<": "__lt", "<=": "__lte", ">": "__gt", ">=": "__gte"}
NEGATED = {"!=": "=", "NOT IN": "IN"}


class Tag(Func):
    """The value of a tag, null where there is none."""

    output_field = TextField()
    template = "(%(expressions)s::text)"
    arg_joiner = " ->> "

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        """Look through the tags: a path would give keys with dots and quotes another meaning."""
        found = "(SELECT tag.value FROM json_each(%(expressions)s LIMIT 1)"
        return self.as_sql(compiler, connection, template=found, arg_joiner=") tag WHERE tag.key = ", **more)


class Compared(Func):
    """A comparison of a text with a text, case and all; null where there is none."""

    output_field = BooleanField()


class Like(Func):
    """A text like a pattern in which % and _ stand for others, and nothing escapes. SQLite's LIKE ignores case."""

    output_field = BooleanField()
    template = "(%(expressions)s ESCAPE '')"
    arg_joiner = " LIKE "

    def __init__(self, text: Any, pattern: str, *, any_case: bool) -> None:
        super().__init__(text, Value(pattern, output_field=TextField()))
        self.any_case = any_case

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        """Compare as MLflow does on PostgreSQL."""
        return self.as_sql(compiler, connection, arg_joiner=" ILIKE " if self.any_case else " LIKE ", **more)

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        """Compare by GLOB, which knows case; letters outside ASCII have none here."""
        text, pattern = self.get_source_expressions()
        copy = self.copy()
        copy.set_source_expressions([text, Value(_glob(pattern.value), output_field=TextField())])
        side = "LOWER(%(expressions)s)" if self.any_case else "(%(expressions)s)"
        joiner = ") GLOB LOWER(" if self.any_case else ") GLOB ("
        return copy.as_sql(compiler, connection, template=side, arg_joiner=joiner, **more)


def page(rows: QuerySet, question: Question, columns: dict[str, str], wanted: list[str]) -> tuple[list[Any], str]:
    """Return the rows of a page as tuples of the `wanted` columns, and the token of the next page; one query.

    The columns that the order needs must be among the wanted ones.
    """
    found = rows.filter(*(_condition(condition, columns) for condition in question.conditions))
    if question.after:
        found = found.filter(_beyond(question, columns))
    keys = [f"-{columns[column]}" if descending else columns[column] for column, descending in question.order]
    shown = list(found.order_by(*keys).values_list(*wanted)[: question.size + 1])
    if len(shown) <= question.size:
        return shown, ""
    last = dict(zip(wanted, shown[question.size - 1], strict=True))
    return shown[:-1], question.token(tuple(_plain(last[columns[column]]) for column, _descending in question.order))


def milliseconds(moment: datetime) -> int:
    """Return a time as MLflow writes it."""
    return round(moment.timestamp() * 1000)


def _condition(condition: Condition, columns: dict[str, str]) -> Any:
    comparator, value = condition.comparator, condition.value
    if condition.tag:
        of: Any = Tag(F("tags"), Value(condition.key, output_field=TextField()))
        if comparator in ("=", "!="):
            joiner = " = " if comparator == "=" else " <> "
            return Compared(of, Value(value, output_field=TextField()), template="(%(expressions)s)", arg_joiner=joiner)
    else:
        of = F(columns[condition.key])
    if comparator.endswith("LIKE"):
        return Like(of, str(value), any_case=comparator == "ILIKE")
    column = columns[condition.key]
    if comparator in NEGATED:
        return ~Q(**{column + LOOKUPS[NEGATED[comparator]]: value})
    return Q(**{column + LOOKUPS[comparator]: value})


def _beyond(question: Question, columns: dict[str, str]) -> Q:
    """Return the condition that a row stands after the one that a page begins behind.

    That it does not stand before it in the first column follows, and is said for the index that sorts by it.
    """
    found, equal, first = Q(), Q(), Q()
    for (column, descending), value in zip(question.order, question.after, strict=True):
        name = columns[column]
        at = datetime.fromtimestamp(value / 1000, tz=UTC) if column in ("created", "updated") else value
        found |= equal & Q(**{f"{name}__lt" if descending else f"{name}__gt": at})
        equal &= Q(**{name: at})
        first = first or Q(**{f"{name}__lte" if descending else f"{name}__gte": at})
    return first & found


def _plain(value: Any) -> Any:
    return milliseconds(value) if isinstance(value, datetime) else value


def _glob(pattern: str) -> str:
    wild = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
    return "".join(wild.get(sign, sign) for sign in pattern)
