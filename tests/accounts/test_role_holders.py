"""Who holds which role on what, on the page of roles."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts import giving, role_table
from apps.accounts.models import Grant, User
from apps.errors import InvalidInput
from tests.accounts.test_grants import fresh
from tests.builders import make_model


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user, backend="apps.accounts.backends.PersonBackend")
    return client


def held(holder, role="viewer", scope="pattern", value="churn-*", **more) -> Grant:
    kind = "group" if isinstance(holder, Group) else "person"
    fields = {"reason": "Needed.", "made_by": "admin"} | more
    return Grant.objects.create(**{kind: holder}, role=role, scope=scope, value=value, **fields)


def everybody(user, size=50, **wanted) -> list[tuple[str, str]]:
    """Every page after the other: who holds what on which value."""
    found, after = [], None
    while True:
        rows, after = role_table.holders(user, wanted | {"after": after}, size)
        found += [(row.grant.holder_name, row.on) for row in rows]
        if after is None:
            return found


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_groups_come_first_then_persons_each_by_name_on_pages_of_any_size(admin, alice, bob, size):
    Grant.objects.all().delete()
    zebras, ants = Group.objects.create(name="zebras"), Group.objects.create(name="ants")
    for holder in (bob, zebras, alice, ants, alice):
        held(holder, value=f"m-{Grant.objects.count()}")
    assert [name for name, _on in everybody(admin, size)] == ["ants", "zebras", "alice", "alice", "bob"]


def test_what_has_ended_is_not_held(admin, team_of):
    team = team_of("team")
    held(team, value="gone", ended_at=timezone.now(), ended_by="admin", ended_reason="Over.")
    held(team, value="over", until=timezone.now())
    assert everybody(admin, holder="team") == []


def test_holders_are_found_by_role_and_scope(admin, team_of):
    team = team_of("team")
    held(team, value="churn-*")
    held(team, scope="tag", value="team=growth")
    held(team, role="reviewer", scope="tag", value="team=growth")
    assert everybody(admin, role="viewer", scope="tag") == [("team", "tag team=growth")]


def test_a_grant_on_a_model_out_of_sight_is_not_listed(admin, mallory, team_of):
    secret = make_model("secret")
    held(team_of("others"), scope="model", value="", model_id=secret.pk)
    giving.give_grant(mallory, "people:manage", by=admin, reason="Help desk.")
    assert everybody(fresh(mallory), holder="others") == []
    assert everybody(fresh(admin), holder="others") == [("others", "secret")]


def test_a_page_goes_on_from_a_grant_that_ended_meanwhile(admin, team_of):
    team = team_of("team")
    held(team, value="a")
    held(team, value="b")
    rows, after = role_table.holders(admin, {"holder": "team"}, 1)
    Grant.objects.filter(pk=rows[0].grant.pk).update(ended_at=timezone.now(), ended_by="x", ended_reason="x")
    rows, after = role_table.holders(admin, {"holder": "team", "after": after}, 1)
    assert ([row.on for row in rows], after) == (["names like b"], None)


def test_a_page_after_a_grant_that_is_not_there_is_refused(admin):
    with pytest.raises(InvalidInput) as caught:
        role_table.holders(admin, {"after": 987654}, 50)
    assert caught.value.field == "after"
    assert signed_in(admin).get("/people/roles/?after=987654").status_code == 400
    assert signed_in(admin).get("/people/roles/?after=x").status_code == 400


def test_the_page_says_until_when_and_why(admin, team_of):
    giving.give_grant(
        team_of("team"), "reviewer", "tag", value="team=growth", by=admin, reason="Signs for growth.",
        until=timezone.now().date(),
    )  # fmt: skip
    page = signed_in(admin).get("/people/roles/?holder=team").content.decode()
    assert f"{timezone.now():%Y-%m-%d}</td>" in page
    assert ("Signs for growth." in page, "tag team=growth" in page) == (True, True)
    assert "/people/grants/?holder=team&amp;role=reviewer&amp;scope=tag" in page


def test_the_page_costs_as_many_queries_for_many_grants(admin, team_of):
    team, counts, client = team_of("team"), [], signed_in(admin)
    for number in (1, 40):
        Grant.objects.bulk_create(
            Grant(person=person, role="viewer", scope="model", model_id=make_model(f"m{number}-{n}").pk,
                  reason="x", made_by="admin")
            for n, person in enumerate(User.objects.bulk_create(User(username=f"p{number}-{n}") for n in range(number)))
        )  # fmt: skip
        held(team, value=f"v-{number}")
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get("/people/roles/").status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]


@pytest.fixture
def team_of(db):
    return lambda name: Group.objects.create(name=name)
