"""Admins set controls; every setting stays, and earlier moments are judged by that of then. Clauses and coverage."""

import threading
from datetime import timedelta

import pytest
import yaml
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.accounts.roles import ADMIN
from apps.audit.models import AuditEvent
from apps.compliance.clauses import reading
from apps.compliance.clauses.coverage import coverage
from apps.compliance.clauses.reading import sources
from apps.compliance.controls import configuring
from apps.compliance.controls.settings import columns, history_of
from apps.compliance.controls.table import BY_NAME, CONTROLS
from apps.compliance.matrix.queries import row_of
from apps.compliance.models import ControlSetting
from apps.errors import Conflict, DomainError, InvalidInput, NotAllowed, NotVisible
from apps.registry.models import RegisteredModel
from tests.compliance.conftest import at
from tests.conftest import member

SETTING = {"enabled": True, "tiers": [], "severity": "low", "reason": "Not yet.", "seen": 0}


def configure(by, control: str = "drift", **changes):
    return configuring.configure(control, **{**SETTING, **changes}, by=by)


def outcomes(model) -> dict[str, str]:
    model.refresh_from_db()
    row = row_of(model, None, timezone.now())
    return {cell.column.control.name: cell.finding.outcome.value for cell in row.cells}


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_controls_are_on_for_every_model_until_somebody_sets_them(db):
    found = columns(timezone.now())
    assert [(column.control, column.setting.tiers, column.setting.number) for column in found] == [
        (control, (), 0) for control in CONTROLS
    ]


def test_a_control_that_is_off_is_not_asked(churn, admin):
    configure(admin, enabled=False)
    assert "drift" not in outcomes(churn)


def test_a_control_is_asked_of_the_tiers_that_it_is_for(churn, admin):
    configure(admin, control="approval", tiers=["high"])
    RegisteredModel.objects.update(risk="low")
    low = outcomes(churn)["approval"]
    RegisteredModel.objects.update(risk="high")
    assert (low, outcomes(churn)["approval"]) == ("not_applicable", "met")


def test_earlier_moments_are_judged_as_the_control_was_set_then(admin):
    configure(admin, enabled=False)
    configure(admin, seen=1)
    for number, minute in ((1, 10), (2, 20)):
        ControlSetting.objects.filter(number=number).update(set_at=at(minute))
    on = {minute: "drift" in {column.control.name for column in columns(at(minute))} for minute in (9, 10, 20)}
    assert on == {9: True, 10: False, 20: True}


def test_each_setting_stays_and_is_recorded_with_before_and_after(admin):
    configure(admin, enabled=False)
    configure(admin, seen=1, reason="Again.")
    event = AuditEvent.objects.filter(action="control.set").last()
    assert ([row.number for row in history_of("drift")], event.reason, event.data["before"]["enabled"]) == (
        [2, 1],
        "Again.",
        False,
    )


@pytest.mark.parametrize("persona", ["bob", "charlie", "mallory"])
def test_whoever_is_no_admin_sets_no_control(request, persona):
    with pytest.raises(NotAllowed):
        configure(request.getfixturevalue(persona))
    assert ControlSetting.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"severity": "dire"}, "severity"),
        ({"reason": " "}, "reason"),
        ({"tiers": [str(number) for number in range(21)]}, "tiers"),
        ({"tiers": ["a\0b"]}, "tiers"),
    ],
)
def test_bad_input_names_its_field(admin, changes, field):
    with pytest.raises(InvalidInput) as refused:
        configure(admin, **changes)
    assert (refused.value.field, ControlSetting.objects.count()) == (field, 0)


def test_there_is_no_other_control(admin):
    with pytest.raises(NotVisible):
        configure(admin, control="luck")


def test_a_setting_that_was_not_read_is_not_replaced(admin):
    configure(admin)
    with pytest.raises(Conflict):
        configure(admin)


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_sets_the_control():
    people, barrier, ended = [member("admin", ADMIN), member("ada", ADMIN)], threading.Barrier(2), []

    def set_it(person) -> None:
        try:
            barrier.wait(10)
            configure(person)
            ended.append("set")
        except DomainError as error:
            ended.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=set_it, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (sorted(ended), ControlSetting.objects.count()) == (["Conflict", "set"], 1)


