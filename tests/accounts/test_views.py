"""The pages about people, one's own account and the theme. Signing in and out is tested beside its services."""

import re

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from apps.accounts import grants
from apps.accounts.authentication import usable_token
from apps.accounts.models import ApiToken, User
from apps.accounts.roles import VIEWER
from apps.accounts.services import create_service_account, create_token
from apps.audit.models import AuditEvent
from tests.builders import make_model

PEOPLE, ACCOUNT, THEME = "/people/", "/account/", "/theme/"
HOSTILE = "<script>alert('x')</script>/%41 ü"


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="apps.accounts.backends.PersonBackend")
    return client


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def group_page(group):
    return f"/people/groups/{group.pk}/"


def send(user, do, **fields):
    return browser(user).post(PEOPLE, {"do": do} | fields)


@pytest.fixture
def group(db) -> Group:
    return Group.objects.create(name="Churn team")


# --- people ---


def test_addresses_are_the_ones_that_others_link_to():
    assert [reverse(f"accounts:{name}") for name in ("people", "account", "theme")] == [PEOPLE, ACCOUNT, THEME]


def test_only_those_who_manage_people_open_the_page(admin, bob, mallory):
    assert [browser(user).get(PEOPLE).status_code for user in (admin, bob, mallory)] == [200, 403, 403]
    assert Client().get(PEOPLE)["Location"] == f"{reverse('accounts:sign-in')}?next={PEOPLE}"


def test_others_change_nothing(bob, group):
    answers = [send(bob, "new_group", name="Mine"), send(bob, "add_member", group=group.pk, person="bob")]
    assert ([answer.status_code for answer in answers], Group.objects.filter(name="Mine").count()) == ([403, 403], 0)


def test_a_role_on_the_whole_registry_is_set_and_shown(admin, group):
    response = send(admin, "grant", group=group.pk, rank="viewer", reviewer="on", model="", reason="New team.")
    assert (response["Location"], grants.roles_held(group)) == (group_page(group), ["viewer", "reviewer"])
    assert "Churn team 0 Viewer Reviewer 0" in text_of(browser(admin).get(PEOPLE))
    assert "Whole registry Viewer Reviewer" in text_of(browser(admin).get(group_page(group)))


def test_a_role_on_one_model_is_set_and_shown(admin, group):
    model = make_model(HOSTILE)
    send(admin, "grant", group=group.pk, rank="data_scientist", model=HOSTILE, reason="Theirs.")
    assert (grants.roles_held(group, model), grants.roles_held(group)) == (["data_scientist"], [])
    page = browser(admin).get(group_page(group))
    assert escape(reverse("registry:model-detail", args=[HOSTILE])) in page.content.decode()
    assert b"<script>alert" not in page.content


@pytest.mark.parametrize(
    ("fields", "field"), [({"rank": "king"}, "rank"), ({"model": "unheard of"}, "model"), ({"reason": ""}, "reason")]
)
def test_a_malformed_grant_comes_back_on_the_page_of_its_group_and_names_the_field(admin, group, fields, field):
    values = {"group": group.pk, "rank": "viewer", "model": "", "reason": "r"} | fields
    response = send(admin, "grant", **values)
    assert (response.status_code, list(response.context["grant"].errors)) == (400, [field])
    assert f'href="#grant-{group.pk}-{field}"' in response.content.decode()
    assert f'id="grant-{group.pk}-{field}"' in response.content.decode()


def test_members_come_and_go(admin, alice, group):
    send(admin, "add_member", group=group.pk, person="alice")
    assert list(group.user_set.all()) == [alice]
    assert "Why does Alice leave Churn team?" in text_of(browser(admin).get(group_page(group)))
    send(admin, "remove_member", group=group.pk, person="alice", reason="Moved to fraud.")
    assert list(group.user_set.all()) == []
    assert AuditEvent.objects.latest("id").reason == "Moved to fraud."


def test_a_removal_without_a_reason_comes_back_open_on_its_field(admin, alice, group):
    send(admin, "add_member", group=group.pk, person="alice")
    response = send(admin, "remove_member", group=group.pk, person="alice", reason=" ")
    page = response.content.decode()
    assert (response.status_code, list(group.user_set.all())) == (400, [alice])
    assert f'href="#remove-member-{group.pk}-alice-reason"' in page
    assert f'id="remove-member-{group.pk}-alice-reason"' in page
    assert page.count('<details class="dialog dialog-start" open>') == 1


