"""Tokens over the API: one's own, with everything that a token must not get for itself by making another."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.authentication import usable_token
from apps.accounts.models import ApiToken, User
from apps.accounts.roles import ADMIN
from apps.accounts.services import create_service_account, create_token, deactivate, renew_token, revoke_token
from apps.accounts.tokens import NewToken
from apps.audit.models import AuditEvent
from apps.errors import NotAllowed
from tests.accounts.test_authentication import bearer
from tests.accounts.test_views import browser
from tests.builders import make_model
from tests.conftest import member

TOKENS = "/api/v1/tokens/"


def admin_token(person: User, **more: object) -> NewToken:
    return create_token("ops", by=person, scope="admin", **more)


def through(made: NewToken) -> User:
    """The person as they are behind a token."""
    return usable_token(made.text).user


def make(client: Client, **terms: object):
    return client.post(TOKENS, {"name": "ci"} | terms, content_type="application/json")


def renew(client: Client, made: NewToken, **terms: object):
    return client.post(f"{TOKENS}{made.token.prefix}/renew/", terms, content_type="application/json")


# --- making ---


def test_a_token_is_made_shown_once_and_works(alice):
    client = bearer(admin_token(alice).text)
    answer = make(client, scope="write", days=30)
    text = answer.json()["text"]
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    assert (usable_token(text).user, usable_token(text).scope) == (alice, "write")
    assert text not in client.get(TOKENS).content.decode() + str(list(AuditEvent.objects.values()))


def test_the_trail_says_through_which_token_another_was_made(alice):
    maker = admin_token(alice).token
    make(bearer(admin_token(alice).text))
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.token_name, event.token_prefix != maker.prefix) == ("token.created", "ops", True)


def test_it_is_made_in_a_browser_too(alice):
    assert make(browser(alice), scope="gate").status_code == 201


@pytest.mark.parametrize("scope", ["gate", "read", "register", "write"])
def test_a_token_that_does_not_administer_makes_renews_and_ends_none(alice, scope):
    made = create_token("ci", by=alice, scope=scope)
    client, path = bearer(made.text), f"{TOKENS}{made.token.prefix}/"
    answers = [make(client, scope="gate"), client.post(f"{path}renew/"), client.delete(path)]
    assert ([answer.status_code for answer in answers], usable_token(made.text)) == ([403] * 3, made.token)


@pytest.mark.parametrize("scope", ["gate", "read", "register", "write"])
@pytest.mark.parametrize("wanted", ["gate", "read", "register", "write", "admin"])
def test_no_token_makes_one_that_may_more_whatever_the_door_lets_in(alice, scope, wanted):
    person, covered = through(create_token("ci", by=alice, scope=scope)), ["gate", "read", "register", "write"]
    may = wanted in covered[: covered.index(scope) + 1]
    if may:
        assert create_token("new", by=person, scope=wanted).token.scope == wanted
    else:
        with pytest.raises(NotAllowed) as caught:
            create_token("new", by=person, scope=wanted)
        assert caught.value.field == "scope"
    assert ApiToken.objects.count() == 1 + may


@pytest.mark.parametrize("models", [[], ["scores"], ["churn", "scores"]])
def test_a_limited_token_makes_none_that_sees_other_models(alice, models):
    make_model("churn")
    made = create_token("ci", by=alice, scope="write", models=["churn"])
    make_model("scores")
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the model may be out of sight, or beyond the limit
        create_token("new", by=through(made), scope="read", models=models)
    assert (caught.value.field, ApiToken.objects.count()) == ("models", 1)


def test_a_limited_token_makes_one_within_its_limit(alice):
    model = make_model("churn")
    made = create_token("ci", by=alice, scope="write", models=["churn"])
    assert create_token("new", by=through(made), models=["churn"]).token.limited_to == [model.pk]


def test_no_token_makes_one_that_outlives_it(alice):
    client = bearer(admin_token(alice, days=5).text)
    refused, made = make(client, days=6), make(client, days=4)
    assert (refused.status_code, refused.json()["errors"][0]["field"], made.status_code) == (403, "days", 201)


def test_without_a_length_it_ends_with_the_token_that_made_it(alice):
    maker = admin_token(alice, days=5)
    made = make(bearer(maker.text)).json()
    assert ApiToken.objects.get(prefix=made["prefix"]).expires_at == maker.token.expires_at


def test_an_old_secret_makes_none_that_outlives_the_overlap(alice):
    maker = admin_token(alice)
    renewed = renew_token(maker.token.prefix, by=alice, overlap=2)
    assert make(bearer(maker.text), days=1).status_code == 403
    made = make(bearer(maker.text)).json()
    assert ApiToken.objects.get(prefix=made["prefix"]).expires_at == renewed.token.old_until


def test_the_refusal_is_recorded(alice):
    make(bearer(admin_token(alice, days=5).text), days=300)
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.outcome, event.actor) == ("token.created", "refused", "alice")


def test_a_token_that_is_ended_meanwhile_makes_none(alice, admin):
    maker = admin_token(alice)
    person = through(maker)
    revoke_token(maker.token.prefix, by=alice)
    with pytest.raises(NotAllowed):
        create_token("late", by=person)
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize("deed", [lambda by, _other: create_token("late", by=by),
                                  lambda by, other: renew_token(other.token.prefix, by=by)])  # fmt: skip
def test_a_secret_that_is_replaced_meanwhile_makes_and_renews_none(alice, deed):
    maker, other = admin_token(alice), create_token("other", by=alice)
    person = through(maker)
    renew_token(maker.token.prefix, by=alice, overlap=0)
    with pytest.raises(NotAllowed):
        deed(person, other)
    assert (ApiToken.objects.count(), usable_token(other.text)) == (2, other.token)


def test_a_secret_that_becomes_the_old_one_meanwhile_makes_none_that_outlives_the_overlap(alice):
    maker = admin_token(alice)
    person = through(maker)
    renewed = renew_token(maker.token.prefix, by=alice, overlap=2)
    assert create_token("late", by=person).token.expires_at == renewed.token.old_until
    with pytest.raises(NotAllowed) as caught:
        create_token("longer", by=person, days=1)
    assert caught.value.field == "days"


def test_a_token_of_somebody_shut_out_meanwhile_makes_none(alice, admin):
    person = through(admin_token(alice))
    deactivate(alice, by=admin, reason="Left.")
    with pytest.raises(NotAllowed):
        create_token("late", by=person)
    assert not ApiToken.objects.filter(revoked_at=None).exists()


@pytest.mark.parametrize(
    ("field", "terms"),
    [("name", {"name": ""}), ("scope", {"scope": "root"}), ("days", {"days": 366}), ("models", {"models": ["none"]}),
     ("owner", {"owner": "bob"}), ("models", {"scope": "admin", "models": ["churn"]})],
)  # fmt: skip
def test_what_is_wrong_is_named(alice, field, terms):
    make_model("churn")
    answer = make(browser(alice), **terms)
    assert (answer.status_code, answer.json()["errors"][0]["field"].split(".")[0]) == (400, field)
    assert not ApiToken.objects.exists()


# --- what ends along ---


def lineage(alice: User) -> list[NewToken]:
    """A token, one made through it, and one made through that."""
    first = admin_token(alice)
    second = create_token("second", by=through(first), scope="admin")
    return [first, second, create_token("third", by=through(second))]


def test_revoking_a_token_ends_all_that_were_made_through_it_and_records_each(alice):
    other, made = create_token("other", by=alice), lineage(alice)
    token = revoke_token(made[0].token.prefix, by=alice, reason="Leaked.")
    assert ([usable_token(one.text) for one in made], usable_token(other.text)) == ([None] * 3, other.token)
    events = AuditEvent.objects.filter(action="token.revoked").values_list("reason", "data__made_through")
    assert (token.ended_along, sorted(events, key=str)) == (
        2, [("Leaked.", made[0].token.prefix), ("Leaked.", made[0].token.prefix), ("Leaked.", None)],
    )  # fmt: skip


def test_renewing_without_an_overlap_ends_what_the_secret_made(alice):
    made = lineage(alice)
    renewed = renew_token(made[0].token.prefix, by=alice, overlap=0)
    assert [usable_token(one.text) for one in made[1:]] == [None, None]
    assert (usable_token(renewed.text), renewed.token.ended_along) == (made[0].token, 2)


@pytest.mark.parametrize(("overlap", "along"), [(0, 2), (1, 0)])
def test_renewing_says_over_the_api_how_many_ended_along(alice, overlap, along):
    answer = renew(browser(alice), lineage(alice)[0], overlap=overlap)
    assert (answer.status_code, answer.json()["ended_along"]) == (200, along)


def test_renewing_with_an_overlap_ends_nothing_else(alice):
    made = lineage(alice)
    renew_token(made[0].token.prefix, by=alice, overlap=1)
    assert [usable_token(one.text) for one in made] == [one.token for one in made]


def test_ending_one_leaves_what_it_was_made_through(alice):
    made = lineage(alice)
    revoke_token(made[1].token.prefix, by=alice)
    assert [usable_token(one.text) for one in made] == [made[0].token, None, None]


def test_a_secret_renewed_through_a_token_ends_with_that_token(alice):
    maker, other = admin_token(alice), create_token("other", by=alice, days=1)
    renewed = renew_token(other.token.prefix, by=through(maker))
    revoke_token(maker.token.prefix, by=alice)
    assert [usable_token(text) for text in (other.text, renewed.text)] == [None, None]


def test_a_token_made_through_one_and_renewed_through_another_ends_with_either(alice):
    first, second = admin_token(alice), admin_token(alice)
    made = create_token("made", by=through(first), scope="admin")
    child = create_token("child", by=through(made))
    made = renew_token(made.token.prefix, by=through(second), overlap=24)
    assert revoke_token(first.token.prefix, by=alice).ended_along == 2
    assert [usable_token(one.text) for one in (made, child)] == [None, None]
    assert usable_token(second.text) == second.token


def test_a_token_renewed_without_an_overlap_forgets_through_what_it_was_made(alice):
    first, second = admin_token(alice), admin_token(alice)
    made = create_token("made", by=through(first))
    made = renew_token(made.token.prefix, by=through(second), overlap=0)
    assert (revoke_token(first.token.prefix, by=alice).ended_along, usable_token(made.text)) == (0, made.token)
    assert (revoke_token(second.token.prefix, by=alice).ended_along, usable_token(made.text)) == (1, None)


def test_a_token_that_renews_itself_keeps_through_what_it_was_made(alice):
    first = admin_token(alice)
    made = create_token("made", by=through(first), scope="admin")
    made = renew_token(made.token.prefix, by=through(made), overlap=0)
    assert (revoke_token(first.token.prefix, by=alice).ended_along, usable_token(made.text)) == (1, None)


def test_tokens_that_renewed_each_other_end_together(alice):
    one, two = admin_token(alice), admin_token(alice)
    two = renew_token(two.token.prefix, by=through(one))
    one = renew_token(one.token.prefix, by=through(two))
    assert revoke_token(one.token.prefix, by=alice).ended_along == 1
    assert [usable_token(made.text) for made in (one, two)] == [None, None]


def test_the_token_of_a_service_account_ends_with_the_one_it_was_made_through(admin):
    maker, machine = admin_token(admin), create_service_account("ci", by=admin)
    made = create_token("gate", by=through(maker), owner=machine)
    revoke_token(maker.token.prefix, by=admin)
    assert usable_token(made.text) is None


def test_what_was_made_through_the_tokens_of_somebody_shut_out_ends_and_is_recorded(admin):
    ada, machine = member("ada", ADMIN), create_service_account("ci", by=admin)
    maker = admin_token(ada)
    made = create_token("gate", by=through(maker), owner=machine)
    deactivate(ada, by=admin, reason="Left.")
    assert [usable_token(one.text) for one in (maker, made)] == [None, None]
    (event,) = AuditEvent.objects.filter(action="token.revoked")
    assert (event.actor, event.reason, event.data["made_through"]) == ("admin", "Left.", maker.token.prefix)
    data = AuditEvent.objects.get(action="user.deactivated").data
    assert (data["tokens_revoked"], data["tokens_ended_along"]) == (1, 1)


def test_the_token_of_a_service_account_that_was_made_without_one_outlives_who_made_it(admin):
    ada, machine = member("ada", ADMIN), create_service_account("ci", by=admin)
    made = create_token("gate", by=ada, owner=machine)
    deactivate(ada, by=admin, reason="Left.")
    assert usable_token(made.text) == made.token


def test_the_page_says_how_many_ended_along(alice):
    made = lineage(alice)
    answer = browser(alice).post("/account/", {"do": "revoke", "prefix": made[0].token.prefix}, follow=True)
    assert "2 tokens made through it ended too." in answer.content.decode()


def test_the_answer_says_how_many_ended_along(alice):
    made = lineage(alice)
    answers = [browser(alice).delete(f"{TOKENS}{made[0].token.prefix}/") for _time in range(2)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (200, {"prefix": made[0].token.prefix, "ended_along": 2}),
        (200, {"prefix": made[0].token.prefix, "ended_along": 0}),
    ]  # fmt: skip


# --- service accounts ---


def test_an_admin_makes_the_token_of_a_service_account(admin):
    create_service_account("ci", by=admin)
    answer = make(bearer(admin_token(admin).text), account="ci", scope="gate")
    assert (answer.status_code, usable_token(answer.json()["text"]).user.username) == (201, "ci")


@pytest.mark.parametrize("account", ["ci", "bob", "nobody", "a\0b"])
def test_others_make_none_for_anybody_and_learn_of_nobody(admin, alice, bob, account):
    create_service_account("ci", by=admin)
    answer = make(bearer(admin_token(alice).text), account=account)
    assert (answer.status_code in (400, 404), ApiToken.objects.count()) == (True, 1)
    if account != "a\0b":
        assert answer.json()["detail"] == "There is no such service account, or you may not manage it."


def test_an_admin_makes_none_for_another_person(admin, bob):
    assert make(bearer(admin_token(admin).text), account="bob").status_code == 404


def test_a_service_account_makes_and_renews_none_for_itself(admin):
    machine = create_service_account("ci", by=admin)
    made = create_token("gate", by=admin, owner=machine, scope="admin")
    client = bearer(made.text)
    answers = [make(client, scope="gate"), renew(client, made)]
    assert ([answer.status_code for answer in answers], ApiToken.objects.count()) == ([403, 403], 1)


# --- listing ---


def test_ones_own_tokens_are_listed_newest_first_without_their_secrets(alice, bob):
    model = make_model("churn")
    first, second = create_token("one", by=alice, models=["churn"]), create_token("two", by=alice)
    create_token("hers", by=bob)
    answer = bearer(second.text).get(TOKENS)
    rows = answer.json()["results"]
    assert [(row["name"], row["limited"], row["models"]) for row in rows] == [
        ("two", False, []), ("one", True, [model.reference]),
    ]  # fmt: skip
    assert [word for made in (first, second) for word in (made.text, made.token.digest) if word in str(rows)] == []


def test_a_limited_token_knows_of_itself_alone(alice):
    make_model("churn")
    create_token("for the secret model", by=alice)
    rows = bearer(create_token("ci", by=alice, models=["churn"]).text).get(TOKENS).json()["results"]
    assert [row["name"] for row in rows] == ["ci"]


def test_the_list_asks_as_often_for_ten_tokens_as_for_one(alice):
    counts = []
    for number in range(10):
        create_token(f"t{number}", by=alice, models=[make_model(f"m{number}").name])
        if number in (0, 9):
            client = browser(alice)
            with CaptureQueriesContext(connection) as made:
                client.get(TOKENS)
            counts.append(len(made))
    assert counts[0] == counts[1]


# --- renewing and ending ---


def test_a_token_is_renewed_with_a_new_secret_shown_once(alice):
    made = create_token("ci", by=alice, scope="write")
    answer = browser(alice).post(f"{TOKENS}{made.token.prefix}/renew/", {"overlap": 0}, content_type="application/json")
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert (usable_token(answer.json()["text"]), usable_token(made.text)) == (made.token, None)


def test_no_token_renews_one_beyond_its_own_end_not_even_itself(alice):
    made, path = admin_token(alice, days=5), TOKENS + "{}/renew/"
    other = create_token("other", by=alice)
    for prefix in (made.token.prefix, other.token.prefix):
        answer = bearer(made.text).post(path.format(prefix), {"days": 300}, content_type="application/json")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (403, "days")
    assert usable_token(other.text) == other.token


def test_no_token_renews_one_that_may_more(alice):
    other, person = admin_token(alice, days=1), through(create_token("ci", by=alice, scope="write"))
    with pytest.raises(NotAllowed) as caught:
        renew_token(other.token.prefix, by=person)
    assert caught.value.field == "scope"


@pytest.mark.parametrize("who", ["bob", "admin"])
def test_nobody_learns_the_secret_of_somebody_elses_token(request, alice, who):
    made = create_token("ci", by=alice)
    client = bearer(admin_token(request.getfixturevalue(who)).text)
    assert renew(client, made).status_code == 404
    assert usable_token(made.text) == made.token


def test_a_token_is_ended_by_its_owner_and_by_who_manages_people(alice, admin):
    tokens = [create_token("ci", by=alice).token.prefix for _ in range(2)]
    answers = [
        bearer(admin_token(by).text).delete(f"{TOKENS}{prefix}/")
        for by, prefix in zip((alice, admin), tokens, strict=True)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert ApiToken.objects.filter(prefix__in=tokens, revoked_at=None).count() == 0


@pytest.mark.parametrize("prefix", ["000000000000", "x" * 300, "%00", "'--"])
def test_one_that_is_not_there_or_somebody_elses_is_not_found(alice, bob, prefix):
    hers = create_token("ci", by=bob).token.prefix
    client = bearer(admin_token(alice).text)
    assert [client.delete(f"{TOKENS}{name}/").status_code for name in (hers, prefix)] == [404, 404]
    assert ApiToken.objects.get(prefix=hers).usable


def test_a_renewal_ends_no_later_than_what_it_is_made_through(alice):
    made = admin_token(alice, days=5)
    renewed = renew_token(made.token.prefix, by=through(made))
    assert renewed.token.expires_at - timezone.now() < timedelta(days=5)
