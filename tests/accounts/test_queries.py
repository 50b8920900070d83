from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts import grants, queries
from apps.accounts.roles import REVIEWER, VIEWER
from tests.accounts.test_grants import fresh, make_model


def team(name: str, *members) -> Group:
    group = Group.objects.create(name=name)
    group.user_set.set(members)
    return group


def test_overview_names_members_and_roles(admin, alice, bob):
    model = make_model("churn")
    grants.set_role(team("a team", bob, alice), [VIEWER, REVIEWER], model)
    first, admins = queries.groups_overview(admin)[:2]
    assert (first.group.name, [user.username for user in first.members]) == ("a team", ["alice", "bob"])
    assert (first.registry_roles, first.model_roles) == ([], [queries.ModelRoles(model, ["viewer", "reviewer"])])
    assert (admins.group.name, admins.registry_roles) == ("admins", ["admin"])


def test_overview_hides_models_out_of_sight(mallory):
    grants.set_role(team("others"), [VIEWER], make_model("secret"))
    assert queries.groups_overview(mallory)[0].model_roles == []


def test_overview_costs_the_same_for_one_group_and_for_many(admin, alice):
    counts = []
    for more in (1, 9):
        for number in range(more):
            group = team(f"{more} {number}", alice)
            grants.set_role(group, [VIEWER], make_model(group.name))
        user = fresh(admin)
        with CaptureQueriesContext(connection) as made:
            queries.groups_overview(user)
        counts.append(len(made))
    assert counts[0] == counts[1]


def test_own_roles_name_the_registry_and_what_models_add(alice):
    same, more = make_model("same"), make_model("more")
    group = team("team", alice)
    grants.set_role(group, [VIEWER], same)
    grants.set_role(group, [REVIEWER], more)
    expected = [queries.ModelRoles(more, ["data_scientist", "reviewer"])]
    assert queries.own_roles(alice) == (["data_scientist"], expected)