def test_a_person_is_deactivated_and_reactivated_with_a_reason(admin, alice):
    client = browser(alice)
    assert client.get(ACCOUNT).status_code == 200
    assert send(admin, "deactivate", person="alice", reason="Left.")["Location"] == PEOPLE
    assert client.get(ACCOUNT).status_code == 302
    assert "Alice inactive" in text_of(browser(admin).get(PEOPLE))
    assert send(admin, "reactivate", person="alice", reason="Came back.")["Location"] == PEOPLE
    alice.refresh_from_db()
    assert (alice.is_active, client.get(ACCOUNT).status_code) == (True, 302)


def test_deactivating_without_a_reason_comes_back_on_its_field(admin, alice):
    response = send(admin, "deactivate", person="alice", reason="")
    assert (response.status_code, list(response.context["standing"].errors)) == (400, ["reason"])
    assert 'href="#deactivate-alice-reason"' in response.content.decode()
    assert 'id="deactivate-alice-reason"' in response.content.decode()


def test_oneself_is_not_offered_and_refused(admin):
    assert b'id="deactivate-admin-reason"' not in browser(admin).get(PEOPLE).content
    response = send(admin, "deactivate", person="admin", reason="Enough.")
    assert (response.status_code, "You cannot deactivate yourself" in text_of(response)) == (403, True)


def test_an_unknown_person_is_refused_on_the_field(admin, group):
    response = send(admin, "add_member", group=group.pk, person="nobody")
    assert response.status_code == 400
    assert "Nobody has this user name" in text_of(response)


def test_the_last_admin_stays(admin):
    group = admin.groups.get()
    response = send(admin, "remove_member", group=group.pk, person="admin", reason="Enough.")
    assert (response.status_code, group.user_set.count()) == (403, 1)
    assert "nobody could manage people" in text_of(response)


def test_a_new_person_can_sign_in(admin):
    send(admin, "new_person", username="zoe", first_name="Zoë", password="a long enough secret")
    response = Client().post(reverse("accounts:sign-in"), {"username": "zoe", "password": "a long enough secret"})
    assert response.status_code == 302


def test_a_short_password_is_refused_and_never_sent_back(admin):
    response = send(admin, "new_person", username="zoe", password="short one")
    assert (response.status_code, list(response.context["new_person"].errors)) == (400, ["password"])
    assert (b"short one" in response.content, User.objects.filter(username="zoe").exists()) == (False, False)


def test_a_group_twice_is_a_conflict_on_its_name(admin, group):
    response = send(admin, "new_group", name=group.name)
    assert (response.status_code, list(response.context["new_group"].errors)) == (409, ["name"])


@pytest.mark.parametrize(("query", "status"), [({"page": "1"}, 200), ({"page": "x"}, 400), ({"page": "-1"}, 400)])
def test_a_malformed_page_is_a_400(admin, query, status):
    assert browser(admin).get(PEOPLE, query).status_code == status


def test_an_unknown_form_is_a_400(admin):
    assert send(admin, "everything").status_code == 400


def test_the_page_asks_the_same_number_of_queries_whatever_its_length(admin):
    model, client, counts, made = make_model(), browser(admin), [], 0
    for length in (1, 10, 100):
        for _ in range(length - made):
            made += 1
            group = Group.objects.create(name=f"group {made}")
            grants.set_role(group, [VIEWER], model)
            User.objects.create(username=f"person{made}").groups.add(group)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(PEOPLE).status_code == 200
        counts.append(len(queries))
    assert counts == [counts[0]] * 3


# --- account ---


def test_the_account_says_what_one_may_do(bob, mallory):
    assert "ML engineer Deploys" in text_of(browser(bob).get(ACCOUNT))
    assert "You see no models yet." in text_of(browser(mallory).get(ACCOUNT))


