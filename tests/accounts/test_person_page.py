"""The page of one person: what it shows, to whom, and what can be changed on it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.utils import timezone

from apps.accounts import giving, profiles
from apps.accounts.factors import queries as factors
from apps.accounts.models import ApiToken, Session, User
from apps.accounts.services import create_service_account, create_token, deactivate, invite
from apps.approvals.models import Delegation
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.audit.services import Actor, Target, record
from tests.accounts.test_views import browser, text_of
from tests.builders import make_model


def page_of(person: User) -> str:
    return f"/people/{person.pk}/"


def seen(by: User, person: User) -> str:
    return text_of(browser(by).get(page_of(person)))


def sign_in(username: str, method: str, outcome: Outcome = Outcome.DONE) -> None:
    with transaction.atomic():
        record(
            Action.SESSION_STARTED,
            by=Actor(username),
            target=Target("person", username),
            outcome=outcome,
            method=method,
        )


@pytest.mark.parametrize("who", ["alice", "bob", "mallory"])
def test_who_does_not_manage_people_finds_no_page_not_even_their_own(request, who, admin):
    person = request.getfixturevalue(who)
    found = [browser(person).get(page_of(of)).status_code for of in (person, admin)]
    assert (found, browser(person).get("/people/999999/").status_code) == ([404, 404], 404)


@pytest.mark.parametrize("number", [0, 2**63, 10**40])
def test_a_number_that_is_nobodys_is_not_found(admin, number):
    assert browser(admin).get(f"/people/{number}/").status_code == 404


def test_the_list_of_people_leads_to_each_of_them(admin, alice):
    assert f'href="{page_of(alice)}"' in browser(admin).get("/people/").content.decode()


def test_each_role_stands_there_with_what_gives_it_and_until_when(admin, alice):
    desk = Group.objects.create(name="desk")
    alice.groups.add(desk)
    last = timezone.now().date() + timedelta(days=9)
    giving.give_grant(desk, "reviewer", "pattern", value="churn-*", by=admin, reason="They sign.", until=last)
    giving.give_grant(alice, "viewer", "model", model=make_model("scores"), by=admin, reason="She asked.")
    page = seen(admin, alice)
    told = (
        "names like churn-*",
        "the group desk",
        f"{last:%Y-%m-%d}",
        "scores",
        "given to the person",
        "Data scientist",
    )
    assert [words for words in told if words not in page] == []


def test_roles_on_the_whole_registry_come_first_and_single_permissions_are_named(admin, mallory):
    giving.give_grant(mallory, "viewer", "tag", value="team=x", by=admin, reason="Yes.")
    giving.give_grant(mallory, "audit:read", by=admin, reason="Audits.")
    profile = profiles.profile_of(mallory, admin)
    assert ([chain.grant.role for chain in profile.chains], profile.singles) == (
        ["audit:read", "viewer"],
        ["audit:read"],
    )


def test_ended_grants_are_not_there(admin, mallory):
    grant = giving.give_grant(mallory, "viewer", by=admin, reason="Yes.")
    giving.end_grant(grant.pk, by=admin, reason="Over.")
    assert profiles.profile_of(mallory, admin).chains == []


def test_a_group_that_is_called_like_the_person_gives_them_nothing(admin, mallory):
    giving.give_grant(Group.objects.create(name="mallory"), "viewer", by=admin, reason="Yes.")
    assert profiles.profile_of(mallory, admin).total == 0


def test_more_grants_than_are_shown_are_counted(admin, mallory, monkeypatch):
    monkeypatch.setattr(profiles, "GRANTS_SHOWN", 2)
    for number in range(3):
        giving.give_grant(mallory, "viewer", "pattern", value=f"m-{number}", by=admin, reason="Yes.")
    profile = profiles.profile_of(mallory, admin)
    assert (len(profile.chains), profile.total, profile.more) == (2, 3, 1)
    assert "and 1 more." in seen(admin, mallory)


def test_a_grant_on_a_model_that_the_reader_does_not_see_is_not_named_or_counted(admin, alice, mallory):
    giving.give_grant(alice, "viewer", "model", model=make_model("secret"), by=admin, reason="Yes.")
    giving.give_grant(mallory, "people:manage", by=admin, reason="Help desk.")
    clerk = User.objects.get(pk=mallory.pk)
    assert ("secret" in seen(clerk, alice), profiles.profile_of(alice, clerk).total) == (False, 1)


@pytest.mark.parametrize("state", ["active", "invited", "deactivated"])
def test_it_says_whether_somebody_can_come_in(admin, alice, state):
    if state == "deactivated":
        deactivate(alice, by=admin, reason="Left.")
    person = invite(by=admin, username="zoe").invitation.person if state == "invited" else alice
    person.refresh_from_db()
    assert profiles.state_of(person) == state
    assert state.title() in seen(admin, person)


def test_an_invitation_that_has_ended_makes_nobody_invited(admin):
    made = invite(by=admin, username="zoe").invitation
    type(made).objects.update(expires_at=timezone.now())
    assert profiles.state_of(made.person) == "active"


def test_the_last_sign_in_is_the_last_good_one_with_its_method(admin, alice):
    sign_in("alice", "password, totp")
    sign_in("alice", "password", Outcome.REFUSED)
    assert profiles.signed_in_last(alice).method == "password, totp"
    assert "by password, totp" in seen(admin, alice)


def test_factors_are_named_without_their_secrets(admin, alice):
    row = factors.Authenticator.objects.create(user=alice, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    page = browser(admin).get(page_of(alice)).content.decode()
    assert ("Authenticator app" in page, row.data["secret"] in page) == (True, False)


def test_sessions_are_counted_and_ended(admin, alice):
    client = browser(alice)
    assert "1 session" in seen(admin, alice)
    answer = browser(admin).post(page_of(alice), {"do": "end_sessions", "reason": "A lost laptop."})
    assert (answer.status_code, answer["Location"]) == (302, page_of(alice))
    assert (Session.objects.filter(person=alice).count(), client.get("/account/").status_code) == (0, 302)


def test_a_token_is_shown_and_revoked_with_a_reason(admin, alice):
    made = create_token("laptop", by=alice, scope="write")
    page = browser(admin).get(page_of(alice)).content.decode()
    assert (made.token.prefix in page, made.text in page, made.token.digest in page) == (True, False, False)
    answer = browser(admin).post(page_of(alice), {"do": "revoke", "token": made.token.prefix, "reason": "Leaked."})
    event = AuditEvent.objects.latest("id")
    assert (answer.status_code, event.action, event.actor, event.reason) == (302, "token.revoked", "admin", "Leaked.")
    assert ApiToken.objects.get().usable is False


def test_revoking_without_a_reason_comes_back_open_on_its_field(admin, alice):
    prefix = create_token("laptop", by=alice).token.prefix
    answer = browser(admin).post(page_of(alice), {"do": "revoke", "token": prefix, "reason": " "})
    page, field = answer.content.decode(), f"revoke-{prefix}-reason"
    assert (answer.status_code, f'href="#{field}"' in page, f'id="{field}"' in page) == (400, True, True)
    assert ApiToken.objects.get().usable is True


def test_only_this_persons_tokens_are_revoked_on_their_page(admin, alice, bob):
    prefix = create_token("laptop", by=bob).token.prefix
    for sent in (prefix, "", "\0"):
        answer = browser(admin).post(page_of(alice), {"do": "revoke", "token": sent, "reason": "Leaked."})
        assert answer.status_code == 404
    assert ApiToken.objects.get().usable is True


def test_nobodys_tokens_are_made_or_renewed_there(admin, alice):
    create_token("laptop", by=alice)
    page = browser(admin).get(page_of(alice)).content.decode()
    assert ('value="renew"' in page, 'value="create"' in page) == (False, False)
    for do in ("renew", "create", "", "invite"):
        assert browser(admin).post(page_of(alice), {"do": do, "name": "x", "reason": "x"}).status_code == 400


def test_the_person_of_the_page_is_changed_whoever_is_sent(admin, alice, bob):
    sent = {"do": "deactivate", "person": "bob", "reason": "Left."}
    assert browser(admin).post(page_of(alice), sent).status_code == 302
    states = dict(User.objects.filter(username__in=["alice", "bob"]).values_list("username", "is_active"))
    assert states == {"alice": False, "bob": True}


def test_deactivating_without_a_reason_comes_back_on_its_field(admin, alice):
    answer = browser(admin).post(page_of(alice), {"do": "deactivate", "reason": ""})
    assert (answer.status_code, 'href="#deactivate-alice-reason"' in answer.content.decode()) == (400, True)


def test_oneself_is_offered_no_change(admin):
    assert 'name="do"' not in browser(admin).get(page_of(admin)).content.decode()


def test_delegations_and_decisions_stand_there(admin, alice, bob, erin):
    now = timezone.now()
    Delegation.objects.create(delegator=erin, delegate=bob, starts_at=now, ends_at=now + timedelta(days=2))
    assert ("They review for Erin" in seen(admin, bob), "Bob reviews for them" in seen(admin, erin)) == (True, True)
    assert "actor=bob&amp;action=request.reviewed" in browser(admin).get(page_of(bob)).content.decode()


def test_a_machine_has_a_page_that_leads_to_where_its_tokens_are_made(admin):
    machine = create_service_account("ci", by=admin)
    page = browser(admin).get(page_of(machine)).content.decode()
    assert (f"/people/service-accounts/{machine.pk}/" in page, "Second factors" in page) == (True, False)


def test_nobody_who_is_signed_out_sees_anything(alice):
    assert Client().get(page_of(alice)).status_code == 302
