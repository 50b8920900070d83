import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from apps.approvals.models import ApprovalPolicy, FreezeWindow
from apps.approvals.policies import freezes
from tests.builders import make_policy
from tests.factors import with_app

FIELDS = {
    "stage": "Production", "staleness": "all", "sign_with": "none", "tolerance_percent": "0",
    "wait_minutes": "0", "after_review_days": "3",
    "exclude_registrant": "on", "archive_existing": "on", "reason": "Four eyes.", "do": "save",
    "rule-0-name": "", "rule-0-needed": "2", "rule-0-group": "",
}  # fmt: skip


def browser(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_a_policy_is_drafted_in_the_form_and_published_by_another_admin(policy, admin, ada):
    answer = browser(admin).post("/policies/new/", FIELDS)
    drafted = ApprovalPolicy.objects.get(state="draft")
    assert (answer["Location"], drafted.needed, drafted.exclude_run_owner) == (f"/policies/{drafted.pk}/", 2, False)
    page = browser(ada).get(f"/policies/{drafted.pk}/")
    digest = page.context["digest"]
    published = browser(ada).post(f"/policies/{drafted.pk}/publish/", {"digest": digest, "reason": ""})
    assert (published.status_code, published["Location"]) == (302, f"/policies/{drafted.pk}/")
    listed = browser(ada).get("/policies/")
    assert listed.context["in_force"] == [ApprovalPolicy.objects.get(pk=drafted.pk)]
    assert listed.context["retired"] == [policy]


def test_who_drafted_reads_why_they_cannot_publish(draft, admin):
    page = text_of(browser(admin).get(f"/policies/{draft.pk}/"))
    assert "You edited this draft last, so another admin has to read and publish it." in page
    refused = browser(admin).post(f"/policies/{draft.pk}/publish/", {})
    assert (refused.status_code, "Nothing was changed." in text_of(refused)) == (403, True)


def test_a_draft_that_changed_since_is_not_published(draft, admin, ada):
    answer = browser(ada).post(f"/policies/{draft.pk}/publish/", {"digest": "0" * 16})
    assert (answer.status_code, "Somebody changed this draft" in text_of(answer)) == (409, True)


@pytest.mark.parametrize(
    ("do", "rules"),
    [
        ("add", [("Risk", "1"), ("Legal", "2"), ("", "1")]), ("remove-0", [("Legal", "2")]),
        ("up-1", [("Legal", "2"), ("Risk", "1")]), ("down-0", [("Legal", "2"), ("Risk", "1")]),
        ("up-0", [("Risk", "1"), ("Legal", "2")]), ("down-1", [("Risk", "1"), ("Legal", "2")]),
        ("remove-9", [("Risk", "1"), ("Legal", "2")]), ("remove-x", [("Risk", "1"), ("Legal", "2")]),
        (f"up-{'9' * 400}", [("Risk", "1"), ("Legal", "2")]), ("dance", [("Risk", "1"), ("Legal", "2")]),
    ],
)  # fmt: skip
def test_a_button_changes_the_rows_and_keeps_what_was_typed(admin, do, rules):
    rows = {"rule-0-name": "Risk", "rule-0-needed": "1", "rule-1-name": "Legal", "rule-1-needed": "2"}
    page = browser(admin).post("/policies/new/", FIELDS | rows | {"do": do, "reason": ""})
    shown = [(row["name"].value(), row["needed"].value()) for row in page.context["rules"]]
    assert (page.status_code, shown, page.context["wrong"]) == (200, rules, False)
    assert (page.context["form"]["stage"].value(), ApprovalPolicy.objects.count()) == ("Production", 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stage", "Moon"), ("reason", ""), ("wait_minutes", "x"), ("wait_minutes", "43201"), ("model", "unheard of"),
        ("model", "<script>"), ("tolerance_percent", "nan"), ("tolerance_percent", "-1"), ("alias", "v3"),
        ("open_days", "0"), ("required_checks", "luck"), ("tag_value", "x"), ("staleness", "some"), ("risk", "\0"),
    ],
)  # fmt: skip
def test_a_field_at_fault_is_named_with_what_was_typed(admin, field, value):
    answer = browser(admin).post("/policies/new/", FIELDS | {"stage": "", field: value})
    at_fault = {"tag_value": "tag_key"}.get(field, field)
    assert (answer.status_code, list(answer.context["form"].errors)) == (400, [at_fault])
    assert (ApprovalPolicy.objects.count(), b"<script>alert" in answer.content) == (0, False)