def test_a_token_is_shown_once_and_works(bob):
    client = browser(bob)
    response = client.post(ACCOUNT, {"do": "create", "name": "CI", "scope": "read", "days": "30"})
    text = response.context["made"].text
    assert (text in response.content.decode(), text in client.get(ACCOUNT).content.decode()) == (True, False)
    assert "no-store" in response["Cache-Control"]
    assert Client().get("/api/v1/me/", headers={"Authorization": f"Bearer {text}"}).status_code == 200


@pytest.mark.parametrize(("field", "value"), [("name", ""), ("scope", "all"), ("days", "366"), ("days", "soon")])
def test_a_malformed_token_names_the_field(bob, field, value):
    fields = {"do": "create", "name": "CI", "scope": "read", "days": "30"} | {field: value}
    response = browser(bob).post(ACCOUNT, fields)
    assert (response.status_code, list(response.context["form"].errors)) == (400, [field])
    assert ApiToken.objects.count() == 0


def test_a_token_is_revoked_by_its_owner_alone(bob, alice):
    browser(bob).post(ACCOUNT, {"do": "create", "name": "CI", "scope": "read", "days": "30"})
    token = ApiToken.objects.get()
    assert browser(alice).post(ACCOUNT, {"do": "revoke", "prefix": token.prefix}).status_code == 404
    assert browser(bob).post(ACCOUNT, {"do": "revoke", "prefix": token.prefix}).status_code == 302
    token.refresh_from_db()
    assert token.usable is False
    assert "revoked" in text_of(browser(bob).get(ACCOUNT))


def test_someone_elses_tokens_are_not_listed(bob, alice):
    browser(bob).post(ACCOUNT, {"do": "create", "name": "secret name", "scope": "read", "days": "30"})
    assert "secret name" not in text_of(browser(alice).get(ACCOUNT))


# --- theme ---


@pytest.mark.parametrize("theme", ["light", "dark", "system"])
def test_the_theme_is_kept_in_a_cookie_and_shown(bob, theme):
    client = browser(bob)
    response = client.post(THEME, {"theme": theme, "next": "/account/?x=1"})
    cookie = response.cookies["theme"]
    assert (response["Location"], cookie.value, cookie["samesite"]) == ("/account/?x=1", theme, "Lax")
    assert (f'data-theme="{theme}"' in client.get(ACCOUNT).content.decode()) is (theme != "system")


