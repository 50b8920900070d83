"""The people page and those of groups: what they show, and which service each form asks. Nothing here decides."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.core.paginator import Page, Paginator
from django.utils.translation import gettext as _

from apps.accounts import groups, services
from apps.accounts.factors import queries as factors
from apps.accounts.forms import (
    GrantForm,
    GroupForm,
    InvitationForm,
    MemberForm,
    PersonForm,
    RemovalForm,
    ServiceAccountForm,
    StandingForm,
)
from apps.accounts.invitations import NewInvitation
from apps.accounts.models import User
from apps.accounts.roles import ROLES, Role
from apps.accounts.single_sign_on.services import claims_for
from apps.errors import DomainError, NotAllowed, NotVisible

PEOPLE_ROWS = 50


@dataclass(frozen=True)
class Deed:
    """What one form of the page does: its form, the service that it asks, and what to say when it is done."""

    form: type[forms.Form]
    carry_out: Callable[[Any, User], object]
    done: Callable[[dict[str, Any]], str]

    def run(self, form: Any, by: User) -> tuple[object, int]:
        """Ask the service; return what it made and 200. What it refuses is noted on the form, beside the status."""
        if not form.is_valid():
            return None, 400
        try:
            return self.carry_out(form, by), 200
        except (NotVisible, NotAllowed):
            raise
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
            return None, error.status


def _grant(form: Any, by: User) -> object:
    values = form.cleaned_data
    return services.change_grant(values["group"], form.roles(), values["model"], by=by, reason=values["reason"])


STANDING = ("deactivate", "reactivate", "end_sessions", "reset_factors")  # of the deeds, those about one person
ABOUT_A_GROUP = ("grant", "add_member", "remove_member")  # likewise, those about one group, done on its page
DEEDS = {
    "grant": Deed(GrantForm, _grant, lambda values: _("The role was changed. It counts from now on.")),
    "add_member": Deed(
        MemberForm,
        lambda form, by: services.add_member(form.cleaned_data["group"], form.cleaned_data["person"], by=by),
        lambda values: _("%(person)s is in the group now.") % {"person": values["person"]},
    ),
    "remove_member": Deed(
        RemovalForm,
        lambda form, by: services.remove_member(
            form.cleaned_data["group"], form.cleaned_data["person"], by=by, reason=form.cleaned_data["reason"]
        ),
        lambda values: _("%(person)s is no longer in the group.") % {"person": values["person"]},
    ),
    "deactivate": Deed(
        StandingForm,
        lambda form, by: services.deactivate(form.cleaned_data["person"], by=by, reason=form.cleaned_data["reason"]),
        lambda values: (
            _("%(person)s is deactivated: signed out everywhere, all tokens revoked.") % {"person": values["person"]}
        ),
    ),
    "reactivate": Deed(
        StandingForm,
        lambda form, by: services.reactivate(form.cleaned_data["person"], by=by, reason=form.cleaned_data["reason"]),
        lambda values: _("%(person)s can sign in again.") % {"person": values["person"]},
    ),
    "end_sessions": Deed(
        StandingForm,
        lambda form, by: services.end_sessions(form.cleaned_data["person"], by=by, reason=form.cleaned_data["reason"]),
        lambda values: _("%(person)s is signed out everywhere.") % {"person": values["person"]},
    ),
    "reset_factors": Deed(
        StandingForm,
        lambda form, by: services.reset_factors(form.cleaned_data["person"], by=by, reason=form.cleaned_data["reason"]),
        lambda values: (
            _("%(person)s has no second factor any more, and is signed out everywhere.") % {"person": values["person"]}
        ),
    ),
    "invite": Deed(
        InvitationForm,
        lambda form, by: services.invite(by=by, **form.cleaned_data),
        lambda values: "",  # the page shows the link instead
    ),
    "new_group": Deed(
        GroupForm,
        lambda form, by: services.create_group(form.cleaned_data["name"], by=by),
        lambda values: _("The group is there. Give it a role and members."),
    ),
    "new_person": Deed(
        PersonForm,
        lambda form, by: services.create_user(by=by, **form.cleaned_data),
        lambda values: (
            _("%(person)s can sign in now. Put them into a group, so that they can see models.")
            % {"person": values["username"]}
        ),
    ),
    "new_service_account": Deed(
        ServiceAccountForm,
        lambda form, by: services.create_service_account(by=by, **form.cleaned_data),
        lambda values: (
            _("The service account %(account)s is there. Put it into a group, then make its token on its page.")
            % {"account": values["username"]}
        ),
    ),
}


def people_context(
    by: User, asked: Mapping[str, Any], refused: forms.Form | None, deed: str, invited: NewInvitation | None = None
) -> dict[str, Any]:
    """Return what the people page shows. `refused` is the form that came back, of the kind `deed`.

    `asked` is what PeopleFilter read in the address. `invited` is an invitation just made, whose link is shown once.
    """
    words = asked["q"]
    everybody = groups.matching_people(words).prefetch_related("groups")
    people: Page = Paginator(everybody, PEOPLE_ROWS).get_page(asked["page"])
    listed: Page = Paginator(groups.matching_groups(words), groups.GROUP_ROWS).get_page(asked["groups"])
    return {
        "groups": listed,
        "lines": groups.group_lines(by, listed.object_list),
        "words": words,
        "new_group": refused if deed == "new_group" and refused else GroupForm(auto_id="new-group-%s"),
        "new_service": refused
        if deed == "new_service_account" and refused
        else ServiceAccountForm(auto_id="new-service-account-%s"),
        "new_person": refused if deed == "new_person" and refused else PersonForm(auto_id="new-person-%s"),
        "invitation": refused if deed == "invite" and refused else InvitationForm(auto_id="invite-%s"),
        "invited": invited,
        "with_factor": factors.with_factor(people.object_list),
        "refused": refused,
        "standing": refused if isinstance(refused, StandingForm) else None,
        "self": by,
        "people": people,
        "roles": list(ROLES.values()),
    }


def group_context(by: User, group: Group, page: int, refused: forms.Form | None, deed: str) -> dict[str, Any]:
    """Return what the page of one group shows. `refused` is the form that came back, of the kind `deed`."""
    overview, key = groups.group_overview(by, group, page), group.pk
    held = [name for name in overview.registry_roles if name in ROLES]  # single permissions are the grants page's
    rank = next((name for name in held if not ROLES[name].duty), "")
    initial = {"group": key, "rank": rank, **{name: True for name in held if ROLES[name].duty}}
    return {
        "overview": overview,
        "group": group,
        "claims": claims_for(group.name),
        "grant": refused if deed == "grant" and refused else GrantForm(initial=initial, auto_id=f"grant-{key}-%s"),
        "member": refused
        if deed == "add_member" and refused
        else MemberForm(initial={"group": key}, auto_id=f"member-{key}-%s"),
        "removal": refused if isinstance(refused, RemovalForm) else None,
        "refused": refused,
        "offered": groups.names_to_offer(),
    }


def auto_id(name: str, deed: Deed, sent: Mapping[str, str]) -> str:
    """Return how the fields of a form that comes back are called: as on the page, where each form has its own."""
    if deed.form is StandingForm:
        name = named_as(name)
    keys = ("group", "person") if deed.form is RemovalForm else ("person",) if deed.form is StandingForm else ("group",)
    words = [name.replace("_", "-"), *(sent.get(key, "").replace("%", "") for key in keys), "%s"]
    return "-".join(words)


def roles_named(names: list[str]) -> list[Role]:
    """Return the roles of these names, in their order."""
    return [ROLES[name] for name in names]


def named_as(deed: str) -> str:
    """Return after which deed the one field for a reason is called, beside the buttons of what can be done."""
    return deed if deed == "reactivate" else "deactivate"
