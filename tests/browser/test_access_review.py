"""An access review from its opening to the lapse, in a real browser, with and without scripts."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import expect

from apps.accounts import giving
from apps.accounts.access_reviews import lapsing
from apps.accounts.models import Grant
from apps.registry.models import RegisteredModel
from tests.browser.conftest import sign_in
from tests.builders import make_model

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("java_script_enabled", [True, False], ids=["with scripts", "without scripts"])
def test_an_admin_opens_it_the_owner_answers_and_the_rest_lapses(admin, alice, open_browser, java_script_enabled):
    churn = make_model("churn")
    RegisteredModel.objects.filter(pk=churn.pk).update(owner="alice")
    team = Group.objects.create(name="team")
    for role, reason in (("viewer", "They look."), ("reviewer", "They sign."), ("data_scientist", "They train.")):
        giving.give_grant(team, role, "model", model=churn, by=admin, reason=reason)

    opener = sign_in(open_browser(java_script_enabled=java_script_enabled).new_page(), "admin")
    opener.get_by_role("link", name="People").first.click()
    opener.get_by_role("link", name="Access reviews").click()
    opener.get_by_role("link", name="Open an access review").first.click()
    opener.get_by_label("Name", exact=True).fill("First quarter")
    opener.get_by_label("Last day").fill((timezone.now() + timedelta(days=30)).date().isoformat())
    opener.get_by_label("Groups").fill("team")
    opener.get_by_role("button", name="Look at what it would cover").click()
    opener.get_by_role("button", name="Open it over 3 grants").click()
    expect(opener.get_by_role("main")).to_contain_text("0 of 3 are decided")

    owner = sign_in(open_browser(java_script_enabled=java_script_enabled).new_page(), "alice")
    owner.goto("/access-to-review/")
    owner.get_by_label("Choose: team, Viewer, churn").check()
    owner.get_by_role("button", name="Confirm them").click()
    expect(owner.get_by_role("main")).to_contain_text("1 grant is confirmed.")
    owner.get_by_label("Choose: team, Reviewer, churn").check()
    owner.get_by_label("Reason").fill("Nobody of them signs any more.")
    owner.get_by_role("button", name="Remove them").click()
    expect(owner.get_by_role("main")).to_contain_text("1 grant is removed.")

    opener.reload()
    opener.get_by_role("link", name="End it early").click()
    expect(opener.get_by_role("main")).to_contain_text("1 grant is unanswered.")
    opener.get_by_label("Reason").fill("The audit is tomorrow.")
    opener.get_by_role("button", name="End it", exact=True).click()
    lapsing.tend()
    opener.reload()
    expect(opener.get_by_role("main")).to_contain_text("3 of 3 are decided")
    assert dict(Grant.objects.filter(group=team, ended_at=None).values_list("role", "ended_by")) == {"viewer": ""}
