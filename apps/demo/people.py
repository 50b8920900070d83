"""The demo's people: who they are, what they may do, and their passwords, made anew for each data directory."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction

from apps.accounts import grants, services
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.accounts.roles import ADMIN, DATA_SCIENTIST, EMERGENCY, ML_ENGINEER, REVIEWER, VIEWER, Role
from apps.approvals.drift.protected import protect
from apps.approvals.models import ProtectedAlias
from apps.audit import services as audit
from apps.audit.actions import Action
from apps.audit.services import Actor, Target
from apps.demo.policies import PROTECTED, policies_seeded, seed_policies
from apps.registry.models import Kind, RegisteredModel

HIDDEN_FROM_VIEWERS = "credit-risk"
REASON = "Demo set-up"
SYSTEM = Actor("system:demo")
ADMIN_NAME = "admin"
GROUPS = {  # name → role; the viewers' is given model by model
    "admins": ADMIN,
    "data-scientists": DATA_SCIENTIST,
    "ml-engineers": ML_ENGINEER,
    "reviewers": REVIEWER,
    "on-call": EMERGENCY,
    "viewers": VIEWER,
}


@dataclass(frozen=True)
class Person:
    """One demo person."""

    username: str
    name: str
    groups: tuple[str, ...]
    does: str


PEOPLE = (
    Person("alice", "Alice Meyer", ("data-scientists",), "data scientist: asks for promotions"),
    Person(
        "bob",
        "Bob Tanaka",
        ("ml-engineers", "reviewers", "on-call"),
        "ML engineer and reviewer: signs off, deploys, on call",
    ),
    Person("erin", "Erin Costa", ("reviewers",), "reviewer: signs off"),
    Person("charlie", "Charlie Novak", ("viewers",), f"viewer: reads all but {HIDDEN_FROM_VIEWERS}"),
    Person(ADMIN_NAME, "Admin", ("admins", "on-call"), "admin: people, roles, policies; on call"),
)


def seed_people() -> None:
    """Make people, groups, roles, policies and a protected alias; what is there already stays as it is."""
    passwords = _passwords()
    admin = _first_admin(passwords["admin"])
    for name in GROUPS:
        if not Group.objects.filter(name=name).exists():
            services.create_group(name, by=admin, reason=REASON)
    for name, role in GROUPS.items():
        if role is not VIEWER:
            _give(name, role, None, by=admin)
    for model in RegisteredModel.objects.filter(kind=Kind.MODEL, deleted_at=None).exclude(name=HIDDEN_FROM_VIEWERS):
        _give("viewers", VIEWER, model, by=admin)
    for person in PEOPLE:
        _create(person, passwords[person.username], by=admin)
    if not ProtectedAlias.objects.filter(alias=PROTECTED).exists():
        protect(PROTECTED, reason=REASON, by=admin)
    seed_policies(by=admin)


def seeded() -> bool:
    """Return whether an earlier start finished with the people and the policies."""
    people = User.objects.filter(username__in=[person.username for person in PEOPLE]).count()
    return people == len(PEOPLE) and policies_seeded() and _password_file().exists()


def credentials_table(address: str, mlflow: str | None) -> str:
    """Return the address, the people and their passwords as a small table."""
    passwords = _passwords()
    rows = [("sign in as", "password", "who"), *((p.username, passwords[p.username], p.does) for p in PEOPLE)]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = [f"  {row[0]:<{widths[0]}}   {row[1]:<{widths[1]}}   {row[2]}" for row in rows]
    lines.insert(1, f"  {'-' * widths[0]}   {'-' * widths[1]}   {'-' * max(len(row[2]) for row in rows)}")
    addresses = [f"  Assent   {address}/", *([f"  MLflow   {mlflow}/"] if mlflow else [])]
    return "\n".join(["", *addresses, "", *lines, "", "  Ctrl-C stops everything.", ""])


def _first_admin(password: str) -> User:
    """Make the first admin, who makes everything else: nobody is there yet who could. Returns the admin."""
    found = User.objects.filter(username=ADMIN_NAME).first()
    if found and grants.allows(found, Permission.PEOPLE_MANAGE):
        return found
    target = Target("person", ADMIN_NAME)
    with transaction.atomic():
        admin = found or User.objects.create_user(ADMIN_NAME, password=password, first_name="Admin")
        audit.record(Action.USER_CREATED, by=SYSTEM, target=target, reason=REASON)
        group, _ = Group.objects.get_or_create(name="admins")
        group_target = Target("group", group.name)
        grants.set_role(group, [ADMIN], None)
        audit.record(Action.GRANT_CHANGED, by=SYSTEM, target=group_target, reason=REASON, after={"roles": [ADMIN.name]})
        admin.groups.add(group)
        audit.record(Action.MEMBERSHIP_CHANGED, by=SYSTEM, target=group_target, reason=REASON, person=ADMIN_NAME)
    return User.objects.get(pk=admin.pk)  # without the permissions it did not hold a moment ago


def _create(person: Person, password: str, *, by: User) -> None:
    """Make one person and put them into their groups."""
    user = User.objects.filter(username=person.username).first()
    if user is None:
        first, _, last = person.name.partition(" ")
        user = services.create_user(
            person.username, by=by, password=password, first_name=first, last_name=last, reason=REASON
        )
    for group in Group.objects.filter(name__in=person.groups).exclude(user=user):
        services.add_member(group, user, by=by, reason=REASON)


def _give(name: str, role: Role, model: RegisteredModel | None, *, by: User) -> None:
    """Give a group its role, unless it holds one there already."""
    group = Group.objects.get(name=name)
    if not grants.roles_held(group, model):
        services.change_grant(group, [role], model, by=by, reason=REASON)


def _password_file() -> Path:
    return Path(settings.DATA_DIR) / "demo_passwords.json"


def _passwords() -> dict[str, str]:
    """Read this data directory's passwords, making them on first use; the file is readable by its owner alone."""
    path = _password_file()
    if not path.exists():
        made = {person.username: secrets.token_urlsafe(9) for person in PEOPLE}
        partial = path.with_suffix(".partial")
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(made, file)
        partial.replace(path)
    return dict(json.loads(path.read_text()))
