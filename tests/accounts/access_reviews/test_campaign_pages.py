"""The pages of access reviews, without JavaScript."""

import json
import re

import pytest
from django.test import Client

from apps.accounts import giving
from apps.accounts.access_reviews import deciding, lapsing, opening, own_views, queries, steering, views
from apps.accounts.models import AccessReview, Grant
from apps.registry.models import RegisteredModel
from tests.accounts.access_reviews.conftest import in_days, is_due, item_of
from tests.accounts.access_reviews.test_campaign_steering import help_desk
from tests.accounts.test_grant_pages import signed_in

OWN = "/access-to-review/"
NEW = "/people/access-reviews/new/"


def text(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def test_an_admin_looks_then_opens_with_the_same_form(admin, by_name, on_model):
    client, values = signed_in(admin), {"name": "Q", "until": in_days(30).isoformat(), "groups": "team"}
    looked = client.post(NEW, values | {"do": "look"})
    page = looked.content.decode()
    assert (looked.status_code, "Open it over 2 grants" in page) == (200, True)
    assert not AccessReview.objects.exists()
    answer = client.post(NEW, values | {"do": "open", "seen": re.search(r'name="seen" value="(\w+)"', page)[1]})
    review = AccessReview.objects.get()
    assert (answer.status_code, answer.url) == (302, f"/people/access-reviews/{review.pk}/")


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        ({"name": ""}, 400, "This field is required"),
        ({"until": "2001-01-01"}, 400, "a review takes 1 to 90 days"),
        ({"until": "soon"}, 400, "Enter a valid date"),
        ({"groups": "nobody"}, 400, "There is no group “nobody”"),
        ({"pattern": "eu:"}, 400, "after the server"),
        ({"do": "open", "seen": "7"}, 409, "It would cover other grants now"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(admin, by_name, on_model, wrong, status, said):
    values = {"name": "Q", "until": in_days(30).isoformat(), "groups": "team", "reason": "The auditors.", "do": "look"}
    answer = signed_in(admin).post(NEW, values | wrong)
    page = answer.content.decode()
    assert (answer.status_code, said in page, "The auditors." in page) == (status, True, True)
    assert not AccessReview.objects.exists()


def test_whoever_answers_sees_theirs_alone_and_answers_with_ticks(campaign, by_name, on_model, alice):
    client = signed_in(alice)
    page = text(client, OWN)
    assert ("churn-eu" in page, "names like churn-*" in page) == (True, False)
    answer = client.post(OWN, {"items": [item_of(on_model).pk], "do": "confirm", "reason": "Still wanted."})
    assert (answer.status_code, item_of(on_model).decision) == (302, "confirmed")
    assert "Nothing waits for your answer" in text(client, OWN)


def test_a_removal_without_a_reason_comes_back_with_the_ticks(campaign, on_model, alice):
    answer = signed_in(alice).post(OWN, {"items": [item_of(on_model).pk], "do": "remove", "reason": ""})
    page = answer.content.decode()
    assert (answer.status_code, list(answer.context["form"].errors), " checked" in page) == (400, ["reason"], True)
    assert item_of(on_model).decision == "pending"


def test_a_refusal_is_shown_at_its_item_which_stays(admin):
    item = opening.open_review("Admins", in_days(30), groups=["admins"], by=admin).items.get()
    answer = signed_in(admin).post(OWN, {"items": [item.pk], "do": "remove", "reason": "I am tired."})
    page = answer.content.decode()
    assert (answer.status_code, f'id="refusal-{item.pk}"' in page, "I am tired." in page) == (403, True, True)
    assert "nobody could manage people" in page


def test_what_somebody_else_decided_meanwhile_is_said(campaign, by_name, admin):
    number = item_of(by_name).pk
    deciding.decide(number, "confirm", by=admin)
    answer = signed_in(admin).post(OWN, {"items": [number], "do": "confirm"})
    assert (answer.status_code, "This is decided already" in answer.content.decode()) == (409, True)


@pytest.mark.parametrize("items", [[], ["x"], ["0"], ["-1"], ["9" * 30], ["1"] * 201], ids=str)
def test_what_is_no_number_of_a_row_is_refused(admin, items):
    answer = signed_in(admin).post(OWN, {"items": items, "do": "confirm"})
    assert (answer.status_code, list(answer.context["form"].errors)) == (400, ["items"])


def test_a_long_list_goes_on_on_another_page(admin, team, on_model, monkeypatch):
    monkeypatch.setattr(own_views, "ROWS", 2)
    for number in range(4):
        giving.give_grant(team, "viewer", "pattern", value=f"x{number}-*", by=admin, reason="Yes.")
    opening.open_review("Q", in_days(30), roles=["viewer"], groups=["team"], by=admin)
    first = signed_in(admin).get(OWN)
    second = signed_in(admin).get(f"{OWN}?after={first.context['more']}")
    shown = [[line.item.on for line in page.context["lines"]] for page in (first, second)]
    assert shown == [["names like x0-*", "names like x1-*"], ["names like x2-*", "names like x3-*"]]
    assert second.context["more"] is None


def test_an_admin_sees_how_far_it_is_and_reassigns(campaign, by_name, on_model, admin, erin):
    client, path = signed_in(admin), f"/people/access-reviews/{campaign.pk}/"
    assert "0 of 2 are decided" in text(client, path)
    answer = client.post(f"{path}reassign/", {"items": [item_of(by_name).pk], "person": "erin", "reason": "She knows."})
    assert (answer.status_code, item_of(by_name).owner) == (302, erin)
    assert [line.item.pk for line in client.get(f"{path}?owner=erin").context["lines"]] == [item_of(by_name).pk]
    assert client.get(f"{path}?decision=confirmed").context["lines"] == []
    assert client.get(f"{path}?decision=x").status_code == 400


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        ({"reason": ""}, 400, "Write why. The reason is kept."),
        ({"person": "nobody"}, 400, "Nobody has this user name."),
        ({"person": "mallory"}, 403, "mallory holds this grant, so somebody else answers for it."),
        ({"person": "admin"}, 409, "This is so already."),
    ],
    ids=str,
)
def test_a_refused_reassignment_says_why_and_keeps_what_was_ticked_and_typed(
    campaign, by_name, admin, erin, wrong, status, said
):
    values = {"items": [item_of(by_name).pk], "person": "erin", "reason": "She knows."} | wrong
    answer = signed_in(admin).post(f"/people/access-reviews/{campaign.pk}/reassign/", values)
    page, form = answer.content.decode(), answer.context["form"]
    assert (answer.status_code, said in page, item_of(by_name).owner) == (status, True, admin)
    assert (page.count(" checked"), form["person"].value(), form["reason"].value()) == (
        1, values["person"], values["reason"],
    )  # fmt: skip


