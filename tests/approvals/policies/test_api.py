import pytest
from django.contrib.auth.models import Group
from django.test import Client

from apps.approvals.models import ApprovalPolicy, FreezeWindow
from tests.builders import make_model

POLICIES, FREEZES = "/api/v1/policies/", "/api/v1/freezes/"
DRAFT = {"stage": "Staging", "rules": [{"needed": 2}], "reason": "Four eyes."}
FREEZE = {
    "name": "Year's end", "starts_at": "2090-12-20T00:00:00Z", "ends_at": "2091-01-02T00:00:00Z", "reason": "Books.",
}  # fmt: skip
JSON = {"content_type": "application/json"}


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_policy_is_drafted_edited_tried_and_published(admin, ada, bob):
    Group.objects.create(name="risk")
    first, second = client_of(admin), client_of(ada)
    rules = [{"name": "Risk", "needed": 1, "group": "risk", "scopes": ["metrics"]}, {"needed": 2}]
    made = first.post(POLICIES, DRAFT | {"rules": rules, "required_checks": ["external:scan"]}, **JSON)
    assert made.status_code == 201
    number, digest = made.json()["id"], made.json()["digest"]
    assert made.json()["rules"] == [rules[0], {"name": "", "needed": 2, "group": None, "scopes": []}]
    edited = first.patch(f"{POLICIES}{number}/", {"wait_minutes": 60, "digest": digest}, **JSON)
    assert (edited.json()["wait_minutes"], len(edited.json()["rules"])) == (60, 2)
    stale = second.post(f"{POLICIES}{number}/publish/", {"digest": digest}, **JSON)
    assert stale.status_code == 409
    tried = second.get(f"{POLICIES}{number}/dry-run/").json()
    assert (tried["total"], tried["blocked"]) == (0, [])
    published = second.post(f"{POLICIES}{number}/publish/", {"digest": edited.json()["digest"]}, **JSON)
    said = (published.status_code, published.json()["state"], published.json()["revision"])
    assert said == (200, "published", 1)
    refused = [
        first.patch(f"{POLICIES}{number}/", {"wait_minutes": 0}, **JSON).status_code,
        first.delete(f"{POLICIES}{number}/").status_code,
        second.post(f"{POLICIES}{number}/publish/", {}, **JSON).status_code,
    ]
    assert refused == [409, 409, 409]


def test_who_edited_last_is_refused_with_the_reason(draft, admin):
    answer = client_of(admin).post(f"{POLICIES}{draft.pk}/publish/", {}, **JSON)
    assert (answer.status_code, answer.json()["code"]) == (403, "rule_violation")


def test_a_draft_is_discarded(draft, admin):
    assert client_of(admin).delete(f"{POLICIES}{draft.pk}/").status_code == 204
    assert ApprovalPolicy.objects.count() == 0


def test_drafts_are_listed_for_those_who_manage_policies(policy, draft, admin, bob):
    listed = [[row["id"] for row in client_of(user).get(POLICIES).json()["results"]] for user in (admin, bob)]
    assert listed == [[draft.pk, policy.pk], [policy.pk]]
    assert client_of(bob).get(f"{POLICIES}{draft.pk}/").status_code == 404


def test_one_policy_says_who_could_sign(version, policy, bob, erin):
    found = client_of(bob).get(f"{POLICIES}{policy.pk}/").json()["outlook"]
    assert found == {
        "models": 1, "sentence": "The 1 model that it governs can be signed off.", "unsolvable": [],
        "slots": [{"name": "Reviewers", "needed": 1, "people": ["bob", "erin"]}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [("required_approvals", 1), ("group", "risk"), ("stage", "Moon"), ("rules", []), ("model", "nothing"),
     ("replaces", "x"), ("required_checks", ["luck"]), ("wait_minutes", None), ("risk", None)],
)  # fmt: skip
def test_a_malformed_draft_names_the_field(admin, field, value):
    answer = client_of(admin).post(POLICIES, DRAFT | {field: value}, **JSON)
    assert (answer.status_code, [row["field"] for row in answer.json()["errors"]]) == (400, [field])
    assert ApprovalPolicy.objects.count() == 0


def test_a_freeze_is_set_listed_and_lifted(admin, bob):
    client = client_of(admin)
    made = client.post(FREEZES, FREEZE | {"stage": "Production"}, **JSON)
    assert (made.status_code, made.json()["created_by"]) == (201, "admin")
    number = made.json()["id"]
    assert [row["id"] for row in client_of(bob).get(f"{FREEZES}?standing=true").json()["results"]] == [number]
    lifted = client.post(f"{FREEZES}{number}/lift/", {"reason": "Early."}, **JSON).json()
    assert lifted["lifted_by"] == "admin"
    assert client.post(f"{FREEZES}{number}/lift/", {"reason": "Early."}, **JSON).status_code == 409
    assert client.post(f"{FREEZES}{number}/lift/", {}, **JSON).status_code == 400
    assert client.get(f"{FREEZES}?standing=true").json()["results"] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("starts_at", "soon"), ("ends_at", None), ("stage", "Moon"), ("model", "none"), ("reason", ""),
     ("until", "x")],
)  # fmt: skip
def test_a_malformed_freeze_names_the_field(admin, field, value):
    answer = client_of(admin).post(FREEZES, FREEZE | {field: value}, **JSON)
    assert (answer.status_code, [row["field"] for row in answer.json()["errors"]]) == (400, [field])
    assert FreezeWindow.objects.count() == 0


def test_freezes_of_hidden_models_are_not_listed(admin, mallory):
    make_model("hidden")
    assert client_of(admin).post(FREEZES, FREEZE | {"model": "hidden"}, **JSON).status_code == 201
    assert client_of(mallory).get(FREEZES).json()["results"] == []


@pytest.mark.parametrize(("asked", "before"), [("none", False), ("password", True), ("factor", True)])
def test_what_signing_asks_for_is_a_choice_and_the_old_field_is_still_read(admin, asked, before):
    made = client_of(admin).post(POLICIES, DRAFT | {"sign_with": asked}, **JSON).json()
    assert (made["sign_with"], made["reauthenticate"]) == (asked, before)


def test_the_old_field_is_not_written_any_more(admin):
    answer = client_of(admin).post(POLICIES, DRAFT | {"reauthenticate": True}, **JSON)
    assert (answer.status_code, [row["field"] for row in answer.json()["errors"]]) == (400, ["reauthenticate"])
    assert "sign_with" in answer.json()["errors"][0]["message"]
