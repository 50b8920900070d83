"""The pages on which people ask: targets, drafts, several versions; and the export of what came of it."""

import json

import pytest
from django.urls import reverse

from apps.approvals import services
from apps.approvals.models import ApprovalRequest, ProtectedAlias, RequestState
from apps.registry.models import ModelAlias
from tests.approvals.test_views import browser, detail_url, new_url, text_of
from tests.builders import make_policy


@pytest.fixture
def champion_alias(champion, policy) -> ProtectedAlias:
    """A protected alias that points to the version in Production, with a policy of its own."""
    ModelAlias.objects.create(model=champion.model, alias="champion", version=champion)
    make_policy("", alias="champion")
    return ProtectedAlias.objects.create(alias="champion", added_by="admin")


@pytest.fixture
def draft(version, policy, alice, bob) -> ApprovalRequest:
    return services.open_request(version.pk, "Production", reason="Soon.", draft=True, by=alice)


def edit_url(draft: ApprovalRequest) -> str:
    return reverse("approvals:request-edit", args=[draft.pk])


def test_a_protected_alias_is_a_target_beside_the_stages(version, champion_alias, alice, bob):
    page = browser(alice).get(new_url(version))
    assert [option.value for option in page.context["options"]] == ["Production", "Archived", "None", "@champion"]
    browser(alice).post(new_url(version), {"target": "@champion", "reason": "Better."})
    asked = ApprovalRequest.objects.get()
    assert (asked.alias, asked.to_stage, asked.from_number) == ("champion", "", 1)
    assert "Point @champion of churn to v2" in text_of(browser(bob).get(detail_url(asked)))


def test_the_form_says_who_could_sign(version, policy, alice, bob, erin):
    page = text_of(browser(alice).get(new_url(version)))
    assert "Who could sign Production Reviewers 1 approval Bob and Erin" in page


def test_what_was_written_beside_the_reason_is_kept_and_shown(version, policy, alice, bob):
    notes = {"roll_out": "One shop first.", "roll_back": "Point it back.", "ticket": "https://t.example.org/7"}
    browser(alice).post(new_url(version), {"target": "Production", "reason": "Better.", **notes})
    asked = ApprovalRequest.objects.get()
    assert (asked.roll_out, asked.roll_back, asked.ticket) == tuple(notes.values())
    page = browser(bob).get(detail_url(asked)).content.decode()
    assert '<a href="https://t.example.org/7" rel="noreferrer nofollow">' in page


def test_a_ticket_with_another_scheme_is_refused_on_its_field(version, policy, alice, bob):
    fields = {"target": "Production", "reason": "Better.", "ticket": "javascript:alert(1)"}
    response = browser(alice).post(new_url(version), fields)
    assert (response.status_code, list(response.context["form"].errors)) == (400, ["ticket"])


def test_a_draft_is_kept_without_a_reason_and_nobody_else_sees_it(version, policy, alice, bob, admin):
    response = browser(alice).post(new_url(version), {"target": "Production", "reason": "", "then": "draft"})
    draft = ApprovalRequest.objects.get()
    assert (response["Location"], draft.state) == (detail_url(draft), RequestState.DRAFT)
    assert [browser(user).get(detail_url(draft)).status_code for user in (alice, bob, admin)] == [200, 404, 404]


def test_a_draft_is_edited_and_then_submitted(draft, alice):
    browser(alice).post(edit_url(draft), {"target": "Production", "reason": "Now.", "then": "draft"})
    draft.refresh_from_db()
    assert (draft.state, draft.reason) == (RequestState.DRAFT, "Now.")
    browser(alice).post(edit_url(draft), {"target": "Production", "reason": "Now it is."})
    draft.refresh_from_db()
    assert (draft.state, draft.reason) == (RequestState.OPEN, "Now it is.")


def test_a_draft_is_submitted_or_discarded_from_its_page(draft, alice):
    url = reverse("approvals:request-act", args=[draft.pk])
    browser(alice).post(url, {"action": "submit"})
    draft.refresh_from_db()
    assert draft.state == RequestState.OPEN


def test_a_discarded_draft_leads_back_to_the_queue(draft, alice):
    response = browser(alice).post(reverse("approvals:request-act", args=[draft.pk]), {"action": "discard"})
    assert (response["Location"], ApprovalRequest.objects.count()) == (reverse("approvals:review-queue"), 0)


def test_an_open_request_is_no_draft_to_edit(asked, alice):
    assert browser(alice).get(edit_url(asked)).status_code == 409


def test_several_versions_are_asked_for_at_once_each_with_its_own_result(version, champion, policy, alice, bob):
    fields = {"versions": "churn@2\nchurn@1\nnothing@1\n", "target": "Production", "reason": "Better."}
    response = browser(alice).post(reverse("approvals:request-several"), fields)
    assert [(name, row.ok) for name, row in response.context["results"]] == [
        ("churn@2", True),
        ("churn@1", False),
        ("nothing@1", False),
    ]
    assert ApprovalRequest.objects.get().version == version


@pytest.mark.parametrize("line", ["churn", "churn@x", "@", "churn@", "churn@9999999999", "churn@²"])
def test_a_line_that_names_no_version_is_refused_on_its_field(alice, line):
    fields = {"versions": line, "target": "Production", "reason": "Better."}
    response = browser(alice).post(reverse("approvals:request-several"), fields)
    assert (response.status_code, list(response.context["form"].errors)) == (400, ["versions"])


def test_the_export_holds_signatures_with_what_they_were_about(asked, review, bob):
    review("approve", bob, "Good.")
    response = browser(bob).get(reverse("approvals:request-export", args=[asked.pk]))
    export = json.loads(response.content)
    assert response["Content-Disposition"] == f'attachment; filename="request-{asked.pk}.json"'
    signature = export["signatures"][0]
    assert (signature["signed_name"], signature["meaning"], signature["comment"]) == ("Bob (bob)", "approval", "Good.")
    assert signature["evidence_digest"] in [row["digest"] for row in export["snapshots"]]
    assert export["seats"] == [{"rule": "Reviewers", "needed": 1, "filled_by": ["bob"], "could": []}]


def test_the_export_of_a_hidden_request_does_not_exist(asked, mallory):
    assert browser(mallory).get(reverse("approvals:request-export", args=[asked.pk])).status_code == 404
