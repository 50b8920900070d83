from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.approvals.exceptional import after_review
from apps.approvals.models import AfterReview, ApprovalRequest, Bypass
from apps.registry.models import ModelVersion
from tests.approvals.exceptional.conftest import REASON, applied, digest
from tests.builders import make_policy
from tests.conftest import PASSWORD


def text(response) -> str:
    return " ".join(response.content.decode().split())


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def asking(request: ApprovalRequest, **changes) -> dict[str, str]:
    words = {"do": "ask", "reason": REASON, "ticket": "OPS-17", "password": PASSWORD}
    return words | {"evidence_digest": digest(request)} | changes


def confirming(request: ApprovalRequest, **changes) -> dict[str, str]:
    return {"do": "confirm", "password": PASSWORD, "evidence_digest": digest(request)} | changes


def test_the_request_offers_a_bypass_to_those_with_the_duty(as_, asked, emergency, bob, erin):
    url = f"/requests/{asked.pk}/"
    link = f'href="/requests/{asked.pk}/bypass/"'
    assert [link in text(as_(user).get(url)) for user in (bob, erin)] == [True, False]


def test_two_people_take_it_past_its_policy_on_the_pages(as_, asked, emergency, bob, admin):
    url = f"/requests/{asked.pk}/bypass/"
    assert "Nothing moves before a second person" in text(as_(bob).get(url))
    answer = as_(bob).post(url, asking(asked), follow=True)
    assert "Bob asks to go past the policy." in text(answer)
    page = text(as_(admin).get(url))
    assert ("You are the second person" in page, REASON in page) == (True, True)
    answer = as_(admin).post(url, confirming(asked), follow=True)
    assert "This went past its policy." in text(answer)
    assert ApprovalRequest.objects.get(pk=asked.pk).bypassed is True


def test_a_refused_bypass_keeps_what_was_typed_but_the_password(as_, asked, emergency, bob):
    answer = as_(bob).post(f"/requests/{asked.pk}/bypass/", asking(asked, reason="Urgent, sorry."))
    page = text(answer)
    assert (answer.status_code, "Urgent, sorry." in page, PASSWORD in page) == (400, True, False)
    assert "Say in at least 30 characters" in page


def test_an_empty_bypass_names_what_is_missing(as_, asked, emergency, bob):
    answer = as_(bob).post(f"/requests/{asked.pk}/bypass/", asking(asked, ticket="", password=""))
    assert (answer.status_code, Bypass.objects.count()) == (400, 0)
    assert ("Name the ticket" in text(answer), "Type the password" in text(answer)) == (True, True)


def test_the_asker_sees_that_somebody_else_confirms(as_, ask, asked, bob):
    ask()
    page = text(as_(bob).get(f"/requests/{asked.pk}/bypass/"))
    assert "You asked for this bypass, so somebody else has to confirm it." in page
    assert "Confirm and apply" not in page


def test_changed_evidence_is_named_on_the_page_of_the_second(as_, ask, asked, admin):
    ask()
    ModelVersion.objects.filter(pk=asked.version_id).update(metrics={"accuracy": 0.1})
    answer = as_(admin).post(f"/requests/{asked.pk}/bypass/", confirming(asked))
    assert (answer.status_code, "metrics.accuracy" in text(answer)) == (409, True)


def test_a_bypass_is_dropped_on_the_request(as_, ask, asked, bob):
    ask()
    assert "Drop the bypass" in text(as_(bob).get(f"/requests/{asked.pk}/"))
    answer = as_(bob).post(f"/requests/{asked.pk}/bypass/drop/", follow=True)
    assert ("The bypass is dropped." in text(answer), Bypass.objects.get().dropped_at is None) == (True, False)


@pytest.mark.parametrize("path", ["/requests/{id}/", "/models/churn/", "/models/churn/v/2/"])
def test_a_bypass_is_told_loudly_until_it_was_reviewed(as_, bypassed, charlie, erin, path):
    url = path.format(id=bypassed.pk)
    said = "This went past its policy." if "requests" in path else "v2 went to Production past its policy."
    assert said in text(as_(charlie).get(url))
    after_review.review(bypassed.pk, "ratified", comment="It was right.", evidence_digest=digest(bypassed), by=erin)
    assert ('class="message tone-danger"' in text(as_(charlie).get(url))) is False


def test_a_reviewer_says_afterwards_that_it_was_not_right(as_, bypassed, erin, bob):
    url = f"/requests/{bypassed.pk}/after-review/"
    assert (REASON in text(as_(erin).get(url)), "Confirmed by" in text(as_(erin).get(url))) == (True, True)
    assert as_(erin).post(url, {"outcome": "", "comment": "No."}).status_code == 400
    words = {"outcome": "not_ratified", "comment": "It could have waited.", "evidence_digest": digest(bypassed)}
    assert as_(erin).post(url, words | {"evidence_digest": "0" * 64}).status_code == 409
    answer = as_(erin).post(url, words, follow=True)
    assert ("Not ratified: roll back." in text(answer), "It could have waited." in text(answer)) == (True, True)
    there = '<a href="/models/churn/rollback/?stage=Production">Not ratified: roll back.</a>'
    assert there in text(as_(bob).get("/models/churn/"))


