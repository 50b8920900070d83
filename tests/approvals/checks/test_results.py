"""What a policy requires, what CI reported and what was waived, put together."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.approvals import checks, findings, waivers
from apps.approvals.models import ApprovalRequest, ExternalCheck, Waiver
from tests.builders import make_policy


def now(request) -> ApprovalRequest:
    return ApprovalRequest.objects.select_related("policy", "version__model").get(pk=request.pk)


def named(request, name: str) -> checks.CheckResult:
    return next(row for row in checks.results(now(request)) if row.name == name)


def unmet(request) -> dict[str, str]:
    return {row.name: row.outcome.value for row in checks.unmet(now(request))}


def test_what_is_required_and_does_not_pass_is_unmet(blocked):
    assert unmet(blocked) == {"signature": "fail", "external:lint": "pending"}


def test_a_required_check_that_passes_is_met(asked, report):
    report("pass")
    assert unmet(asked) == {}


def test_a_check_that_does_not_apply_is_met(version, alice):
    policy = make_policy(required_checks=["card"])
    assert checks.unmet(ApprovalRequest(version=version, to_stage="Archived", policy=policy)) == []


def test_a_policy_without_required_checks_asks_nothing(blocked):
    request = now(blocked)
    request.policy.required_checks = []
    with CaptureQueriesContext(connection) as queries:
        assert checks.unmet(request) == []
    assert len(queries) == 0


def test_a_required_check_that_does_not_exist_never_passes(version):
    policy = make_policy(required_checks=["gone"])
    found = checks.unmet(ApprovalRequest(version=version, to_stage="Production", policy=policy))
    assert [(row.name, row.outcome.value) for row in found] == [("gone", "error")]


def test_what_nobody_reported_says_so_and_names_nobody(asked):
    result = named(asked, "external:lint")
    assert (result.outcome, result.label, result.producer, result.at, result.required) == (
        "pending", "lint", "", None, True,
    )  # fmt: skip


def test_a_report_is_shown_as_it_came(asked, report):
    row = report("fail", detail="3 rows.", link="https://ci.example.org/7", inputs="commit abc")
    result = named(asked, "external:lint")
    assert (result.outcome, result.detail, result.link, result.inputs) == (
        "fail", "3 rows.", "https://ci.example.org/7", "commit abc",
    )  # fmt: skip
    assert (result.producer, result.at, result.external) == ("alice", row.reported_at, True)


def test_a_report_that_nobody_requires_is_shown_and_keeps_nothing_back(asked, report):
    report("pass")
    report("fail", name="spelling")
    assert (named(asked, "external:spelling").required, unmet(asked)) == (False, {})


def test_a_report_whose_time_is_over_is_an_error(asked, report):
    report("pass", valid_days=1)
    ExternalCheck.objects.update(valid_until=timezone.now() - timedelta(seconds=1))
    assert unmet(asked) == {"external:lint": "error"}
    assert named(asked, "external:lint").detail.startswith("Expired: the report “Passed” was valid until ")


def test_a_waived_check_is_met_and_says_by_whom(blocked, erin):
    waiver = waivers.waive(blocked.pk, "signature", reason="Scores a file.", days=7, by=erin)
    result = named(blocked, "signature")
    assert (result.outcome, result.waiver) == (
        "waived", checks.WaiverNote(waiver.pk, "erin", "Scores a file.", waiver.expires_at, True),
    )  # fmt: skip
    assert unmet(blocked) == {"external:lint": "pending"}


def test_a_waiver_whose_time_is_over_counts_no_longer(blocked, erin):
    waivers.waive(blocked.pk, "signature", reason="Scores a file.", days=7, by=erin)
    Waiver.objects.update(expires_at=timezone.now())
    result = named(blocked, "signature")
    assert (result.outcome, result.waiver.holds, "signature" in unmet(blocked)) == ("fail", False, True)


def test_a_waiver_of_what_passes_by_now_is_not_needed(blocked, unsigned, champion, erin):
    waivers.waive(blocked.pk, "signature", reason="Scores a file.", days=7, by=erin)
    unsigned.signature = champion.signature
    unsigned.save()
    assert (named(blocked, "signature").outcome, named(blocked, "signature").waiver) == ("pass", None)


def test_a_waiver_holds_for_its_own_request_alone(blocked, unsigned, erin, alice):
    waivers.waive(blocked.pk, "signature", reason="Scores a file.", days=7, by=erin)
    other = ApprovalRequest(version=unsigned, to_stage="Staging", policy=blocked.policy)
    assert "signature" in {row.name for row in checks.unmet(other)}


def test_assents_own_checks_name_it_and_their_inputs(asked):
    result = named(asked, "signature")
    assert (result.producer, len(result.inputs), result.at is not None, result.required) == ("assent", 64, True, True)


def test_results_are_stored_and_come_back_the_same(blocked, erin, report):
    report("fail", link="https://ci.example.org/7", valid_days=3)
    waivers.waive(blocked.pk, "signature", reason="Scores a file.", days=7, by=erin)
    found = checks.results(now(blocked))
    assert [checks.from_row(checks.as_row(row)) for row in found] == found


def test_what_was_stored_before_there_were_producers_still_loads(asked):
    row = {"name": "signature", "label": "Signature", "outcome": "pass", "detail": "The signature is recorded."}
    ApprovalRequest.objects.filter(pk=asked.pk).update(checks=[row], state="rejected", closed_at=timezone.now())
    kept = findings.checks_of(now(asked))
    assert [(result.name, result.outcome, result.required, result.waiver) for result in kept] == [
        ("signature", "pass", False, None)
    ]


@pytest.mark.parametrize("more", [0, 12])
def test_the_number_of_queries_does_not_grow_with_the_checks(blocked, erin, report, more):
    for number in range(more):
        report("fail", name=f"check-{number}")
        waivers.waive(blocked.pk, f"external:check-{number}", reason="Known.", days=7, by=erin)
    request = now(blocked)
    with CaptureQueriesContext(connection) as queries:
        found = checks.results(request)
    assert (len(queries), len(found)) == (5, len(checks.CHECKS) + 1 + more)