def test_page_sets_a_control(admin):
    form = {"control": "drift", "seen": "0", "tiers": "high, medium", "severity": "low", "reason": "Only these."}
    answer = signed_in(admin).post("/compliance/controls/", form)
    row = ControlSetting.objects.get()
    assert (answer.status_code, row.enabled, row.tiers, row.severity) == (302, False, ["high", "medium"], "low")


def test_page_keeps_what_was_written_beside_the_refusal(admin):
    form = {"control": "drift", "seen": "0", "tiers": "high", "severity": "low", "reason": ""}
    page = signed_in(admin).post("/compliance/controls/", form)
    assert (page.status_code, 'value="high"' in page.content.decode()) == (400, True)


def test_api_sets_a_control_and_shows_its_clauses(admin):
    body = {"enabled": False, "tiers": ["high"], "severity": "high", "reason": "Later.", "seen": 0}
    made = signed_in(admin).put("/api/v1/compliance/controls/legal_hold/", body, content_type="application/json").json()
    assert (made["enabled"], made["number"], made["clauses"]) == (
        False,
        1,
        ["eu-ai-act Article 18(1)", "21-cfr-11 § 11.10(c)"],
    )


def test_every_clause_names_controls_of_the_table_and_its_limits():
    rows = [(source, clause) for source in sources() for clause in source.clauses]
    assert [
        clause.clause for source, clause in rows if not (set(clause.controls) <= set(BY_NAME) and clause.limits)
    ] == []


def test_every_document_has_an_address_and_is_told_once():
    assert [source.id for source in sources() if not source.address.startswith("https://")] == []
    assert len({source.id for source in sources()}) == len(sources())


def test_every_source_says_where_it_stands_and_what_of_it_was_read():
    assert [row.id for row in sources() if not (row.address.startswith("https://") and row.title and row.basis)] == []


@pytest.mark.parametrize("name", ["sr-26-2", "iso-42001"])
def test_what_was_not_read_is_not_called_verified(name):
    assert next(row for row in sources() if row.id == name).basis.startswith("Not verified")


@pytest.mark.parametrize(
    ("field", "value"), [("basis", ""), ("title", ""), ("publisher", ""), ("address", "http://example.org")]
)
def test_a_source_that_does_not_say_so_is_refused(field, value, monkeypatch, tmp_path):
    found = yaml.safe_load(reading.FILE.read_text(encoding="utf-8"))
    found["sources"][0][field] = value
    (tmp_path / "clauses.yaml").write_text(yaml.safe_dump(found))
    monkeypatch.setattr(reading, "FILE", tmp_path / "clauses.yaml")
    with pytest.raises(ValueError, match="eu-ai-act: say its title"):
        reading.sources.__wrapped__()


def test_page_and_api_say_that_it_is_no_legal_advice(charlie):
    page = signed_in(charlie).get("/compliance/controls/").content.decode()
    rows = signed_in(charlie).get("/api/v1/compliance/clauses/").json()
    assert ("not legal advice" in page, [row["basis"] for row in rows]) == (True, [row.basis for row in sources()])


def test_no_clause_claims_to_certify():
    words = " ".join(f"{clause.about} {clause.limits}" for source in sources() for clause in source.clauses).lower()
    assert [word for word in ("certif", "guarantee", "compliant") if word in words] == []


def covered(user, on) -> dict[str, tuple]:
    found = coverage(user, timezone.now(), on).of
    return {f"{one.source.id} {row.clause.clause}": (row.met, row.asked) for one in found for row in one.clauses}


def test_coverage_counts_models_with_all_controls_met(churn, charlie, mallory):
    article = "21-cfr-11 § 11.70"
    before = covered(charlie, BY_NAME)[article]
    churn.versions.update(metrics={"accuracy": 0.1})
    assert (before, covered(charlie, BY_NAME)[article], covered(mallory, BY_NAME)[article]) == ((1, 1), (0, 1), (0, 0))


def test_a_clause_whose_control_is_off_is_not_supported(churn, charlie, admin):
    configure(admin, control="evidence", enabled=False)
    on = [column.control.name for column in columns(timezone.now() + timedelta(seconds=1))]
    assert covered(charlie, on)["eu-ai-act Article 11(1)"] == (0, 1)


def test_page_of_clauses_links_each_to_its_source(charlie):
    page = signed_in(charlie).get("/compliance/controls/").content.decode()
    assert [source.id for source in sources() if f'href="{source.address}"' not in page] == []
