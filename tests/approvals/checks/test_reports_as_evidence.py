"""What a pipeline reports is evidence: what it says is signed, and a waiver answers for one report alone."""

from importlib import import_module

import pytest
from django.apps import apps

from apps.approvals import checks, evidence, services, staleness, waivers
from apps.approvals.blockers import why_blocked
from apps.approvals.models import ApprovalRequest, Review, Waiver
from tests.approvals.test_views import browser, detail_url, text_of
from tests.builders import make_policy

LOW, GRAVE = {"detail": "CVE-2026-1, low"}, {"detail": "CVE-2026-2, remote code execution"}
GREEN = {"detail": "41 tests", "link": "https://ci.example/1", "inputs": "abc"}


@pytest.fixture
def policy(db):
    return make_policy(required_approvals=2, required_checks=["external:lint"])


@pytest.fixture
def asked(version, policy, alice, bob, erin) -> ApprovalRequest:
    return services.open_request(version.pk, "Production", reason="Better on May data.", by=alice)


def now(asked) -> ApprovalRequest:
    return ApprovalRequest.objects.select_related("version__model", "policy").get(pk=asked.pk)


def sign(asked, by) -> None:
    services.act(asked.pk, "approve", by=by, evidence_digest=now(asked).evidence_digest)


def waive(asked, by, check: str = "external:lint") -> Waiver:
    return waivers.waive(asked.pk, check, reason="Not reachable.", days=7, by=by)


def outcome(asked) -> str:
    return now(asked).evidence["checks"]["external:lint"]


def standing(asked) -> list[str]:
    return sorted(Review.objects.filter(request=asked, standing=True).values_list("reviewer__username", flat=True))


def lint(asked) -> checks.CheckResult:
    return next(row for row in checks.results(now(asked)) if row.name == "external:lint")


def test_what_a_report_says_is_part_of_the_evidence(asked, report):
    report("pass", **GREEN)
    assert now(asked).evidence["reports"] == {"external:lint": {"outcome": "pass", "reporter": "alice", **GREEN}}


def test_another_failing_report_is_not_waived_by_the_waiver_of_the_first(asked, report, bob, erin):
    report("fail", **LOW)
    waive(asked, erin)
    sign(asked, bob)
    assert (outcome(asked), standing(asked)) == ("waived", ["bob"])
    report("fail", **GRAVE)
    assert (outcome(asked), standing(asked)) == ("fail", [])
    assert (lint(asked).waiver.holds, lint(asked).waiver.outdated) == (False, True)


def test_a_waiver_that_no_longer_fits_is_said_among_what_blocks(asked, report, erin):
    report("fail", **LOW)
    waive(asked, erin)
    report("fail", **GRAVE)
    sentence = next(row.sentence for row in why_blocked(now(asked)) if row.code == "check")
    assert sentence == (
        "The check “lint” is required and does not pass: CVE-2026-2, remote code execution. erin waived what it said "
        "before, so it has to be waived anew."
    )


def test_the_other_report_can_be_waived_anew(asked, report, erin):
    report("fail", **LOW)
    first = waive(asked, erin)
    report("fail", **GRAVE)
    second = waive(asked, erin)
    first.refresh_from_db()
    assert (outcome(asked), first.revoked_at is None, second.revoked_at) == ("waived", False, None)


def test_a_vote_on_one_waived_report_falls_with_another_that_is_waived_before_anybody_looks(asked, report, bob, erin):
    report("fail", **LOW)
    waive(asked, erin)
    sign(asked, bob)
    signed = now(asked).evidence
    report("fail", **GRAVE)
    waive(asked, erin)
    assert [row.field for row in staleness.weighty(signed, now(asked).evidence)] == ["reports.external:lint.detail"]


def test_the_same_failing_report_again_stays_waived(asked, report, bob, erin):
    report("fail", **LOW)
    waive(asked, erin)
    sign(asked, bob)
    report("fail", **LOW)
    assert (outcome(asked), standing(asked)) == ("waived", ["bob"])


