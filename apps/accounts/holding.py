"""Who holds permissions on one model, and which models somebody holds one on: written out.

Every page asks, some several times; putting these together of Django's queries took longer than answering them.
`grants.holders` says as a condition for other queries what `names_of_holders` answers.
"""

from collections.abc import Sequence

from django.db import connection
from django.db.models import BigIntegerField
from django.db.models.expressions import RawSQL
from django.utils import timezone

_EVERYWHERE = """
    SELECT held.user_id FROM accounts_user_user_permissions held WHERE held.permission_id = {permission}
    UNION ALL
    SELECT member.user_id FROM auth_group_permissions held
        JOIN accounts_user_groups member ON member.group_id = held.group_id WHERE held.permission_id = {permission}
    UNION ALL
    SELECT held.user_id FROM accounts_timedpermission held WHERE held.permission_id = {permission}
        AND held.user_id IS NOT NULL AND held.until > CURRENT_TIMESTAMP
    UNION ALL
    SELECT member.user_id FROM accounts_timedpermission held
        JOIN accounts_user_groups member ON member.group_id = held.group_id
        WHERE held.permission_id = {permission} AND held.until > CURRENT_TIMESTAMP
"""
_ON_IT = """
    UNION ALL
    SELECT held.user_id FROM {of_person} held
        WHERE held.permission_id = {permission} AND held.content_object_id = %s AND held.until > CURRENT_TIMESTAMP
    UNION ALL
    SELECT member.user_id FROM {of_groups} held
        JOIN accounts_user_groups member ON member.group_id = held.group_id
        WHERE held.permission_id = {permission} AND held.content_object_id = %s AND held.until > CURRENT_TIMESTAMP
"""
_PERMISSION = """(
    SELECT permission.id FROM auth_permission permission
    JOIN django_content_type app ON app.id = permission.content_type_id
    WHERE app.app_label IN ('accounts', 'registry') AND permission.codename = %s
)"""
_PEOPLE = """
    SELECT {columns} FROM accounts_user person
    WHERE person.is_active AND (person.is_superuser OR ({holds_each})){of_persons}
"""
# The permission's key is found once, and the groups without their table: then one index holds all that is read.
# One list of keys, not two with "or": so the few that somebody sees are looked up, instead of all looked through.
_HELD = """
    SELECT held.content_object_id FROM {of_groups} held
    WHERE held.permission_id = (SELECT id FROM auth_permission WHERE codename = %s LIMIT 1) AND held.until > %s
        AND held.group_id IN (SELECT group_id FROM accounts_user_groups WHERE user_id = %s)
    UNION ALL
    SELECT held.content_object_id FROM {of_person} held
    WHERE held.permission_id = (SELECT id FROM auth_permission WHERE codename = %s LIMIT 1) AND held.until > %s
        AND held.user_id = %s
"""


def keys_held(codename: str, person: int, *, of_groups: str, of_person: str) -> RawSQL:
    """Return the keys of the models on which a person holds a permission by itself, as what `pk__in` takes."""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    query = _HELD.format(of_groups=of_groups, of_person=of_person)
    return RawSQL(query, [codename, now, person] * 2, output_field=BigIntegerField())  # noqa: S611 - values are bound


def keys_of_holders(codename: str, *, persons: bool) -> RawSQL:
    """Return the keys of the active people who hold a permission on the whole installation, as what `__in` takes."""
    query = _people("person.id", [_EVERYWHERE.format(permission=_PERMISSION)], persons=persons)
    return RawSQL(query, [codename] * 4, output_field=BigIntegerField())  # noqa: S611 - values are bound


def names_of_holders(codenames: Sequence[str], model: int, *, of_groups: str, of_person: str, persons: bool) -> dict:
    """Return the active people who hold all of these permissions on the model with this key: key → user name.

    `of_groups` and `of_person` are the tables of permissions on single models; `persons` leaves service accounts out.
    """
    one = (_EVERYWHERE + _ON_IT).format(permission=_PERMISSION, of_groups=of_groups, of_person=of_person)
    query = _people("person.id, person.username", [one] * len(codenames), persons=persons)
    values = [value for name in codenames for value in (name, name, name, name, name, model, name, model)]
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return dict(cursor.fetchall())


def _people(columns: str, holding: Sequence[str], *, persons: bool) -> str:
    holds_each = " AND ".join(f"person.id IN ({keys})" for keys in holding)
    of_persons = " AND NOT person.is_service" if persons else ""
    return _PEOPLE.format(columns=columns, holds_each=holds_each, of_persons=of_persons)
