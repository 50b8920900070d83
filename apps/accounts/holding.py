"""Who holds permissions on one model: asked for every request on every page that shows one, so written out.

`grants.holders` says the same as a condition for other queries; putting that together takes longer than this takes
to be answered.
"""

from collections.abc import Sequence

from django.db import connection

_HOLDERS = """
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
    SELECT person.id, person.username FROM accounts_user person
    WHERE person.is_active AND (person.is_superuser OR ({holds_each})){of_persons}
"""


def names_of_holders(codenames: Sequence[str], model: int, *, of_groups: str, of_person: str, persons: bool) -> dict:
    """Return the active people who hold all of these permissions on the model with this key: key → user name.

    `of_groups` and `of_person` are the tables of permissions on single models; `persons` leaves service accounts out.
    """
    one = _HOLDERS.format(permission=_PERMISSION, of_groups=of_groups, of_person=of_person)
    holds_each = " AND ".join([f"person.id IN ({one})"] * len(codenames))
    query = _PEOPLE.format(holds_each=holds_each, of_persons=" AND NOT person.is_service" if persons else "")
    values = [value for name in codenames for value in (name, name, name, name, name, model, name, model)]
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return dict(cursor.fetchall())