def test_a_refused_reassignment_without_a_tick_says_so(campaign, admin, erin):
    answer = signed_in(admin).post(f"/people/access-reviews/{campaign.pk}/reassign/", {"person": "erin", "reason": "R"})
    assert (answer.status_code, "Tick at least one grant." in answer.content.decode()) == (400, True)


def test_every_link_of_a_refused_reassignment_leads_to_the_campaign(campaign, by_name, on_model, admin, monkeypatch):
    monkeypatch.setattr(views, "ROWS", 1)
    client, path = signed_in(admin), f"/people/access-reviews/{campaign.pk}/"
    answer = client.post(f"{path}reassign/?decision=pending", {"items": [item_of(by_name).pk], "person": "x"})
    page = answer.content.decode()
    links = {link for link in re.findall(r'(?:href|action)="([^"]*)"', page) if "access-reviews" in link or "?" in link}
    assert (links - {"/people/access-reviews/"}) == {
        path, f"{path}?owner=admin", f"{path}?owner=alice",
        f"{path}?decision=pending&amp;after={answer.context['more']}",
        f"{path}end/", f"{path}cancel/", f"{path}reassign/?decision=pending",
    }  # fmt: skip
    assert '<form method="get" action' in page


def test_what_is_refused_on_a_later_page_comes_back_on_that_page(campaign, by_name, on_model, admin):
    path = f"/people/access-reviews/{campaign.pk}/"
    page = signed_in(admin).get(f"{path}?after={item_of(on_model).pk}").content.decode()
    assert f'action="{path}reassign/?after={item_of(on_model).pk}"' in page


def test_an_owner_sees_their_part_of_a_campaign_and_nobody_else_any(campaign, on_model, alice, mallory):
    path = f"/people/access-reviews/{campaign.pk}/"
    assert [line.item.pk for line in signed_in(alice).get(path).context["lines"]] == [item_of(on_model).pk]
    assert "Reassign" not in text(signed_in(alice), path)
    assert (signed_in(mallory).get(path).status_code, signed_in(alice).get(f"{path}end/").status_code) == (404, 403)