@pytest.mark.parametrize(("field", "value"), [("needed", "0"), ("needed", "x"), ("group", "999"), ("scopes", "moon")])
def test_a_rule_at_fault_is_named_by_its_number(admin, field, value):
    answer = browser(admin).post("/policies/new/", FIELDS | {f"rule-0-{field}": value})
    assert (answer.status_code, list(answer.context["rules"][0].errors)) == (400, [field])
    assert "Rule 1" in text_of(answer)


def test_a_policy_without_rules_is_refused(admin):
    fields = {name: value for name, value in FIELDS.items() if not name.startswith("rule-")}
    answer = browser(admin).post("/policies/new/", fields)
    assert (answer.status_code, "without one nobody could sign off" in text_of(answer)) == (400, True)


def test_checks_of_pipelines_are_named_with_commas(admin):
    browser(admin).post("/policies/new/", FIELDS | {"external_checks": "scan, smoke-test", "required_checks": "card"})
    assert ApprovalPolicy.objects.get().required_checks == ["card", "external:scan", "external:smoke-test"]


def test_another_is_drafted_from_a_policy(policy, admin):
    group = Group.objects.create(name="risk")
    model = make_policy("Staging", rules=[(2, group)], wait_minutes=90, required_checks=["card", "external:scan"])
    page = browser(admin).get(f"/policies/new/?from={model.pk}")
    form, row = page.context["form"], page.context["rules"][0]
    said = (form["wait_minutes"].value(), form["external_checks"].value(), row["group"].value(), row["needed"].value())
    assert said == (90, "scan", str(group.pk), "2")
    browser(admin).post("/policies/new/", FIELDS | {"replaces": str(model.pk)})
    assert ApprovalPolicy.objects.get(state="draft").replaces == model


@pytest.mark.parametrize(("query", "status"), [("?from=x", 400), ("?from=999999", 404), (f"?from={'9' * 400}", 400)])
def test_a_model_that_is_not_there_is_refused(admin, query, status):
    assert browser(admin).get(f"/policies/new/{query}").status_code == status


def test_a_draft_is_edited_and_not_overwritten_unseen(draft, admin, ada):
    url = f"/policies/{draft.pk}/edit/"
    read = browser(ada).get(url).context["form"]["digest"].value()
    assert browser(ada).post(url, FIELDS | {"digest": read, "wait_minutes": "30"}).status_code == 302
    answer = browser(admin).post(url, FIELDS | {"digest": read, "wait_minutes": "60"})
    assert (answer.status_code, ApprovalPolicy.objects.get().wait_minutes) == (409, 30)


def test_a_published_policy_has_no_form(policy, admin):
    assert browser(admin).get(f"/policies/{policy.pk}/edit/").status_code == 409


def test_a_draft_is_discarded(draft, admin):
    assert browser(admin).post(f"/policies/{draft.pk}/discard/")["Location"] == "/policies/"
    assert ApprovalPolicy.objects.count() == 0


def test_others_read_what_is_in_force_and_no_drafts(policy, draft, bob):
    client = browser(bob)
    page = client.get("/policies/")
    assert (page.context["in_force"], page.context["drafts"]) == ([policy], [])
    assert "Draft a policy" not in text_of(page)
    answers = [client.get(f"/policies/{row.pk}/").status_code for row in (policy, draft)]
    assert answers == [200, 404]


def test_the_list_names_the_stages_that_are_closed(policy, bob):
    assert browser(bob).get("/policies/").context["closed"] == ["Staging", "Archived", "None"]
    make_policy("")
    assert browser(bob).get("/policies/").context["closed"] == []


def test_a_policy_that_cannot_be_met_says_so_on_its_page(version, admin):
    strict = make_policy("Staging", required_approvals=2)
    page = text_of(browser(admin).get(f"/policies/{strict.pk}/"))
    assert "1 of 1 model could never be signed off under this policy." in page
    assert "churn v2 : The rule “Reviewers” needs 2, and nobody could fill it" in page


