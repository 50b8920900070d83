"""Where another person has to do something, a machine that the first one made is not that person."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts import giving, grants
from apps.accounts.access_reviews import deciding, opening
from apps.accounts.bounds import PERSONS_ALONE
from apps.accounts.models import AccessReviewItem, User
from apps.accounts.roles import ADMIN, EMERGENCY, REVIEWER
from apps.accounts.services import create_service_account, reset_factors
from apps.approvals import services, waivers
from apps.approvals.delegating import services as delegations
from apps.approvals.drift import protected
from apps.approvals.models import ApprovalPolicy, FreezeWindow
from apps.approvals.policies import drafting, freezes, publishing
from apps.errors import NotAllowed, NotVisible
from tests.builders import make_model, make_policy, make_version
from tests.conftest import member


@pytest.fixture
def machine(admin) -> User:
    """A service account in every group that the admin could put it into."""
    account = create_service_account("ci", by=admin)
    for role in (ADMIN, REVIEWER, EMERGENCY):
        account.groups.add(member(f"of {role.name}", role).groups.get())
    return User.objects.get(pk=account.pk)


@pytest.mark.parametrize("role", [ADMIN, REVIEWER, EMERGENCY], ids=str)
def test_a_grant_to_it_alone_gives_nothing_that_is_for_persons(admin, role):
    machine, model = create_service_account("ci", by=admin), make_model()
    giving.give_grant(machine, role.name, "model", model=model, by=admin, reason="Trying.")
    machine = User.objects.get(pk=machine.pk)
    assert grants.held_permissions(machine, model) & PERSONS_ALONE == set()


def test_it_holds_nothing_that_is_for_persons(machine):
    held = grants.held_permissions(machine), grants.held_permissions(machine, make_model())
    assert [found & PERSONS_ALONE for found in held] == [set(), set()]


def test_it_publishes_no_policy(machine, admin):
    draft = drafting.draft({"stage": "Production", "reason": "Four eyes."}, [{"needed": 2, "group": None}], by=admin)
    with pytest.raises((NotAllowed, NotVisible)):
        publishing.publish(draft.pk, by=machine)
    assert ApprovalPolicy.objects.get(pk=draft.pk).state == "draft"


def test_it_lifts_no_freeze(machine, admin):
    now, hour = timezone.now(), timedelta(hours=1)
    terms = {"name": "Year's end", "reason": "The books close.", "starts_at": now - hour, "ends_at": now + hour}
    freeze = freezes.set_freeze(**terms, by=admin)
    with pytest.raises(NotAllowed):
        freezes.lift(freeze.pk, reason="Over.", by=machine)
    assert FreezeWindow.objects.get(pk=freeze.pk).lifted_at is None


def test_it_takes_no_alias_out_of_protection(machine, admin):
    protected.protect("champion", reason="Served.", by=admin)
    with pytest.raises(NotAllowed):
        protected.unprotect("champion", reason="Mine.", by=machine)


def test_it_waives_no_check(machine, alice, erin):
    make_policy()
    asked = services.open_request(make_version(make_model(), 2).pk, "Production", reason="Better.", by=alice)
    assert isinstance(waivers.refusal(asked, machine), NotAllowed)


def test_it_lends_nobodys_voice(machine, erin, bob):
    with pytest.raises(NotAllowed):
        delegations.give("bob", delegator="erin", by=machine, ends_at=timezone.now() + timedelta(days=1))


def test_it_resets_nobodys_second_factor(machine, erin):
    with pytest.raises(NotAllowed):
        reset_factors(erin, reason="Lost.", by=machine)


def test_it_is_not_the_second_admin_of_an_access_review(machine, admin):
    opening.open_review("Quarter", (timezone.now() + timedelta(days=9)).date(), by=admin)
    for item in AccessReviewItem.objects.all():
        with pytest.raises((NotAllowed, NotVisible)):
            deciding.decide(item.pk, "confirm", by=machine)
    assert set(AccessReviewItem.objects.values_list("decision", "first_by")) == {("pending", None)}