@pytest.mark.parametrize("following", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_the_way_back_stays_on_this_host(bob, following):
    assert browser(bob).post(THEME, {"theme": "dark", "next": following})["Location"] == reverse("home")


def test_an_unknown_theme_is_a_400_and_a_get_is_not_allowed(bob):
    assert browser(bob).post(THEME, {"theme": "pink"}).status_code == 400
    assert browser(bob).get(THEME).status_code == 405


# --- renewing, models, service accounts ---


def token_form(**fields):
    return {"do": "create", "name": "ci", "scope": "gate", "days": "90", "models": ""} | fields


def test_a_token_limited_to_models_is_made_and_its_models_are_named(alice):
    model = make_model(HOSTILE)
    browser(alice).post(ACCOUNT, token_form(models=f"{HOSTILE}\r\n\r\n"))
    page = browser(alice).get(ACCOUNT)
    assert ApiToken.objects.get().limited_to == [model.pk]
    assert (escape(HOSTILE) in page.content.decode(), b"<script>alert" in page.content) == (True, False)


def test_a_model_that_is_not_there_is_refused_on_its_field(alice):
    response = browser(alice).post(ACCOUNT, token_form(models="unheard of"))
    assert (response.status_code, list(response.context["part"].form.errors)) == (400, ["models"])


def test_where_a_token_was_used_from_is_shown(alice):
    ApiToken.objects.filter(pk=create_token("ci", by=alice).token.pk).update(last_used_from="192.0.2.7")
    assert "from 192.0.2.7" in text_of(browser(alice).get(ACCOUNT))


def test_a_renewed_token_is_shown_once_with_the_end_of_the_old_one(alice):
    made = create_token("ci", by=alice)
    form = {"do": "renew", "token": made.token.prefix, "overlap": "2"}
    response = browser(alice).post(ACCOUNT, form)
    text = response.context["part"].made.text
    assert (usable_token(text), usable_token(made.text)) == (made.token, made.token)
    assert (text in response.content.decode(), text in browser(alice).get(ACCOUNT).content.decode()) == (True, False)
    assert "The secret before it works until" in text_of(response)


def test_too_long_an_overlap_comes_back_open_on_its_field(alice):
    made = create_token("ci", by=alice)
    form = {"do": "renew", "token": made.token.prefix, "overlap": "169"}
    response = browser(alice).post(ACCOUNT, form)
    assert (response.status_code, list(response.context["part"].renewal.errors)) == (400, ["overlap"])
    field = f"renew-{made.token.prefix}-overlap"
    assert [word in response.content.decode() for word in (f'href="#{field}"', f'id="{field}"')] == [True, True]
    assert usable_token(made.text) == made.token


def test_a_token_is_renewed_for_the_days_that_were_asked(alice):
    made = create_token("ci", by=alice)
    browser(alice).post(ACCOUNT, {"do": "renew", "token": made.token.prefix, "overlap": "2", "days": "7"})
    assert (ApiToken.objects.get().expires_at - timezone.now()).days in (6, 7)


@pytest.mark.parametrize("days", ["0", "366", "x"])
def test_days_of_a_renewal_come_back_open_on_their_field(alice, days):
    made = create_token("ci", by=alice)
    form = {"do": "renew", "token": made.token.prefix, "overlap": "2", "days": days}
    response = browser(alice).post(ACCOUNT, form)
    field = f"renew-{made.token.prefix}-days"
    assert (response.status_code, list(response.context["part"].renewal.errors)) == (400, ["days"])
    assert [word in response.content.decode() for word in (f'href="#{field}"', f'id="{field}"')] == [True, True]
    assert usable_token(made.text) == made.token


def test_a_token_whose_owner_is_deactivated_does_not_say_that_it_expired(admin, alice):
    create_token("ci", by=alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)  # by other hands than the service, which revokes it
    text = text_of(browser(admin).get(f"/people/{alice.pk}/"))
    assert ("its owner is deactivated" in text, "expired on" in text) == (True, False)


def page_of(username):
    return f"/people/service-accounts/{User.objects.get(username=username).pk}/"


def test_a_service_account_is_added_and_gets_its_token_on_its_page(admin):
    send(admin, "new_service_account", username="ci", name="CI of churn")
    assert "CI of churn (service account)" in text_of(browser(admin).get(PEOPLE))
    response = browser(admin).post(page_of("ci"), token_form())
    token = usable_token(response.context["part"].made.text)
    assert (token.user.username, token.scope) == ("ci", "gate")


def test_a_service_account_that_cannot_be_comes_back_on_its_field(admin):
    response = send(admin, "new_service_account", username="admin", name="")
    assert (response.status_code, list(response.context["new_service"].errors)) == (409, ["username"])


def test_a_person_has_no_page_of_a_service_account(admin, alice):
    assert [browser(admin).get(f"/people/service-accounts/{number}/").status_code for number in (alice.pk, 99)] == [
        404
    ] * 2


def test_the_page_of_a_service_account_asks_as_often_for_ten_tokens_as_for_one(admin):
    account = create_service_account("ci", by=admin)
    counts = []
    for number in range(10):
        create_token(f"t{number}", by=admin, owner=account, models=[make_model(f"m{number}").name])
        if number in (0, 9):
            client = browser(admin)
            with CaptureQueriesContext(connection) as queries:
                client.get(page_of("ci"))
            counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_group_says_which_claims_of_single_sign_on_its_members_follow(admin, settings):
    settings.OIDC_ISSUER = "https://login.example.org"
    settings.OIDC_GROUPS = {"ml-leads": "admins", "<b>": "admins", "others": "reviewers"}
    page = browser(admin).get(group_page(admin.groups.get())).content.decode()
    assert "is a member exactly while the provider says: &lt;b&gt;, ml-leads." in page
    assert "by single sign-on: &lt;b&gt;, ml-leads" in browser(admin).get(PEOPLE).content.decode()


def test_without_single_sign_on_no_group_speaks_of_claims(admin, settings):
    settings.OIDC_GROUPS = {"ml-leads": "admins"}
    assert "the provider says" not in browser(admin).get(group_page(admin.groups.get())).content.decode()
    assert "by single sign-on" not in browser(admin).get(PEOPLE).content.decode()