def test_a_policy_lists_the_requests_under_it(asked, policy, bob, mallory):
    assert f"Request {asked.pk}: churn v2 to Production" in text_of(browser(bob).get(f"/policies/{policy.pk}/"))
    assert "Requests under it" not in text_of(browser(mallory).get(f"/policies/{policy.pk}/"))


def test_a_dry_run_has_a_page(asked, draft, admin):
    page = text_of(browser(admin).get(f"/policies/{draft.pk}/dry-run/"))
    assert "No request that this policy would have governed was let through yet" in page


# --- freezes ---

FREEZE = {"name": "Year's end", "starts_at": "2090-12-20T00:00", "ends_at": "2091-01-02T00:00", "reason": "Books."}


def test_a_freeze_is_set_and_stands_in_the_calendar(admin):
    client = browser(admin)
    assert client.post("/freezes/", FREEZE)["Location"] == "/freezes/"
    page = client.get("/freezes/?month=2090-12")
    assert page.status_code == 200
    december = page.context["months"][0]
    assert sum(bool(day.freezes) for week in december.weeks for day in week) == 12


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("starts_at", "soon"), ("ends_at", "2090-01-01T00:00"), ("stage", "Moon"), ("model", "none"),
     ("reason", ""), ("ends_at", "2099-01-01T00:00")],
)  # fmt: skip
def test_a_freeze_at_fault_names_the_field(admin, field, value):
    answer = browser(admin).post("/freezes/", FREEZE | {field: value})
    assert (answer.status_code, list(answer.context["form"].errors)) == (400, [field])
    assert FreezeWindow.objects.count() == 0


@pytest.mark.parametrize("month", ["x", "2026-13", "1999-01", "2026-1", "%00"])
def test_a_month_that_is_none_is_refused(bob, month):
    assert browser(bob).get(f"/freezes/?month={month}").status_code == 400


def test_a_freeze_is_lifted_and_shown_as_over(admin):
    now = timezone.now()
    freeze = freezes.set_freeze("Audit", starts_at=now, ends_at=now + timedelta(days=2), reason="Audit.", by=admin)
    client = browser(admin)
    assert "Holds now" in text_of(client.get("/freezes/"))
    assert client.post(f"/freezes/{freeze.pk}/lift/", {"reason": "Done."})["Location"] == "/freezes/"
    page = client.get("/freezes/")
    assert (page.context["standing"], page.context["past"]) == ([], [freeze])


def test_others_read_freezes_and_may_not_set_them(admin, bob):
    client = browser(bob)
    assert "Set a freeze" not in text_of(client.get("/freezes/"))
    assert client.post("/freezes/", FREEZE).status_code == 403


def test_a_freeze_that_holds_is_told_of_on_the_page_of_policies(admin, bob):
    now = timezone.now()
    freezes.set_freeze("Audit", starts_at=now, ends_at=now + timedelta(days=2), reason="Audit.", by=admin)
    assert "Audit : nothing is applied until" in text_of(browser(bob).get("/policies/"))


def test_what_signing_asks_for_is_chosen_and_admins_read_who_has_to_add_a_factor(version, admin, bob, erin):
    with_app(bob)
    browser(admin).post("/policies/new/", FIELDS | {"sign_with": "factor"})
    drafted = ApprovalPolicy.objects.get()
    page = text_of(browser(admin).get(f"/policies/{drafted.pk}/"))
    assert "Asks for a second factor: the code of an app, or a passkey." in page
    assert "Have to add a second factor before they can sign: Erin." in page
    again = browser(admin).get(f"/policies/new/?from={drafted.pk}")
    assert again.context["form"]["sign_with"].value() == "factor"


def test_who_has_no_factor_is_for_those_who_manage_policies_to_know(version, bob, erin):
    policy = make_policy(sign_with="factor")
    assert "Have to add a second factor" not in text_of(browser(bob).get(f"/policies/{policy.pk}/"))


def test_what_the_installation_adds_is_said(settings, bob):
    settings.SIGN_WITH_FACTOR = True
    policy = make_policy(sign_with="password")
    assert "this installation wants a second factor" in text_of(browser(bob).get(f"/policies/{policy.pk}/"))
