"""Who answers for each grant of a campaign: never somebody who holds it, where somebody else could.

The owner of the model that it is on, where that is a person here who sees it; else the admin who gave it; else any
admin. Worked out for all grants of a campaign at once, in a constant number of queries.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.accounts import chains, grants
from apps.accounts.models import AccessReviewItem, Answers, Grant, User
from apps.accounts.permissions import Permission

TWO = 2  # of those who hold it confirm a grant that every admin holds


@dataclass(frozen=True)
class Assigned:
    """A grant, and who answers for it (None: any admin). `holders`: of the admins, all hold it; so two confirm it.

    `nobody`: there are no two either. Nobody can confirm it then.
    """

    grant: Grant
    owner: User | None
    answers: Answers
    all_hold: bool = False
    nobody: bool = False


@dataclass(frozen=True)
class _Known:
    """What the assignment asks: people by user name, the admins, their groups, models, and who reads each."""

    people: dict[str, User]
    admins: frozenset[int]
    groups: dict[int, set[int]]
    owners: dict[int, str]
    readers: dict[int, frozenset[int]]

    def holds(self, person: int, grant: Grant) -> bool:
        return grant.person_id == person or grant.group_id in self.groups[person]

    def sees(self, person: int, grant: Grant) -> bool:
        return not grant.model_id or person in self.readers.get(grant.model_id, ())


def assigned(given: list[Grant], by: User) -> list[Assigned]:
    """Return who answers for each of these grants."""
    known = _known(given, by)
    return [_assign(grant, known) for grant in given]


def counted(rows: Iterable[Assigned]) -> list[tuple[str, int]]:
    """Return how many grants each person answers for, the most first; "" stands for any admin."""
    counts = Counter(row.owner.get_username() if row.owner else "" for row in rows)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def holders_of(item: AccessReviewItem) -> QuerySet[User]:
    """Return the people who hold the grant of an item at this moment, themselves or by its group."""
    grant = item.grant
    if grant is None:
        return User.objects.none()
    members = User.groups.through.objects.filter(group=grant.group_id).values("user")
    return User.objects.filter(Q(pk__in=members) if grant.group_id else Q(pk=grant.person_id))


def free_admins(item: AccessReviewItem) -> QuerySet[User]:
    """Return the admins who do not hold the grant, and see the model that it is on: they could answer for it."""
    admins = grants.holders(Permission.PEOPLE_MANAGE).exclude(pk__in=holders_of(item).values("pk"))
    if not item.model_id:
        return admins
    model = chains.all_models().filter(pk=item.model_id).first()
    return admins.filter(pk__in=grants.holders(Permission.MODEL_READ, model).values("pk")) if model else admins.none()


def vacant() -> Q:
    """Return the condition on an item that nobody in particular answers for it at this moment: any admin does.

    So it is where its owner was deactivated, sees the model no longer, is not an admin any more of what they gave as
    one, or does not own the model any more.
    """
    models = chains.all_models()
    sees = Q(model_id=0) | grants.held_there(Permission.MODEL_READ, models.model, person="owner", key="model_id")
    owned = Exists(models.filter(pk=OuterRef("model_id"), owner=OuterRef("owner__username")))
    gone = Q(answers=Answers.GIVER) & ~Q(owner__in=grants.keys_of_holders(Permission.PEOPLE_MANAGE))
    gone |= Q(answers=Answers.MODEL_OWNER) & ~Q(owned)
    return Q(owner=None) | Q(owner__is_active=False) | gone | ~sees


def _assign(grant: Grant, known: _Known) -> Assigned:
    owner = known.people.get(known.owners.get(grant.model_id, ""))
    if owner and known.sees(owner.pk, grant) and not known.holds(owner.pk, grant):
        return Assigned(grant, owner, Answers.MODEL_OWNER)
    giver = known.people.get(grant.made_by)
    able = giver is not None and giver.pk in known.admins and known.sees(giver.pk, grant)
    if giver and able and not known.holds(giver.pk, grant):
        return Assigned(grant, giver, Answers.GIVER)
    all_hold = all(known.holds(key, grant) or not known.sees(key, grant) for key in known.admins)
    return Assigned(grant, None, Answers.ADMIN, all_hold, nobody=all_hold and len(known.admins) < TWO)


def _known(given: list[Grant], by: User) -> _Known:
    models = chains.visible_models(by).filter(pk__in={grant.model_id for grant in given if grant.model_id})
    owners = dict(models.order_by().values_list("pk", "owner"))
    names = {name for name in owners.values() if name} | {grant.made_by for grant in given}
    people: Any = User.objects.filter(username__in=names, is_active=True, is_service=False)
    found = {person.get_username(): person for person in people}
    admins = frozenset(grants.holders(Permission.PEOPLE_MANAGE).values_list("pk", flat=True))
    groups: dict[int, set[int]] = defaultdict(set)
    asked = {*admins, *(person.pk for person in found.values())}
    for person, group in User.groups.through.objects.filter(user__in=asked).values_list("user", "group"):
        groups[person].add(group)
    readers = grants.holders_on(Permission.MODEL_READ, models) if owners else {}
    return _Known(found, admins, groups, owners, readers)


def own_groups(person: User) -> frozenset[int]:
    """Return the keys of somebody's groups."""
    return frozenset(Group.objects.filter(user=person).values_list("pk", flat=True))
