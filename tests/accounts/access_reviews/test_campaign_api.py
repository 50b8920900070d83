"""The API of access reviews."""

import pytest

from apps.accounts import services
from apps.accounts.access_reviews import deciding, lapsing
from apps.accounts.models import AccessReview
from apps.accounts.services import create_token
from tests.accounts.access_reviews.conftest import in_days, item_of
from tests.accounts.test_grant_pages import signed_in

ROOT = "/api/v1/access-reviews/"
JSON = {"content_type": "application/json"}


def test_an_admin_previews_and_opens(admin, by_name, on_model):
    client = signed_in(admin)
    preview = client.post(f"{ROOT}preview/", {"groups": ["team"]}, **JSON).json()
    digest = preview.pop("digest")
    assert preview == {
        "grants": 2, "owners": [{"owner": "admin", "grants": 1}, {"owner": "alice", "grants": 1}],
        "further_owners": 0, "confirmed_by_two": 0, "confirmed_by_nobody": 0,
    }  # fmt: skip
    body = {"name": "Q", "until": in_days(30).isoformat(), "groups": ["team"], "seen": digest}
    assert client.post(ROOT, body | {"seen": "0" * 64}, **JSON).status_code == 409
    answer = client.post(ROOT, body, **JSON)
    review = AccessReview.objects.get()
    assert (answer.status_code, answer.json()["id"], answer.json()["counts"]["pending"]) == (201, review.pk, 2)
    assert client.post(ROOT, body, **JSON).status_code == 409


def test_an_owner_lists_what_waits_and_answers(campaign, on_model, alice):
    client = signed_in(alice)
    (row,) = client.get(f"{ROOT}waiting/").json()["results"]
    assert (row["holder"], row["owner"], row["owned_because"], row["decision"]) == (
        "team", "alice", "model_owner", "pending",
    )  # fmt: skip
    answer = client.post(f"{ROOT}{campaign.pk}/decide/", {"ids": [row["id"], 2**62], "decision": "confirm"}, **JSON)
    assert [(result["item"], result["done"], result["code"]) for result in answer.json()] == [
        (row["id"], True, None), (2**62, False, "not_found"),
    ]  # fmt: skip
    assert item_of(on_model).decision == "confirmed"


def test_what_an_owner_left_is_any_admins_in_the_api_too(campaign, on_model, admin, alice):
    services.deactivate(alice, by=admin, reason="They left.")
    client = signed_in(admin)
    for path in (f"{ROOT}waiting/", f"{ROOT}{campaign.pk}/items/"):
        (row,) = [row for row in client.get(path).json()["results"] if row["grant"] == on_model.pk]
        assert (row["owner"], row["owned_because"], row["former_owner"]) == (None, "admin", "alice")
    (row,) = client.get(f"{ROOT}{campaign.pk}/items/?owner=alice").json()["results"]
    assert row["former_owner"] == "alice"


def test_what_is_decided_keeps_its_owner_in_the_api_when_they_leave(campaign, on_model, admin, alice):
    deciding.decide(item_of(on_model).pk, "confirm", by=alice)
    services.deactivate(alice, by=admin, reason="They left.")
    (row,) = signed_in(admin).get(f"{ROOT}{campaign.pk}/items/?owner=alice").json()["results"]
    assert (row["owner"], row["former_owner"], row["decision"]) == ("alice", None, "confirmed")


def test_items_are_listed_with_filters_and_unknown_ones_are_refused(campaign, by_name, on_model, admin, alice):
    client, path = signed_in(admin), f"{ROOT}{campaign.pk}/items/"
    assert [row["on"] for row in client.get(path).json()["results"]] == ["churn-eu", "names like churn-*"]
    assert [row["id"] for row in client.get(f"{path}?owner=alice").json()["results"]] == [item_of(on_model).pk]
    assert client.get(f"{path}?decision=lapsed").json()["results"] == []
    assert client.get(f"{path}?colour=red").status_code == 400
    assert [row["id"] for row in signed_in(alice).get(path).json()["results"]] == [item_of(on_model).pk]


def test_an_admin_reassigns_ends_early_and_cancels(campaign, by_name, admin, erin):
    client, path = signed_in(admin), f"{ROOT}{campaign.pk}/"
    body = {"ids": [item_of(by_name).pk], "person": "erin", "reason": "She knows them."}
    assert client.post(f"{path}reassign/", body, **JSON).json()[0]["done"] is True
    assert client.post(f"{path}reassign/", body | {"person": "nobody"}, **JSON).status_code == 400
    assert client.post(f"{path}end/", {"reason": "Enough.", "seen": 9}, **JSON).status_code == 409
    assert client.post(f"{path}end/", {"reason": "Enough.", "seen": 2}, **JSON).json()["ending_by"] == "admin"
    assert client.post(f"{path}cancel/", {"reason": "Late."}, **JSON).status_code == 409
    lapsing.tend()
    found = client.get(path).json()
    assert (found["state"], found["counts"]["lapsed"]) == ("closed", 2)


@pytest.mark.parametrize("part", ["", "items/", "decide/", "reassign/", "end/", "cancel/"])
def test_a_stranger_finds_no_campaign(campaign, mallory, part):
    body = {"ids": [1], "decision": "confirm", "person": "", "reason": "x"}
    wanted = {"decide/": ("ids", "decision"), "reassign/": ("ids", "person", "reason")}.get(part, ("reason",))
    client, path = signed_in(mallory), f"{ROOT}{campaign.pk}/{part}"
    sent = {name: body[name] for name in wanted}
    answer = client.get(path) if part in ("", "items/") else client.post(path, sent, **JSON)
    assert answer.status_code == 404
    assert client.get(ROOT).json()["results"] == []


def test_only_a_token_with_the_scope_admin_answers(campaign, on_model, alice, client):
    path, body = f"{ROOT}{campaign.pk}/decide/", {"ids": [item_of(on_model).pk], "decision": "confirm"}
    for scope, status in (("write", 403), ("admin", 200)):
        token = create_token(scope, by=alice, scope=scope).text
        answer = client.post(path, body, headers={"authorization": f"Bearer {token}"}, **JSON)
        assert (scope, answer.status_code) == (scope, status)


def test_a_token_that_is_limited_to_a_model_sees_what_is_on_it_alone(campaign, by_name, on_model, admin, client):
    token = create_token("one", by=admin, scope="read", models=["churn-eu"]).text
    answer = client.get(f"{ROOT}waiting/", headers={"authorization": f"Bearer {token}"})
    assert answer.json()["results"] == []
