"""Who asks, with all that they hold on the whole installation: one query, which every request begins with.

Written out, for putting Django's own queries together took ten times as long as answering them, and each one is a way
to the database and back.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models

from apps import written
from apps.accounts.models import ApiToken, User

# Times of a person are read when somebody looks at them.
PERSON = [field for field in User._meta.concrete_fields if not isinstance(field, models.DateTimeField)]
TOKEN = list(ApiToken._meta.concrete_fields)
# Rows of permission ids, by person and by group; `{person}` is a value or a query that finds one.
_HELD = """
    SELECT held.permission_id FROM accounts_user_user_permissions held WHERE held.user_id = {person}
    UNION ALL
    SELECT held.permission_id FROM accounts_user_groups member
        JOIN auth_group_permissions held ON held.group_id = member.group_id WHERE member.user_id = {person}
    UNION ALL
    SELECT held.permission_id FROM accounts_timedpermission held
        WHERE held.user_id = {person} AND held.until > CURRENT_TIMESTAMP
    UNION ALL
    SELECT held.permission_id FROM accounts_user_groups member
        JOIN accounts_timedpermission held ON held.group_id = member.group_id
        WHERE member.user_id = {person} AND held.until > CURRENT_TIMESTAMP
"""
_QUERY = """
    SELECT {columns}, app.app_label, permission.codename FROM {tables}
    LEFT JOIN ({held}) held ON 1 = 1
    LEFT JOIN auth_permission permission ON permission.id = held.permission_id
    LEFT JOIN django_content_type app ON app.id = permission.content_type_id
    WHERE {wanted}
"""
_NAMES_QUERY = """
    SELECT app.app_label, permission.codename FROM auth_permission permission
    JOIN django_content_type app ON app.id = permission.content_type_id WHERE permission.id IN ({held})
"""


def _columns(table: str, fields: Sequence[models.Field]) -> list[str]:
    return [f"{table}.{field.column}" for field in fields]


_NAMES = _NAMES_QUERY.format(held=_HELD.format(person="%(key)s"))
_PERSON_BY_ID = _QUERY.format(
    columns=", ".join(_columns("person", PERSON)),
    tables="accounts_user person",
    held=_HELD.format(person="%(key)s"),
    wanted="person.id = %(key)s",
)
_TOKEN_BY_PREFIX = _QUERY.format(
    columns=", ".join([*_columns("person", PERSON), *_columns("token", TOKEN)]),
    tables="accounts_apitoken token JOIN accounts_user person ON person.id = token.user_id",
    held=_HELD.format(person="(SELECT user_id FROM accounts_apitoken WHERE prefix = %(key)s)"),
    wanted="token.prefix = %(key)s",
)


def person(key: int) -> User | None:
    """Return the person with this id, active or not; what they hold is kept where Django keeps it."""
    rows = _rows(_PERSON_BY_ID, key)
    return _person(rows) if rows else None


def token_of(prefix: str) -> ApiToken | None:
    """Return the token with this prefix, used up or not, with its person, whose permissions are known as above."""
    rows = _rows(_TOKEN_BY_PREFIX, prefix)
    if not rows:
        return None
    values = rows[0][len(PERSON) : len(PERSON) + len(TOKEN)]
    token = _made(ApiToken, TOKEN, values)
    token.user = _person(rows)
    return token


def names_held(key: int) -> set[str]:
    """Return the full names of all that this person holds on the whole installation, also other apps' own."""
    return {f"{app}.{codename}" for app, codename in _rows(_NAMES, key)}


def _rows(query: str, key: int | str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, {"key": key})
        return cursor.fetchall()


def _person(rows: list[tuple[Any, ...]]) -> User:
    found = _made(User, PERSON, rows[0][: len(PERSON)])
    found._perm_cache = {f"{row[-2]}.{row[-1]}" for row in rows if row[-1] is not None}  # as ModelBackend does
    return found


def _made(model: type[Any], fields: Sequence[models.Field], values: Sequence[Any]) -> Any:
    """Return a row as an object, its columns read as the database wrote them; the others wait until they are asked."""
    read = [_READ.get(type(field), _same)(value) for field, value in zip(fields, values, strict=True)]
    return model.from_db(connection.alias, [field.attname for field in fields], read)


def _same(value: Any) -> Any:
    return value


_READ: dict[type, Any] = {
    models.BooleanField: bool,
    models.DateTimeField: written.moment,
    models.JSONField: written.document,
}
