"""The pages and the API of roles and grants."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts import conflicts, giving, queries, role_table
from apps.accounts.models import Acknowledgement, Grant, User
from apps.accounts.permissions import Permission
from apps.audit.models import AuditEvent
from apps.errors import Conflict
from tests.accounts.test_grants import fresh
from tests.builders import make_model

GIVEN = {
    "holder": "team",
    "role": "viewer",
    "scope": "pattern",
    "value": "churn-*",
    "until": "",
    "reason": "Yes.",
}


@pytest.fixture
def team(mallory) -> Group:
    group = Group.objects.create(name="team")
    mallory.groups.add(group)
    return group


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_an_admin_gives_and_ends_a_grant_on_the_page(team, admin):
    client = signed_in(admin)
    assert client.post("/people/grants/", GIVEN).status_code == 302
    grant = Grant.objects.get(group=team)
    page = client.get("/people/grants/?holder=team").content.decode()
    assert ("names like churn-*" in page, "Yes." in page) == (True, True)
    assert client.post(f"/people/grants/{grant.pk}/end/", {"reason": ""}).status_code == 400
    assert client.post(f"/people/grants/{grant.pk}/end/", {"reason": "Over."}).status_code == 302
    assert "Over." in client.get("/people/grants/?show=ended").content.decode()


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("holder", {"holder": "nobody"}), ("value", {"value": ""}), ("value", {"scope": "model", "value": "nothing"}),
     ("until", {"until": "2001-01-01"}), ("role", {"role": "emperor"}), ("reason", {"reason": " "})],
)  # fmt: skip
def test_what_is_wrong_comes_back_on_its_field(team, admin, field, wrong):
    answer = signed_in(admin).post("/people/grants/", GIVEN | wrong)
    assert (answer.status_code, list(answer.context["form"].errors)) == (400, [field])
    assert not Grant.objects.filter(group=team).exists()


def test_the_role_table_has_the_four_known_columns_first_and_says_where_a_right_counts(admin):
    table = role_table.role_table()
    assert [permission.value for permission, _words in table.lines[:4]] == [
        "model:read", "model:write", "model:deploy", "model:delete",
    ]  # fmt: skip
    lines = {permission: dict(cells) for permission, cells in table.lines}
    assert lines[Permission.MODEL_DELETE]["Admin"] == "yes"
    assert lines[Permission.PEOPLE_MANAGE]["Admin"] == "registry"
    assert [label for label, word in lines[Permission.MODEL_REVIEW].items() if word != "no"] == ["Reviewer"]
    assert signed_in(admin).get("/people/roles/").status_code == 200


def test_the_role_table_counts_grants_by_what_they_count_on(team, admin):
    giving.give_grant(team, "viewer", "pattern", value="churn-*", by=admin, reason="Yes.")
    giving.give_grant(team, "viewer", "tag", value="team=growth", by=admin, reason="Yes.")
    counted = {
        str(scope): {column.role: held for column, held in cells} for scope, cells in role_table.role_table().scopes
    }
    assert {scope: held["viewer"] for scope, held in counted.items()} == {
        "registry": 0, "connection": 0, "risk": 0, "tag": 1, "pattern": 1, "model": 0,
    }  # fmt: skip
    assert counted["registry"]["admin"] == 1
    assert '"?role=viewer&amp;scope=tag#holders"' in signed_in(admin).get("/people/roles/").content.decode()


def test_the_list_costs_the_same_for_one_grant_and_for_many(admin, team):
    counts = []
    for first in (0, 10):
        for number in range(first, first + 1 + first):
            giving.give_grant(team, "viewer", "model", model=make_model(f"m-{number}"), by=admin, reason="Yes.")
        user = fresh(admin)
        with CaptureQueriesContext(connection) as made:
            queries.grants_page(user, {}, 50)
        counts.append(len(made))
    assert counts[0] == counts[1]


def test_the_page_of_a_group_shows_single_permissions_and_scopes_of_groups(admin, team):
    giving.give_grant(team, "audit:read", by=admin, reason="They audit.")
    giving.give_grant(team, "viewer", "tag", value="team=payments", by=admin, reason="They look.")
    page = signed_in(admin).get(f"/people/groups/{team.pk}/").content.decode()
    assert ("audit:read" in page, "tag team=payments" in page) == (True, True)


def test_the_list_goes_on_from_a_grant(admin, team):
    for number in range(3):
        giving.give_grant(team, "viewer", "pattern", value=f"m-{number}", by=admin, reason="Yes.")
    rows, more = queries.grants_page(admin, {"holder": "team"}, 2)
    rest, end = queries.grants_page(admin, {"holder": "team", "before": more}, 2)
    assert ([row.grant.value for row in rows], [row.grant.value for row in rest], end) == (
        ["m-2", "m-1"],
        ["m-0"],
        None,
    )


def test_who_reads_no_model_sees_no_grant_on_one(admin, team, mallory):
    giving.give_grant(team, "viewer", "model", model=make_model("secret"), by=admin, reason="Yes.")
    desk = Group.objects.create(name="desk")
    giving.give_grant(desk, "people:manage", by=admin, reason="Help desk.")
    clerk = fresh(mallory)
    clerk.groups.set([desk])
    assert "secret" not in signed_in(clerk).get("/people/grants/").content.decode()


def test_the_api_gives_lists_and_ends(admin, team, mallory):
    client = signed_in(admin)
    body = {
        "group": "team",
        "role": "reviewer",
        "scope": "tag",
        "value": "team=payments",
        "until": None,
        "reason": "Yes.",
    }
    made = client.post("/api/v1/grants/", body, content_type="application/json")
    assert (made.status_code, made.json()["on"], made.json()["in_force"]) == (201, "tag team=payments", True)
    own = signed_in(mallory).get("/api/v1/grants/").json()["results"]
    assert [row["id"] for row in own] == [made.json()["id"]]
    ended = client.post(f"/api/v1/grants/{own[0]['id']}/end/", {"reason": "Over."}, content_type="application/json")
    assert (ended.json()["in_force"], ended.json()["ended_by"]) == (False, "admin")
    assert client.get("/api/v1/grants/?holder=team").json()["results"] == []


@pytest.mark.parametrize("body", [{"group": "team", "person": "mallory"}, {}, {"group": "nobody"}])
def test_the_api_wants_one_holder(admin, team, body):
    sent = {"role": "viewer", "reason": "Yes."} | body
    answer = signed_in(admin).post("/api/v1/grants/", sent, content_type="application/json")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "group")


def conflicting(by) -> dict[str, int | None]:
    people = list(conflicts.candidates())
    return {row.person.username: row.models for row in conflicts.among(people, by)}


def test_who_writes_and_signs_the_same_model_is_a_conflict(admin, alice, erin, bob, mallory, team):
    churn = make_model("churn-1")
    make_model("fraud")
    assert conflicting(admin) == {"bob": None}
    giving.give_grant(team, "data_scientist", "pattern", value="churn-*", by=admin, reason="Yes.")
    giving.give_grant(mallory, "reviewer", "pattern", value="fraud*", by=admin, reason="Others'.")
    assert conflicting(admin) == {"bob": None}
    giving.give_grant(mallory, "reviewer", "model", model=churn, by=admin, reason="Hm.")
    giving.give_grant(erin, "data_scientist", "pattern", value="fraud*", by=admin, reason="Hm.")
    assert conflicting(admin) == {"bob": None, "erin": 1, "mallory": 1}
    page = signed_in(admin).get("/people/conflicts/").content.decode()
    assert ("such as churn-1" in page, "such as fraud" in page) == (True, True)


def test_a_conflict_is_acknowledged_with_a_reason_and_taken_back(admin, bob):
    client = signed_in(admin)
    said = {"person": "bob", "do": "acknowledge", "reason": "A team of two."}
    assert client.post("/people/conflicts/", said | {"reason": ""}).status_code == 400
    assert client.post("/people/conflicts/", said).status_code == 302
    assert "A team of two." in client.get("/people/conflicts/").content.decode()
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.target, event.reason) == ("conflict.acknowledged", "bob", "A team of two.")
    with pytest.raises(Conflict):
        conflicts.acknowledge(bob, by=admin, reason="Twice.")
    assert client.post("/people/conflicts/", said | {"do": "take_back", "reason": "Three now."}).status_code == 302
    assert list(Acknowledgement.objects.values_list("ended_reason", flat=True)) == ["Three now."]


def test_who_has_no_conflict_has_none_to_acknowledge(admin, alice):
    with pytest.raises(Conflict, match="does not both"):
        conflicts.acknowledge(alice, by=admin, reason="Why not?")


@pytest.fixture
def root(db) -> User:
    return User.objects.create_superuser("root")


def test_superusers_are_conflicts_without_any_grant(root, admin):
    found = conflicts.among(list(conflicts.candidates()), admin)
    assert [(row.person, row.models, row.writes, row.signs) for row in found] == [(root, None, [], [])]


def test_a_superuser_who_is_shut_out_is_no_conflict(root):
    User.objects.filter(pk=root.pk).update(is_active=False)
    assert (list(conflicts.candidates()), list(role_table.superusers())) == ([], [])


def test_the_page_of_conflicts_says_by_what_a_superuser_does_both(root, admin):
    assert signed_in(admin).get("/people/conflicts/").content.decode().count("being a superuser") == 2


def test_a_superusers_conflict_can_be_acknowledged(root, admin):
    conflicts.acknowledge(root, by=admin, reason="Runs the machine.")
    row = signed_in(admin).get("/api/v1/conflicts/").json()["results"][0]
    assert (row["person"], row["superuser"], row["acknowledged"]["reason"]) == ("root", True, "Runs the machine.")


def test_the_page_of_roles_names_the_superusers(root, admin):
    page = signed_in(admin).get("/people/roles/").content.decode()
    assert ("1 superuser holds everything" in page, f'<a href="/people/{root.pk}/">root</a>' in page) == (True, True)


def test_the_page_of_roles_names_no_superuser_where_there_is_none(admin):
    assert "superuser" not in signed_in(admin).get("/people/roles/").content.decode()
