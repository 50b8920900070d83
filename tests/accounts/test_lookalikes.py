"""User names that nobody tells apart are refused wherever names are made."""

import pytest

from apps.accounts import lookalikes, services
from apps.accounts.models import User
from apps.errors import Conflict, InvalidInput
from tests.conftest import PASSWORD

MIXED = "аdm"
WIDE = "ａｄｍ"
CYRILLIC = "сара"

WAYS = {
    "person": lambda name, by: services.create_user(name, by=by, password=PASSWORD),
    "invitation": lambda name, by: services.invite(username=name, by=by),
    "service account": lambda name, by: services.create_service_account(name, by=by),
}
everywhere = pytest.mark.parametrize("make", WAYS.values(), ids=WAYS)


@everywhere
@pytest.mark.parametrize("name", [MIXED, WIDE, "ci-βot", "ﬁn"])
def test_a_name_that_mixes_scripts_or_stands_for_another_is_refused_on_its_field(admin, make, name):
    with pytest.raises(InvalidInput) as caught:
        make(name, admin)
    assert (caught.value.field, User.objects.filter(username=name).exists()) == ("username", False)


@everywhere
@pytest.mark.parametrize(
    "name", ["heidi", "jürgen.o", "ci-7@churn+x", "Вера7", "ελένη", "たなか一郎", "한글", "カタカナー"]
)
def test_a_name_in_one_script_is_taken(admin, make, name):
    make(name, admin)
    assert User.objects.filter(username=name).exists()


@everywhere
@pytest.mark.parametrize(
    ("there", "name"),
    [("capa", CYRILLIC), (CYRILLIC, "capa"), ("CAPA", CYRILLIC), ("Élise", "élise"), ("via", "νια")],
)
def test_a_name_that_is_drawn_as_one_that_is_there_is_taken_already(admin, make, there, name):
    User.objects.create_user(there)
    with pytest.raises(Conflict) as caught:
        make(name, admin)
    assert (caught.value.field, there in caught.value.message) == ("username", True)


def test_the_refusal_names_the_scripts(admin):
    with pytest.raises(InvalidInput, match=r"\(Cyrillic, Latin\)"):
        lookalikes.check_written(MIXED)


def test_a_name_that_was_there_before_is_left_alone_and_can_be_invited(admin):
    there = User.objects.create_user(MIXED)
    assert services.invite(username=MIXED, by=admin).invitation.person == there


def test_asking_whether_a_name_is_taken_is_one_query(admin, django_assert_num_queries):
    with django_assert_num_queries(1):
        lookalikes.taken("capa")