def test_a_waiver_of_a_check_that_nobody_reported_does_not_cover_what_is_reported_then(asked, report, erin):
    waive(asked, erin)
    assert outcome(asked) == "waived"
    report("fail", **GRAVE)
    assert outcome(asked) == "fail"


def test_the_same_pass_again_moves_nothing(asked, report, bob):
    report("pass", **GREEN)
    sign(asked, bob)
    before = now(asked).evidence_digest
    report("pass", **GREEN)
    assert (now(asked).evidence_digest, standing(asked)) == (before, ["bob"])


def test_a_pass_from_another_run_of_the_pipeline_is_shown_and_takes_no_vote(asked, report, bob):
    report("pass", **GREEN)
    sign(asked, bob)
    before = now(asked).evidence_digest
    report("pass", **GREEN | {"link": "https://ci.example/2"})
    assert (now(asked).evidence_digest == before, standing(asked)) == (False, ["bob"])
    assert now(asked).evidence["reports"]["external:lint"]["link"] == "https://ci.example/2"


@pytest.mark.parametrize("other", [{"inputs": "def"}, {"detail": "3 tests"}])
def test_a_pass_of_something_else_takes_the_votes(asked, report, bob, other):
    report("pass", **GREEN)
    sign(asked, bob)
    report("pass", **GREEN | other)
    vote = Review.objects.get(request=asked)
    assert (vote.standing, vote.dismissed_because) == (False, "The evidence changed: the report of external:lint.")


def test_a_pass_that_somebody_else_vouches_for_takes_the_votes(asked, report, bob, erin):
    report("pass", **GREEN)
    sign(asked, erin)
    report("pass", by=bob, **GREEN)
    assert standing(asked) == []


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        (None, ("pass", "", ""), []),
        (None, ("pending", "", ""), []),
        (("pending", "1 of 3", ""), ("pending", "2 of 3", ""), []),
        (("fail", "bad", ""), ("pass", "good", ""), []),
        (("fail", "bad", "/1"), ("fail", "bad", "/2"), ["link"]),
        (("fail", "bad", ""), ("error", "bad", ""), ["outcome"]),
        (("pending", "", ""), ("fail", "bad", ""), ["detail", "outcome"]),
    ],
)
def test_a_report_is_weighty_when_it_says_something_else_and_nothing_better(before, after, fields):
    old, new = (
        {"reports": {"external:v1.2": dict(zip(("outcome", "detail", "link"), row, strict=True))} if row else {}}
        for row in (before, after)
    )
    assert [row.field for row in staleness.weighty(old, new)] == [f"reports.external:v1.2.{field}" for field in fields]


def test_evidence_from_before_reports_were_in_it_verifies_and_takes_no_votes(asked, report, bob):
    report("pass", **GREEN)
    request = now(asked)
    old = {key: value for key, value in request.evidence.items() if key != "reports"}
    request.snapshots.all().delete()
    request.evidence, request.evidence_digest = old, evidence.digest(old)
    request.save()
    evidence.keep(request)
    sign(asked, bob)
    services.reconsider(asked.pk)
    assert (standing(asked), staleness.weighty(old, now(asked).evidence)) == (["bob"], [])
    vote = Review.objects.get(request=asked)
    assert evidence.digest(evidence.kept(now(asked), vote.evidence_digest)) == vote.evidence_digest


@pytest.mark.parametrize("reported", [True, False])
def test_waivers_from_before_the_change_are_bound_to_the_report_of_then(asked, report, erin, reported):
    if reported:
        report("fail", valid_days=3, **LOW)
    waiver = waive(asked, erin)
    Waiver.objects.update(given_on="")
    import_module("apps.approvals.migrations.0014_waivers_name_their_report").bind(apps, None)
    given_on, waiver.given_on = waiver.given_on, Waiver.objects.get().given_on
    assert (waiver.given_on, outcome(asked)) == (given_on, "waived")


def test_the_page_says_that_the_waiver_was_of_another_report_and_offers_to_waive_anew(asked, report, erin):
    report("fail", **LOW)
    waive(asked, erin)
    report("fail", **GRAVE)
    page = text_of(browser(erin).get(detail_url(asked)))
    assert "erin waived what this check said before. It says something else now" in page
    assert "Waive lint" in page
