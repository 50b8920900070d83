"""Separation of duties: who both registers and signs the same models, by which grants, and which of that is wanted.

Nobody signs what they asked for or made themselves, whatever they hold: a conflict is no hole, but a thing to know.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import chains, granting, grants
from apps.accounts.chains import Chain
from apps.accounts.managing import kept, locked, managing, needs_reason, target_of
from apps.accounts.models import Acknowledgement, Grant, User
from apps.accounts.permissions import Permission
from apps.accounts.roles import giving
from apps.audit.actions import Action
from apps.audit.services import Target
from apps.errors import Conflict

WRITES, SIGNS = Permission.MODEL_WRITE, Permission.MODEL_REVIEW
MOST_REASON = 5000  # characters
MOST_CHAINS = 5  # shown of each kind
_BOTH = """
    SELECT user_id, held, COUNT(*), MIN(content_object_id) FROM (
        SELECT user_id, content_object_id, SUM(DISTINCT bit) AS held FROM (
            SELECT member.user_id, held.content_object_id, CASE WHEN held.permission_id = %s THEN 1 ELSE 2 END AS bit
            FROM accounts_user_groups member
            JOIN registry_registeredmodelgrouppermission held ON held.group_id = member.group_id
            WHERE member.user_id IN ({people}) AND held.permission_id IN (%s, %s) AND held.until > CURRENT_TIMESTAMP
            UNION ALL
            SELECT held.user_id, held.content_object_id, CASE WHEN held.permission_id = %s THEN 1 ELSE 2 END
            FROM registry_registeredmodeluserpermission held
            WHERE held.user_id IN ({people}) AND held.permission_id IN (%s, %s) AND held.until > CURRENT_TIMESTAMP
        ) single GROUP BY user_id, content_object_id
    ) both_of JOIN registry_registeredmodel model ON model.id = content_object_id
    WHERE model.deleted_at IS NULL AND model.kind = 'model' GROUP BY user_id, held
