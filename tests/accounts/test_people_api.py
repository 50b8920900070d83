"""People and conflicts of duties over the API."""

import pytest
from django.contrib.auth.models import Group

from apps.accounts import conflicts, giving
from apps.accounts.factors import queries as factors
from apps.accounts.models import User
from apps.accounts.roles import DATA_SCIENTIST, REVIEWER
from apps.accounts.services import create_token, deactivate
from tests.accounts.test_authentication import bearer
from tests.accounts.test_views import browser
from tests.builders import make_model
from tests.conftest import member

PEOPLE, CONFLICTS = "/api/v1/people/", "/api/v1/conflicts/"


def read(by: User, path: str, **query: str):
    answer = browser(by).get(path, query)
    return answer.json() if answer.status_code == 200 else answer.status_code


def test_a_person_is_told_with_what_they_hold_and_by_what(admin, alice):
    giving.give_grant(alice, "reviewer", "pattern", value="churn-*", by=admin, reason="She signs.")
    told = read(admin, f"{PEOPLE}alice/")
    assert (told["state"], told["roles"], told["groups"]) == ("active", ["data_scientist"], ["data_scientists"])
    assert [(row["role"], row["scope"], row["value"]) for row in told["grants"]] == [
        ("data_scientist", "registry", ""), ("reviewer", "pattern", "churn-*"),
    ]  # fmt: skip
    assert told["grants_total"] == 2


def test_secrets_are_nowhere(admin, alice):
    made = create_token("ci", by=alice)
    factors.Authenticator.objects.create(user=alice, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    told = str([read(admin, f"{PEOPLE}alice/"), read(admin, f"{PEOPLE}alice/tokens/")])
    secrets = (alice.password, made.text, made.token.digest, "JBSWY3DPEHPK3PXP")
    assert ([word for word in secrets if word in told], "'kind': 'totp'" in told) == ([], True)


def test_oneself_is_readable_and_others_are_not(alice, bob):
    create_token("hers", by=bob)
    create_token("mine", by=alice)
    assert (read(alice, f"{PEOPLE}alice/")["username"], read(alice, f"{PEOPLE}bob/")) == ("alice", 404)
    assert [row["name"] for row in read(alice, f"{PEOPLE}alice/tokens/")["results"]] == ["mine"]
    assert read(alice, f"{PEOPLE}bob/tokens/") == 404


@pytest.mark.parametrize("name", ["nobody", "%00", "x" * 500, "alice'--"])
def test_somebody_who_is_not_there_is_not_found(admin, name):
    assert [browser(admin).get(f"{PEOPLE}{name}/{more}").status_code for more in ("", "tokens/")] == [404, 404]


def test_a_token_that_does_not_administer_reads_its_own_person_alone(admin, alice):
    client = bearer(create_token("ci", by=admin, scope="write").text)
    assert [client.get(f"{PEOPLE}{name}/").status_code for name in ("admin", "alice")] == [200, 404]
    assert bearer(create_token("ci", by=admin, scope="admin").text).get(f"{PEOPLE}alice/").status_code == 200


def test_a_limited_token_learns_of_no_other_model_and_token(admin, alice):
    make_model("churn")
    giving.give_grant(alice, "viewer", "model", model=make_model("payroll"), by=admin, reason="Yes.")
    create_token("for payroll", by=alice, models=["payroll"])
    client = bearer(create_token("ci", by=alice, models=["churn"]).text)
    assert [row["name"] for row in client.get(f"{PEOPLE}alice/tokens/").json()["results"]] == ["ci"]


def test_a_limited_token_reads_no_person_not_even_its_own(alice):
    make_model("churn")
    client = bearer(create_token("ci", by=alice, models=["churn"]).text)
    assert [client.get(f"{PEOPLE}{name}/").status_code for name in ("alice", "nobody")] == [404, 404]


def test_what_is_not_known_is_named(admin):
    for path in (f"{PEOPLE}admin/", f"{PEOPLE}admin/tokens/", CONFLICTS):
        answer = browser(admin).get(path, {"colour": "red"})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "colour")


def test_somebody_deactivated_holds_nothing(admin, alice):
    deactivate(alice, by=admin, reason="Left.")
    told = read(admin, f"{PEOPLE}alice/")
    assert (told["state"], told["roles"], told["permissions"]) == ("deactivated", [], [])


# --- conflicts ---


def test_a_conflict_is_told_with_both_chains(admin):
    member("both", DATA_SCIENTIST, REVIEWER)
    (row,) = read(admin, CONFLICTS)["results"]
    chains = [[grant["group"] for grant in row[kind]] for kind in ("registers_by", "signs_by")]
    assert (row["person"], row["models"], chains) == ("both", None, [["data_scientists"], ["reviewers"]])


def test_conflicts_on_some_models_are_counted_with_an_example(admin, mallory):
    desk = Group.objects.create(name="desk")
    mallory.groups.add(desk)
    giving.give_grant(desk, "data_scientist", "model", model=make_model("churn"), by=admin, reason="Yes.")
    giving.give_grant(desk, "reviewer", "pattern", value="ch*", by=admin, reason="Yes.")
    (row,) = read(admin, CONFLICTS)["results"]
    assert (row["person"], row["models"], row["example"]) == ("mallory", 1, "churn")


def test_conflicts_are_filtered_by_person_and_by_whether_they_are_wanted(admin):
    for name in ("one", "two"):
        member(name, DATA_SCIENTIST, REVIEWER)
    conflicts.acknowledge(User.objects.get(username="one"), by=admin, reason="A team of two.")
    found = {
        str(query): [row["person"] for row in read(admin, CONFLICTS, **query)["results"]]
        for query in ({"acknowledged": "true"}, {"acknowledged": "false"}, {"person": "two"}, {"person": "nobody"})
    }
    assert list(found.values()) == [["one"], ["two"], ["two"], []]
    assert read(admin, CONFLICTS)["results"][0]["acknowledged"]["reason"] == "A team of two."


@pytest.mark.parametrize("who", ["alice", "bob", "mallory"])
def test_conflicts_are_for_those_who_manage_people(request, who, db):
    assert read(request.getfixturevalue(who), CONFLICTS) == 403


def test_conflicts_take_a_token_that_administers(admin):
    answers = [bearer(create_token("x", by=admin, scope=scope).text).get(CONFLICTS) for scope in ("write", "admin")]
    assert [answer.status_code for answer in answers] == [403, 200]
