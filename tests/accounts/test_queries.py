from django.contrib.auth.models import Group

from apps.accounts import grants, queries
from apps.accounts.roles import REVIEWER, VIEWER
from tests.accounts.test_grants import make_model


def team(name: str, *members) -> Group:
    group = Group.objects.create(name=name)
    group.user_set.set(members)
    return group


def test_own_roles_name_the_registry_and_what_models_add(alice):
    same, more = make_model("same"), make_model("more")
    group = team("team", alice)
    grants.set_role(group, [VIEWER], same)
    grants.set_role(group, [REVIEWER], more)
    expected = [queries.ModelRoles(more, ["data_scientist", "reviewer"])]
    assert queries.own_roles(alice) == (["data_scientist"], expected)