"""


@dataclass(frozen=True)
class BothDuties:
    """One person who both registers and signs: on how many models (None: all), one of them, and by which grants.

    A superuser does both everywhere, whatever the grants.
    """

    person: User
    models: int | None
    example: str
    writes: list[Chain]
    signs: list[Chain]
    acknowledged: Acknowledgement | None


def candidates() -> QuerySet[User]:
    """Return the active people who hold both permissions somewhere, by user name; superusers do, by no grant."""
    both = Q(is_superuser=True) | (_holding(WRITES) & _holding(SIGNS))
    return User.objects.filter(both, is_active=True).order_by("username").prefetch_related("groups")


def filtered(wanted: dict[str, Any]) -> QuerySet[User]:
    """Return those of the candidates that are wanted: one `person`, those whose conflict is `acknowledged` or not."""
    rows, noted = candidates(), Q(Exists(Acknowledgement.objects.filter(person=OuterRef("pk"), ended_at=None)))
    if "person" in wanted:
        rows = rows.filter(username=wanted["person"])
    if wanted["acknowledged"] is not None:
        rows = rows.filter(noted if wanted["acknowledged"] else ~noted)
    return rows


def among(people: list[User], by: Any) -> list[BothDuties]:
    """Return the conflicts of these people (`candidates`), as `by` may see them. A constant number of queries."""
    found, examples = _shared(people), {}
    keys = {example for _models, example in found.values() if example}
    if keys:
        examples = {model.pk: str(model) for model in chains.visible_models(by).filter(pk__in=keys)}
    held = _grants_of(people, by)
    known = {row.person_id: row for row in Acknowledgement.objects.filter(person__in=people, ended_at=None)}
    return [
        BothDuties(
            person,
            found[person.pk][0],
            examples.get(found[person.pk][1], ""),
            _by_permission(held[person.pk], WRITES),
            _by_permission(held[person.pk], SIGNS),
            known.get(person.pk),
        )
        for person in people
        if person.pk in found
    ]


def acknowledge(person: User | int, *, by: User, reason: str) -> Acknowledgement:
    """Note that somebody's conflict is known and wanted.

    Raises NotAllowed, NotVisible, InvalidInput (reason), Conflict when it is noted already or there is none.
    """
    with managing(Action.CONFLICT_ACKNOWLEDGED, by=by, target=target_of("person", person), person=person) as trial:
        who = locked(User, person)
        trial.target = Target("person", who.get_username())
        needs_reason(reason)
        if Acknowledgement.objects.filter(person=who, ended_at=None).exists():
            raise Conflict(_("This is acknowledged already."))
        if not _shared([who]):
            raise Conflict(_("%(person)s does not both register and sign any model.") % {"person": who})
        row = Acknowledgement.objects.create(person=who, reason=kept(reason, MOST_REASON), made_by=by.get_username())
        trial.done(reason=reason, before={"acknowledged": False}, after={"acknowledged": True})
    return row


def take_back(person: User | int, *, by: User, reason: str) -> None:
    """Note that a conflict is wanted no longer. Raises NotAllowed, NotVisible, InvalidInput (reason), Conflict."""
    with managing(Action.CONFLICT_ACKNOWLEDGED, by=by, target=target_of("person", person), person=person) as trial:
        who = locked(User, person)
        trial.target = Target("person", who.get_username())
        needs_reason(reason)
        ended = {"ended_at": timezone.now(), "ended_by": by.get_username()}
        ended["ended_reason"] = kept(reason, MOST_REASON)
        if not Acknowledgement.objects.filter(person=who, ended_at=None).update(**ended):
            raise Conflict(_("This is not acknowledged."))
        trial.done(reason=reason, before={"acknowledged": True}, after={"acknowledged": False})


def _holding(permission: Permission) -> Q:
    """Return the condition on a person that some grant gives them a permission somewhere."""
    given = granting.in_force().filter(role__in=giving(permission, everywhere=True))
    of_groups = given.filter(group__user=OuterRef("pk"))
    return Q(Exists(given.filter(person=OuterRef("pk")))) | Q(Exists(of_groups))


def _shared(people: list[User]) -> dict[int, tuple[int | None, int]]:
    """Return on how many models each of these people holds both, and one of them: person → (None for all, key)."""
    keys = [person.pk for person in people]
    if not keys:
        return {}
    everywhere: dict[int, int] = defaultdict(int)
    for bit, permission in ((1, WRITES), (2, SIGNS)):
        for key in grants.holders(permission).filter(pk__in=keys).values_list("pk", flat=True):
            everywhere[key] |= bit
    found: dict[int, tuple[int | None, int]] = {key: (None, 0) for key, bits in everywhere.items() if bits == 3}
    codes = dict(granting.stored([WRITES, SIGNS]).values_list("codename", "pk"))
    writes, signs = codes[WRITES.codename], codes[SIGNS.codename]
    query = _BOTH.format(people=", ".join(["%s"] * len(keys)))
    with connection.cursor() as cursor:
        cursor.execute(query, [writes, *keys, writes, signs, writes, *keys, writes, signs])
        for key, bits, number, example in cursor.fetchall():
            if everywhere[key] != 3 and int(bits) | everywhere[key] == 3:
                before = found.get(key, (0, example))
                found[key] = ((before[0] or 0) + number, min(before[1], example))
    return found


def _grants_of(people: list[User], by: Any) -> dict[int, list[Grant]]:
    """Return the grants in force by which these people write or sign, each with its model's name."""
    roles = {role for permission in (WRITES, SIGNS) for role in giving(permission, everywhere=True)}
    given = granting.in_force().filter(Q(person__in=people) | Q(group__user__in=people), role__in=roles)
    rows = chains.named(given.select_related("group", "person").order_by("id").distinct(), by)
    found: dict[int, list[Grant]] = defaultdict(list)
    for person in people:
        groups = {group.pk for group in person.groups.all()}
        found[person.pk] = [row for row in rows if row.person_id == person.pk or row.group_id in groups]
    return found


def _by_permission(held: list[Grant], permission: Permission) -> list[Chain]:
    roles = giving(permission, everywhere=True)
    return [Chain(grant) for grant in held if grant.role in roles][:MOST_CHAINS]
