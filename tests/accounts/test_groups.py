"""Groups: a table of them beside the people, and a page of each."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts import giving, grants, groups, queries
from apps.accounts.models import Grant, User
from apps.accounts.roles import REVIEWER, VIEWER
from apps.errors import NotVisible
from tests.accounts.test_grants import fresh, make_model

PEOPLE = "/people/"


def team(name: str, *members) -> Group:
    group = Group.objects.create(name=name)
    group.user_set.set(members)
    return group


def crowd(group: Group, number: int) -> None:
    start = User.objects.count()
    made = User.objects.bulk_create(User(username=f"person {start + row:04}") for row in range(number))
    group.user_set.add(*made)


def by_pattern(group: Group, number: int) -> None:
    start = group.grants.count()
    Grant.objects.bulk_create(
        Grant(group=group, role=VIEWER.name, scope="pattern", value=f"m-{start + row}", reason="x", made_by="admin")
        for row in range(number)
    )


def address(group: Group) -> str:
    return f"{PEOPLE}groups/{group.pk}/"


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="apps.accounts.backends.PersonBackend")
    return client


# --- what is read ---


def test_an_overview_names_members_and_roles(admin, alice, bob):
    model = make_model("churn")
    group = team("a team", bob, alice)
    grants.set_role(group, [VIEWER, REVIEWER], model)
    found = groups.group_overview(admin, group)
    assert [user.username for user in found.members] == ["alice", "bob"]
    assert (found.registry_roles, found.model_roles) == ([], [queries.ModelRoles(model, ["viewer", "reviewer"])])
    assert groups.group_overview(admin, admin.groups.get()).registry_roles == ["admin"]


def test_an_overview_hides_models_out_of_sight(admin, mallory):
    others, desk = team("others"), team("desk", mallory)
    grants.set_role(others, [VIEWER], make_model("secret"))
    giving.give_grant(desk, "people:manage", by=admin, reason="Help desk.")
    clerk = fresh(mallory)
    found = groups.group_overview(clerk, others)
    assert (found.model_roles, found.more) == ([], 0)
    assert [line.others for line in groups.group_lines(clerk, [others])] == [0]


def test_an_overview_shows_twenty_grants_and_counts_the_others(admin):
    group = team("many")
    by_pattern(group, 23)
    found = groups.group_overview(admin, group)
    assert (len(found.others), found.more) == (20, 3)


def test_a_line_counts_members_and_grants_besides_those_on_the_whole_registry(admin, alice, bob):
    group = team("a team", alice, bob)
    by_pattern(group, 3)
    giving.give_grant(group, "reviewer", by=admin, reason="Yes.")
    Grant.objects.filter(value="m-0").update(until=timezone.now())  # over
    line = groups.group_lines(admin, [group])[0]
    assert (line.members, line.registry_roles, line.others) == (2, ["reviewer"], 2)


def test_a_group_that_is_not_there_is_not_found(db):
    for number in (999, 2**70):
        with pytest.raises(NotVisible):
            groups.group_numbered(number)


# --- the table beside the people ---


def test_the_forms_of_the_people_page_do_not_grow_with_members_groups_and_grants(admin):
    group, counts = team("a team"), []
    for number in (50, 60):
        crowd(group, number)
        by_pattern(group, number)
        for row in range(number):
            team(f"team {number} {row:02}").user_set.add(*User.objects.all()[:5])
        counts.append(browser(admin).get(PEOPLE).content.decode().count("<form"))
    assert (counts[0], counts[0] < 70) == (counts[1], True)


def test_groups_come_twenty_five_a_page_and_the_people_stay_on_theirs(admin):
    for row in range(26):
        team(f"team {row:02}")
    crowd(team("a team"), 60)
    page = browser(admin).get(PEOPLE, {"page": "2", "groups": "2"})
    assert [line.group.name for line in page.context["lines"]] == ["team 23", "team 24", "team 25"]
    assert 'href="?page=2&amp;groups=1#groups"' in page.content.decode()
    assert 'href="?page=1&amp;groups=2"' in page.content.decode()


def test_a_search_finds_people_and_groups_by_their_names(admin, alice, bob):
    team("Bobsleigh"), team("fraud")
    page = browser(admin).get(PEOPLE, {"q": "BOB"})
    assert [person.username for person in page.context["people"]] == ["bob"]
    assert [line.group.name for line in page.context["lines"]] == ["Bobsleigh"]


def test_a_search_that_finds_nothing_says_so(admin):
    page = browser(admin).get(PEOPLE, {"q": "zebra"}).content.decode()
    assert ("Nobody is called so." in page, "No group is called so." in page) == (True, True)


@pytest.mark.parametrize("query", [{"groups": "x"}, {"groups": "-1"}, {"q": "\0"}, {"q": "x" * 151}])
def test_a_malformed_question_is_a_400(admin, query):
    assert browser(admin).get(PEOPLE, query).status_code == 400


# --- the page of one group ---


def test_only_those_who_manage_people_open_the_page_of_a_group(admin, bob, mallory):
    group = team("a team", bob)
    assert [browser(user).get(address(group)).status_code for user in (admin, bob, mallory)] == [200, 404, 404]
    assert browser(admin).get(f"{PEOPLE}groups/999/").status_code == 404


def test_members_come_fifty_a_page(admin):
    group = team("a team")
    crowd(group, 51)
    first, second = (browser(admin).get(address(group), {"page": page}).content.decode() for page in ("1", "2"))
    assert (first.count('value="remove_member"'), second.count('value="remove_member"')) == (50, 1)


def test_grants_beyond_twenty_are_behind_a_link(admin):
    group = team("R&D")
    by_pattern(group, 21)
    page = browser(admin).get(address(group)).content.decode()
    assert 'href="/people/grants/?holder=R%26D">and 1 more grant</a>' in page


def test_a_form_of_the_page_is_about_its_group_and_goes_back_to_it(admin, alice):
    group, other = team("a team"), team("another")
    answer = browser(admin).post(address(group), {"do": "add_member", "person": "alice", "group": other.pk})
    assert (answer["Location"], list(group.user_set.all()), other.user_set.count()) == (address(group), [alice], 0)


def test_a_refused_form_comes_back_on_the_page_of_its_group(admin):
    group = team("a team")
    answer = browser(admin).post(address(group), {"do": "add_member", "person": "nobody"})
    assert (answer.status_code, list(answer.context["member"].errors)) == (400, ["person"])
    assert (answer.context["group"], f'href="#add-member-{group.pk}-person"' in answer.content.decode()) == (
        group,
        True,
    )


@pytest.mark.parametrize("do", ["new_group", "deactivate", ""])
def test_forms_of_other_pages_are_refused_there(admin, do):
    assert browser(admin).post(address(team("a team")), {"do": do}).status_code == 400


@pytest.mark.parametrize(("number", "status"), [("", 400), ("x", 400), ("-1", 400), ("999", 404)])
def test_a_form_sent_to_the_people_page_has_to_name_a_group(admin, number, status):
    sent = {"do": "add_member", "group": number, "person": "admin"}
    assert browser(admin).post(PEOPLE, sent).status_code == status


def test_a_new_group_leads_to_its_page(admin):
    answer = browser(admin).post(PEOPLE, {"do": "new_group", "name": "auditors"})
    assert answer["Location"] == address(Group.objects.get(name="auditors"))


def test_a_malformed_page_of_members_is_a_400(admin):
    assert browser(admin).get(address(team("a team")), {"page": "x"}).status_code == 400


def test_the_page_of_a_group_asks_as_often_for_many_as_for_one(admin):
    group, counts = team("a team"), []
    for number in (1, 40):
        crowd(group, number)
        by_pattern(group, number)
        for row in range(number):
            grants.set_role(group, [VIEWER], make_model(f"m {number} {row}"))
        client = browser(admin)
        client.get(address(group))
        with CaptureQueriesContext(connection) as asked:
            client.get(address(group))
        counts.append(len(asked))
    assert counts[0] == counts[1]
