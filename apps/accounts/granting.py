"""From grants to the permissions that every page asks for: a pure function, and the difference that is written.

A grant says "reviewers of churn-*"; asked is "who reviews churn-eu?", for ten thousand models on every page. So what
follows from grants is kept as rows: guardian's on single models, Django's own on the whole installation, and those that
end by themselves with their end. Rows are only ever written here, from grants: by whoever changes grants (`bring_up`),
and by the mirror where a model comes, is renamed or changes its tags (`follow`), each in its own transaction.

What somebody writes in MLflow gives nobody a voice on a request that is under way: a duty that a model would gain by a
new name or tag waits until its requests are finished. What it loses, it loses at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.apps import apps
from django.contrib.auth.models import Group
from django.contrib.auth.models import Permission as DjangoPermission
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.accounts import grant_scopes, guards
from apps.accounts.grant_scopes import BY_WHAT_MODELS_ARE, Facts
from apps.accounts.guards import EVERYWHERE
from apps.accounts.models import Grant, GrantLock, GrantScope, TimedPermission, User
from apps.accounts.permissions import Permission
from apps.accounts.roles import gives, giving

FOREVER = datetime(9999, 12, 31, tzinfo=UTC)  # when a permission ends that does not: one comparison does for all
DUTIES = frozenset({Permission.MODEL_REVIEW, Permission.MODEL_BYPASS})
BATCH = 2000
KINDS = ("group", "user")


class Holder(NamedTuple):
    """A group or a person: the kind ("group" or "user"), and the key."""

    kind: str
    key: int


class Held(NamedTuple):
    """That somebody holds a permission on one model, or on the whole installation (`model` is EVERYWHERE)."""

    holder: Holder
    permission: Permission
    model: int


class Kept(NamedTuple):
    """A row that is there: until when, in which table, and its key."""

    until: datetime
    table: Any
    key: int


Rows = dict[Held, datetime]  # until when each is held


@dataclass
class Difference:
    """What is written: rows given, taken and with another end; `waiting`: for a request to be finished."""

    given: list[Held] = field(default_factory=list)
    taken: list[Held] = field(default_factory=list)
    moved: list[Held] = field(default_factory=list)
    waiting: list[Held] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.given or self.taken or self.moved)

    def of(self, holder: Holder) -> dict[Permission, frozenset[int]]:
        """Return what changes for a holder: permission → models, as guards are told."""
        found: dict[Permission, set[int]] = defaultdict(set)
        for held in (*self.given, *self.taken, *self.moved):
            if held.holder == holder:
                found[held.permission].add(held.model)
        return {permission: frozenset(models) for permission, models in found.items()}


def follows_from(grants: Iterable[Grant], models: Iterable[Facts]) -> Rows:
    """Return what these grants give on these models and on the whole installation. Pure.

    Who is given the same by several holds it until the last one ends.
    """
    models, rows = list(models), Rows()
    reached: dict[tuple[str, str, int], list[int]] = {}
    for grant in grants:
        until, holder = grant.until or FOREVER, holder_of(grant)
        everywhere = grant.scope == GrantScope.REGISTRY
        place = (grant.scope, grant.value, grant.model_id)
        if place not in reached:
            within = grant_scopes.reach(*place)
            reached[place] = [EVERYWHERE] if everywhere else [model.key for model in models if within(model)]
        for permission in gives(grant.role, everywhere=everywhere):
            for key in reached[place]:
                held = Held(holder, permission, key)
                rows[held] = max(until, rows.get(held, until))
    return rows


def difference(
    wanted: Rows, present: Mapping[Held, Kept], *, busy: frozenset[int] = frozenset(), meant: Iterable[Held] = ()
) -> Difference:
    """Return what turns `present` into `wanted`. Pure. On `busy` models nobody gains a duty, but what is `meant`."""
    found, free = Difference(), set(meant)
    for held, until in wanted.items():
        there = present.get(held)
        if there and there.until == until:
            continue
        gains = there is None or there.until < until
        if gains and held.model in busy and held.permission in DUTIES and held not in free:
            found.waiting.append(held)
        else:
            (found.moved if there else found.given).append(held)
    found.taken = [held for held in present if held not in wanted]
    return found


def lock() -> None:
    """Wait for whoever changes grants, or what they reach, at this moment; hold others up until the commit."""
    GrantLock.objects.select_for_update(no_key=True).get_or_create(id=1)


def in_force() -> QuerySet[Grant]:
    """Return the grants that count at this moment."""
    return Grant.objects.filter(Q(until=None) | Q(until__gt=timezone.now()), ended_at=None)


def holder_of(grant: Grant) -> Holder:
    """Return who holds a grant, without asking the database."""
    return Holder("group", grant.group_id) if grant.group_id else Holder("user", grant.person_id or 0)


def as_holder(who: Group | User) -> Holder:
    """Return a group or person as rows name them."""
    return Holder("group" if isinstance(who, Group) else "user", who.pk)


def bring_up(holder: Group | User, *, meant: Iterable[Grant] = ()) -> Difference:
    """Make what follows from the grants of a group or person so, in the caller's transaction, which holds `lock`.

    `meant` are the grants that somebody just gave; what waits for a request to be finished goes on waiting.
    """
    who = as_holder(holder)
    grants = list(in_force().filter(**{"group" if who.kind == "group" else "person": who.key}))
    facts = list(_facts_for(grants))
    wanted, present = follows_from(grants, facts), _present({who.kind: Q(**{who.kind: who.key})})
    found = difference(wanted, present, busy=_busy(facts), meant=follows_from(meant, facts))
    _write(found, wanted, present)
    return found


@transaction.atomic(savepoint=False)
def follow(models: Iterable[int]) -> Difference:
    """Make what grants give on these models so: after they came, were renamed or changed their tags.

    In the transaction that changed them. Two questions where no grant goes by what models are.
    """
    keys = sorted(set(models))
    if not keys:
        return Difference()
    lock()  # before the question: a grant that is given meanwhile does not see these models
    if not Grant.objects.filter(ended_at=None, scope__in=BY_WHAT_MODELS_ARE).exists():
        return Difference()
    grants = in_force().exclude(scope=GrantScope.REGISTRY).exclude(Q(scope=GrantScope.MODEL) & ~Q(model_id__in=keys))
    facts = list(_facts(keys))
    here = Q(content_object__in=keys)
    wanted, present = follows_from(grants, facts), _present(dict.fromkeys(KINDS, here), installation=False)
    found = difference(wanted, present, busy=_busy(facts))
    _write(found, wanted, present)
    _tell_of_duties_lost(found)
    return found


def complete(*, repair: bool) -> Difference:
    """Return how the rows differ from what all grants give on all models; with `repair` they are made so.

    In the caller's transaction.
    """
    if repair:
        lock()
    facts = list(_facts(None))
    wanted, present = follows_from(in_force(), facts), _present(dict.fromkeys(KINDS, Q()))
    found = difference(wanted, present, busy=_busy(facts))
    if repair:
        _write(found, wanted, present)
        _tell_of_duties_lost(found)
    return found


def duties_by_what_models_are() -> bool:
    """Return whether any grant gives a duty on models by their names, tags, tier or server."""
    roles = {role for duty in DUTIES for role in giving(duty, everywhere=False)}
    return Grant.objects.filter(ended_at=None, scope__in=BY_WHAT_MODELS_ARE, role__in=roles).exists()


def reaching(grants: Iterable[Grant], model: int) -> list[Grant]:
    """Return those of these grants whose scope takes in a model (its key); one query."""
    facts = next(_facts([model]), None)
    if facts is None:
        return []
    return [grant for grant in grants if grant_scopes.reach(grant.scope, grant.value, grant.model_id)(facts)]


def reaching_any(grants: Iterable[Grant], models: Iterable[int]) -> list[Grant]:
    """Return those of these grants whose scope takes in any of these models (keys); as many queries as models ask."""
    facts, reached = list(_facts(list(models))), dict[tuple[str, str, int], bool]()
    found = []
    for grant in grants:
        place = (grant.scope, grant.value, grant.model_id)
        if place not in reached:
            reached[place] = any(map(grant_scopes.reach(*place), facts))
        if reached[place]:
            found.append(grant)
    return found


def stored(permissions: Iterable[Permission]) -> QuerySet[DjangoPermission]:
    """Return our permissions as the database names them."""
    ours = Q(content_type__app_label__in=["accounts", "registry"])
    return DjangoPermission.objects.filter(ours, codename__in=[permission.codename for permission in permissions])


def _write(found: Difference, wanted: Rows, present: Mapping[Held, Kept]) -> None:
    """Write a difference, table by table and many rows at once."""
    if not found:
        return
    staying = [held for held in found.moved if held.model != EVERYWHERE]
    # On the whole installation another end may be another table: taken from one, given by the other.
    taking = [held for held in found.moved if held.model == EVERYWHERE]
    for table, keys in _by_table(present[held] for held in [*found.taken, *taking]).items():
        for start in range(0, len(keys), BATCH):
            table.objects.filter(pk__in=keys[start : start + BATCH]).delete()
    ends: dict[datetime, list[Kept]] = defaultdict(list)
    for held in staying:
        ends[wanted[held]].append(present[held])
    for until, kept in ends.items():
        for table, keys in _by_table(kept).items():
            for start in range(0, len(keys), BATCH):
                table.objects.filter(pk__in=keys[start : start + BATCH]).update(until=until)
    ids = dict(stored(Permission).values_list("codename", "pk"))
    new: dict[Any, list[Any]] = defaultdict(list)
    for held in [*found.given, *taking]:
        row = _row(held, wanted[held], ids[held.permission.codename])
        new[type(row)].append(row)
    for table, rows in new.items():
        table.objects.bulk_create(rows, batch_size=BATCH)


def _tell_of_duties_lost(found: Difference) -> None:
    """Tell those who follow changes of people: a vote falls when whoever gave it may review no longer."""
    lost = {held.holder for held in found.taken if held.permission in DUTIES}
    for kind, table in (("group", Group), ("user", User)):
        for holder in table._default_manager.filter(pk__in=[who.key for who in lost if who.kind == kind]):
            guards.tell(guards.GrantChange(None, holder, found.of(Holder(kind, holder.pk))))


def _row(held: Held, until: datetime, permission: int) -> Any:
    """Return the row by which something is held, not stored yet."""
    columns: dict[str, Any] = {f"{held.holder.kind}_id": held.holder.key, "permission_id": permission}
    if held.model != EVERYWHERE:
        return _on_models(held.holder.kind)(**columns, content_object_id=held.model, until=until)
    return _lasting(held.holder.kind)(**columns) if until == FOREVER else TimedPermission(**columns, until=until)


def _by_table(rows: Iterable[Kept]) -> dict[Any, list[int]]:
    found: dict[Any, list[int]] = defaultdict(list)
    for row in rows:
        found[row.table].append(row.key)
    return found


def _present(where: Mapping[str, Q], *, installation: bool = True) -> dict[Held, Kept]:
    """Return the rows that are there, of the kinds of holder in `where`, each with its condition."""
    rows, by_name = {}, {permission.codename: permission for permission in Permission}
    for kind, condition in where.items():
        columns = ("pk", f"{kind}_id", "permission__codename")
        table = _on_models(kind)
        found = table.objects.filter(condition).values_list(*columns, "content_object_id", "until")
        for pk, key, name, model, until in found.iterator(BATCH):
            if name in by_name:
                rows[Held(Holder(kind, key), by_name[name], model)] = Kept(until, table, pk)
        if not installation:
            continue
        timed = TimedPermission.objects.filter(condition, **{f"{kind}__isnull": False})
        for pk, key, name, until in timed.values_list(*columns, "until"):
            rows[Held(Holder(kind, key), by_name[name], EVERYWHERE)] = Kept(until, TimedPermission, pk)
        lasting = _lasting(kind)
        ours = lasting.objects.filter(condition, permission__in=stored(Permission))
        for pk, key, name in ours.values_list(*columns):
            rows[Held(Holder(kind, key), by_name[name], EVERYWHERE)] = Kept(FOREVER, lasting, pk)
    return rows


def _on_models(kind: str) -> Any:
    """Return the direct-foreign-key table of permissions on models. Accounts imports no registry."""
    return apps.get_model("registry", f"RegisteredModel{kind.title()}Permission")


def _lasting(kind: str) -> Any:
    """Return Django's own table of permissions that groups, or people, hold everywhere."""
    return Group.permissions.through if kind == "group" else User.user_permissions.through


def _facts_for(grants: list[Grant]) -> Iterator[Facts]:
    if any(grant.scope in BY_WHAT_MODELS_ARE for grant in grants):
        return _facts(None)
    return _facts([grant.model_id for grant in grants if grant.scope == GrantScope.MODEL])


def _facts(keys: list[int] | None) -> Iterator[Facts]:
    """Read what decides which grants reach models (None: all). Deleted ones too: who could read them still can."""
    if keys == []:
        return
    models = apps.get_model("registry", "RegisteredModel").objects.all()
    columns = ("pk", "connection_id", "name", "tags", "risk", "open_requests")
    for start in range(0, len(keys) if keys else 1, BATCH):
        chosen = models if keys is None else models.filter(pk__in=keys[start : start + BATCH])
        for key, connection, name, tags, risk, open_requests in chosen.values_list(*columns).iterator(BATCH):
            yield Facts(key, connection, name, tags or {}, risk, open_requests > 0)


def _busy(facts: list[Facts]) -> frozenset[int]:
    return frozenset(model.key for model in facts if model.busy)