def test_ending_early_shows_first_what_would_lapse(campaign, by_name, admin):
    client, path = signed_in(admin), f"/people/access-reviews/{campaign.pk}/end/"
    page = text(client, path)
    assert ("2 grants are unanswered" in page, 'name="seen" value="2"' in page) == (True, True)
    assert client.post(path, {"reason": "Enough.", "seen": "1"}).status_code == 409
    assert client.post(path, {"reason": ""}).status_code == 400
    assert client.post(path, {"reason": "Enough.", "seen": "2"}).status_code == 302
    lapsing.tend()
    assert not Grant.objects.get(pk=by_name.pk).in_force


def test_ending_says_that_unanswered_grants_are_out_of_sight_and_offers_nothing(campaign, admin):
    client, path = signed_in(help_desk(admin)), f"/people/access-reviews/{campaign.pk}/end/"
    page = text(client, path)
    assert ("1 grant is unanswered" in page, "on models that you may not see" in page, "End it now" in page) == (
        True, True, False,
    )  # fmt: skip
    assert client.post(path, {"reason": "Enough.", "seen": "1"}).status_code == 403


def test_what_nobody_answered_says_so_and_names_no_part_of_the_system(campaign, by_name, admin):
    is_due(campaign)
    lapsing.tend()
    page = text(signed_in(admin), f"/people/access-reviews/{campaign.pk}/")
    assert (page.count("nobody answered in time"), "closed by itself" in page, "system:" in page) == (2, True, False)
    ended = text(signed_in(admin), "/people/grants/?show=ended")
    assert ("Nobody confirmed it in the access review" in ended, "system:" in ended) == (True, False)


def test_those_with_the_most_open_are_named_and_how_many_more_there_are(
    campaign, by_name, on_model, admin, alice, monkeypatch
):
    assert queries.by_owner(campaign, admin) == ([("admin", 1, 1), ("alice", 1, 1)], 0)
    deciding.decide(item_of(by_name).pk, "confirm", by=admin)
    monkeypatch.setattr(queries, "NAMED", 1)
    assert queries.by_owner(campaign, admin) == ([("alice", 1, 1)], 1)
    assert "and 1 more person" in text(signed_in(admin), f"/people/access-reviews/{campaign.pk}/")


def test_an_item_whose_owner_does_not_answer_any_more_says_so_on_both_pages(campaign, on_model, admin):
    RegisteredModel.objects.update(owner="erin")
    pages = text(signed_in(admin), f"/people/access-reviews/{campaign.pk}/"), text(signed_in(admin), OWN)
    assert [page.count("does not answer any more: any admin does") for page in pages] == [1, 1]
    assert ("alice does not answer any more" in pages[1], "you own the model" in pages[1]) == (True, False)


def test_a_finished_campaign_is_offered_as_a_file(campaign, admin):
    client, path = signed_in(admin), f"/people/access-reviews/{campaign.pk}/"
    assert client.get(f"{path}export.csv").status_code == 409
    steering.cancel(campaign.pk, by=admin, reason="Done.")
    assert f"{path}export.csv" in text(client, path)
    answer = client.get(f"{path}export.csv")
    assert answer["Content-Disposition"] == f'attachment; filename="access-review-{campaign.pk}.csv"'
    assert json.loads(client.get(f"{path}export.json").getvalue())["name"] == "First quarter"


def test_the_list_has_every_campaign_with_how_far_it_is(campaign, by_name, admin):
    deciding.decide(item_of(by_name).pk, "confirm", by=admin)
    page = text(signed_in(admin), "/people/access-reviews/")
    assert ("First quarter" in page, "1 of 2" in page, "grants of team" in page) == (True, True, True)


def test_hostile_names_are_text(admin, team):
    team.name = "<script>alert(1)</script>"
    team.save()
    giving.give_grant(team, "viewer", by=admin, reason="<img src=x onerror=alert(1)>")
    review = opening.open_review("<b>Q</b>", in_days(30), groups=[team.name], reason="<i>", by=admin)
    pages = [OWN, "/people/access-reviews/", f"/people/access-reviews/{review.pk}/"]
    for path in [*pages, f"/people/access-reviews/{review.pk}/end/"]:
        page = text(signed_in(admin), path)
        assert [part for part in ("<script>alert", "<img src=x", "<b>Q") if part in page] == []
