from urllib.parse import quote

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from apps.approvals.models import ApprovalRequest, DriftFinding, ProtectedAlias
from tests.approvals.drift.conftest import move, point
from tests.builders import make_model, make_policy, make_version
from tests.conftest import PASSWORD


@pytest.fixture
def as_(db):
    """A signed-in client of a person."""

    def sign_in(user) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


def text(response) -> str:
    return " ".join(response.content.decode().split())


def test_the_inbox_shows_what_needs_attention(as_, drifted, bob):
    page = text(as_(bob).get("/drift/"))
    assert ("churn v2" in page, "not recorded by MLflow" in page) == (True, True)


def test_the_inbox_is_empty_for_a_stranger(as_, drifted, mallory):
    page = text(as_(mallory).get("/drift/"))
    assert ("churn v2" in page, "MLflow and the decisions agree" in page) == (False, True)


@pytest.mark.parametrize(
    ("query", "found"),
    [("", True), ("?kind=stage", True), ("?kind=alias", False), ("?state=open", True), ("?state=requested", False),
     ("?connection=default", True), ("?connection=eu", False), ("?show=settled", False)],
)  # fmt: skip
def test_the_inbox_is_narrowed(as_, drifted, bob, query, found):
    assert ("churn v2" in text(as_(bob).get(f"/drift/{query}"))) == found


def test_the_page_says_what_is_known_of_who(as_, drifted, bob):
    page = text(as_(bob).get(f"/drift/{drifted.pk}/"))
    assert (
        "MLflow does not record who changes its registry. The version itself was trained or registered by alice."
        in page
    )


def test_a_settled_finding_is_told_as_the_past(as_, drifted, version, bob):
    move(version, "Staging")
    page = text(as_(bob).get(f"/drift/{drifted.pk}/"))
    assert "MLflow had churn v2 in Production; Staging was expected." in page
    assert "MLflow says" not in page


def test_a_refusal_comes_back_with_the_reason_kept(as_, drifted, charlie):
    answer = as_(charlie).post(f"/drift/{drifted.pk}/act/", {"action": "accept", "reason": "Please."})
    assert (answer.status_code, "Nothing was changed." in text(answer)) == (403, True)


def test_a_missing_reason_is_said_at_its_field(as_, drifted, bob):
    answer = as_(bob).post(f"/drift/{drifted.pk}/act/", {"action": "accept"})
    assert (answer.status_code, 'id="reason-error"' in text(answer)) == (400, True)


def test_the_password_is_a_field_where_the_policy_signs_with_one(as_, version, bob):
    make_policy(sign_with="password")
    move(version, "Production")
    address = f"/drift/{DriftFinding.objects.get().pk}/"
    client = as_(bob)
    assert text(client.get(address)).count('type="password"') == 1
    typed = {"action": "accept", "found": "Production", "reason": "Agreed."}
    refused = client.post(f"{address}act/", {**typed, "password": "wrong"})
    assert (refused.status_code, 'id="password-accept-error"' in text(refused), "wrong" in text(refused)) == (
        400,
        True,
        False,
    )
    accepted = client.post(f"{address}act/", {**typed, "password": PASSWORD})
    assert (accepted.status_code, DriftFinding.objects.get().state) == (302, "accepted")


def test_whoever_was_refused_comes_back_from_their_passkey_to_the_drift(as_, version, bob):
    make_policy(sign_with="password")
    move(version, "Production")
    address = f"/drift/{DriftFinding.objects.get().pk}/"
    Authenticator.objects.create(user=bob, type="webauthn", data={"name": "Laptop", "credential": {}})
    typed = {"action": "accept", "found": "Production", "reason": "Agreed.", "password": "wrong"}
    refused = as_(bob).post(f"{address}act/", typed)
    assert (refused.status_code, f'?next={quote(address, safe="")}"' in text(refused)) == (400, True)


def test_asking_leads_to_the_request(as_, drifted, alice, bob):
    answer = as_(alice).post(f"/drift/{drifted.pk}/act/", {"action": "request", "reason": "It works."})
    drifted.refresh_from_db()
    assert answer.headers["Location"] == f"/requests/{drifted.request_id}/"


def test_the_request_says_that_it_moves_nothing(as_, drifted, alice, bob):
    client = as_(alice)
    address = client.post(f"/drift/{drifted.pk}/act/", {"action": "request", "reason": "It works."}).headers["Location"]
    assert "makes Production a decision and moves nothing" in text(client.get(address))


def test_the_decision_on_a_request_for_drift_lets_the_version_stay(as_, drifted, alice, bob):
    as_(alice).post(f"/drift/{drifted.pk}/act/", {"action": "request", "reason": "Wanted."})
    page = text(as_(bob).get(f"/requests/{ApprovalRequest.objects.get().pk}/"))
    assert "One more approval lets churn v2 stay in Production." in page


def test_the_page_that_polls_is_told_when_the_revert_has_ended(as_, drifted, bob):
    client = as_(bob)
    DriftFinding.objects.update(state="reverting")
    assert "HX-Refresh" not in client.get(f"/drift/{drifted.pk}/", headers={"HX-Request": "true"}).headers
    DriftFinding.objects.update(state="open")
    assert client.get(f"/drift/{drifted.pk}/", headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"


def test_the_pages_of_model_and_version_say_so(as_, drifted, bob):
    client = as_(bob)
    said = "MLflow has churn v2 in Production; it should be in Staging."
    for address in ("/models/churn/", "/models/churn/v/2/"):
        assert said in text(client.get(address)), address


def test_another_version_says_nothing_of_it(as_, drifted, bob):
    make_version(drifted.model, 3)
    assert "MLflow has churn v2" not in text(as_(bob).get("/models/churn/v/3/"))


def test_the_version_that_an_alias_left_says_so(as_, version, champion, bob):
    make_version(version.model, 3)
    point(version, "champion", 3)
    client = as_(bob)
    for number in (2, 3):
        assert "In MLflow, churn @champion points to v3" in text(client.get(f"/models/churn/v/{number}/"))


def test_a_protected_alias_has_a_lock(as_, champion, bob):
    assert "alias-lock" in text(as_(bob).get("/models/churn/"))


def test_the_menu_counts_what_waits_for_a_person(as_, drifted, bob, charlie):
    waiting = '<span class="count count-due">1<span class="visually-hidden"> waiting for you'
    pages = {person.username: text(as_(person).get("/drift/")) for person in (bob, charlie)}
    assert {name: waiting in page for name, page in pages.items()} == {"bob": True, "charlie": False}


def test_what_waits_on_models_out_of_sight_is_not_counted(as_, drifted, mallory):
    move(make_version(make_model("secret"), 1), "Production")
    assert "waiting for you" not in text(as_(mallory).get("/drift/"))


def test_an_admin_protects_and_lets_go_on_the_page(as_, admin):
    client = as_(admin)
    client.post("/policies/aliases/protect/", {"alias": "@champion", "reason": "It is served."})
    assert "@champion" in text(client.get("/policies/"))
    client.post("/policies/aliases/unprotect/", {"alias": "champion", "reason": "No longer."})
    assert not ProtectedAlias.objects.exists()


def test_a_malformed_alias_is_said_at_its_field(as_, admin):
    answer = as_(admin).post("/policies/aliases/protect/", {"alias": "two words", "reason": "It is served."})
    assert (answer.status_code, "#protect_alias" in text(answer)) == (400, True)