def test_the_page_of_the_review_asks_for_the_password_where_the_policy_does(as_, bypassed, erin):
    url = f"/requests/{bypassed.pk}/after-review/"
    assert 'type="password"' not in text(as_(erin).get(url))
    ApprovalRequest.objects.update(policy=make_policy("Staging", sign_with="password"))
    assert 'type="password"' in text(as_(erin).get(url))
    words = {"outcome": "ratified", "comment": "Fine.", "evidence_digest": digest(bypassed)}
    statuses = [as_(erin).post(url, words | {"password": typed}).status_code for typed in ("", "wrong", PASSWORD)]
    assert (statuses, AfterReview.objects.get().outcome) == ([400, 400, 302], "ratified")


def test_who_answers_for_a_bypass_is_told_that_another_reviews_it(as_, bypassed, bob):
    assert "You answer for this bypass" in text(as_(bob).get(f"/requests/{bypassed.pk}/"))
    assert as_(bob).get(f"/requests/{bypassed.pk}/after-review/").status_code == 403


def test_an_approval_is_certified_anew_on_its_page(as_, asked, erin):
    ends = timezone.now() + timedelta(days=3)
    policy = make_policy(model=asked.version.model, recertify_days=90)
    applied(asked, recertify_by=ends, policy=policy)
    assert f"The approval of v2 for Production ends on {ends:%Y-%m-%d}." in text(as_(erin).get("/models/churn/"))
    url = f"/requests/{asked.pk}/recertify/"
    assert "Certify for 90 days" in text(as_(erin).get(url))
    answer = as_(erin).post(url, {"comment": "Still fine.", "evidence_digest": digest(asked)}, follow=True)
    assert "Certified anew, until" in text(answer)
    assert "ends on" not in text(as_(erin).get("/models/churn/"))


def test_a_lapsed_approval_is_told_on_the_model(as_, asked, charlie):
    over = timezone.now() - timedelta(days=1)
    applied(asked, recertify_by=over, lapsed_at=over)
    assert "The approval of v2 for Production lapsed on" in text(as_(charlie).get("/models/churn/"))


def test_an_engineer_rolls_back_with_one_click_and_a_reason(as_, former, bob, charlie):
    label = "Roll back Production to v1"
    assert [label in text(as_(user).get("/models/churn/")) for user in (bob, charlie)] == [True, False]
    assert label in text(as_(bob).get("/models/churn/v/1/"))
    page = text(as_(bob).get("/models/churn/rollback/?stage=Production"))
    assert ("Roll back to v1 now" in page, "v2: archived with the move." in page) == (True, True)
    words = {"stage": "Production", "alias": "", "version": "1", "reason": "Version 2 scores nobody."}
    answer = as_(bob).post("/models/churn/rollback/", words, follow=True)
    assert ("Assent puts churn v1 back now." in text(answer), "This is a rollback" in text(answer)) == (True, True)


def test_a_rollback_without_a_reason_comes_back(as_, former, bob):
    words = {"stage": "Production", "version": "1", "reason": ""}
    answer = as_(bob).post("/models/churn/rollback/", words)
    assert (answer.status_code, "Write what is wrong" in text(answer)) == (400, True)
    assert ApprovalRequest.objects.filter(kind="rollback").count() == 0


def test_what_cannot_go_back_is_listed_with_the_reason(as_, former, bob):
    ModelVersion.objects.filter(number=1).update(artifact_digest="99" * 32)
    page = text(as_(bob).get("/models/churn/rollback/?stage=Production"))
    assert ("Nothing to go back to" in page, "not the ones that were signed" in page) == (True, True)


def test_the_exceptions_show_what_is_owed_the_overdue_first(as_, bypassed, charlie, mallory):
    assert "Overdue" not in text(as_(charlie).get("/exceptions/"))
    AfterReview.objects.update(due_at=timezone.now() - timedelta(days=1))
    page = text(as_(charlie).get("/exceptions/"))
    assert ("churn v2 to Production" in page, "Overdue" in page, f"{timezone.now():%Y-%m}" in page) == (
        True, True, True,
    )  # fmt: skip
    assert "No review is owed" in text(as_(mallory).get("/exceptions/"))


def test_the_exceptions_show_who_waits_for_a_second_person(as_, ask, charlie):
    ask()
    page = text(as_(charlie).get("/exceptions/"))
    assert ("Waiting for a second person" in page, "asked by Bob" in page) == (True, True)


def test_what_was_not_ratified_stays_listed_until_it_is_gone(as_, bypassed, erin, charlie):
    after_review.review(
        bypassed.pk, "not_ratified", comment="It could have waited.", evidence_digest=digest(bypassed), by=erin
    )
    assert "It could have waited." in text(as_(charlie).get("/exceptions/"))
    ModelVersion.objects.filter(pk=bypassed.version_id).update(stage="Archived")
    assert "It could have waited." not in text(as_(charlie).get("/exceptions/"))


def test_admins_are_told_at_home(as_, bypassed, admin, charlie, erin):
    said = "1 move went past its policy"
    assert [said in text(as_(fresh(user)).get("/models/")) for user in (admin, charlie)] == [True, False]
    after_review.review(bypassed.pk, "ratified", comment="Fine.", evidence_digest=digest(bypassed), by=erin)
    assert said not in text(as_(fresh(admin)).get("/models/"))
