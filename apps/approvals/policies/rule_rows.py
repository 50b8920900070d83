"""The rules of a policy as rows of a form: added, removed and moved by buttons that work without JavaScript."""

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from apps.approvals.models import ApprovalPolicy
from apps.approvals.policies.checking import MAX_RULES
from apps.approvals.policies.forms import RuleForm

FIELDS = ("name", "needed", "group", "scopes")
Row = dict[str, Any]


def blank() -> list[RuleForm]:
    """Return the rows of a new policy: one reviewer."""
    return _as_forms([{"name": "", "needed": "1", "group": "", "scopes": []}])


def of(policy: ApprovalPolicy) -> list[RuleForm]:
    """Return the rows of a policy."""
    return _as_forms(
        [
            {"name": rule.name, "needed": str(rule.needed), "group": str(rule.group_id or ""), "scopes": rule.scopes}
            for rule in policy.rules.all()
        ]
    )


def sent(data: QueryDict) -> list[RuleForm]:
    """Return the rows as they were sent, to be checked."""
    return [RuleForm(_with_prefix(row, place), prefix=_prefix(place)) for place, row in enumerate(_rows(data))]


def changed(data: QueryDict, do: str) -> list[RuleForm]:
    """Return the rows after a button: `add`, `remove-1`, `up-1`, `down-1`. Nothing is checked or kept yet."""
    rows = _rows(data)
    verb, _dash, number = do.partition("-")
    place = int(number) if number.isdecimal() and int(number[:4]) < len(rows) else None
    if verb == "add" and len(rows) < MAX_RULES:
        rows.append({"name": "", "needed": "1", "group": "", "scopes": []})
    elif verb == "remove" and place is not None:
        del rows[place]
    elif verb == "up" and place:
        rows[place - 1], rows[place] = rows[place], rows[place - 1]
    elif verb == "down" and place is not None and place + 1 < len(rows):
        rows[place + 1], rows[place] = rows[place], rows[place + 1]
    return _as_forms(rows)


def values(rows: list[RuleForm]) -> list[dict[str, Any]]:
    """Return what a draft takes from valid rows."""
    return [{name: row.cleaned_data[name] for name in FIELDS} for row in rows]


def _rows(data: QueryDict) -> list[Row]:
    """Read the rows from what was sent: `rule-0-name` and so on, until a number is missing."""
    rows: list[Row] = []
    while len(rows) < MAX_RULES and f"rule-{len(rows)}-needed" in data:
        prefix = _prefix(len(rows))
        row: Row = {name: data.get(f"{prefix}-{name}", "") for name in FIELDS}
        rows.append(row | {"scopes": data.getlist(f"{prefix}-scopes")})
    return rows


def _as_forms(rows: list[Row]) -> list[RuleForm]:
    return [RuleForm(initial=row, prefix=_prefix(place)) for place, row in enumerate(rows)]


def _with_prefix(row: Mapping[str, Any], place: int) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, value in row.items():
        data.setlist(f"{_prefix(place)}-{name}", value if isinstance(value, list) else [value])
    return data


def _prefix(place: int) -> str:
    return f"rule-{place}"
