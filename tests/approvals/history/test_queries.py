"""What was where at a moment, before and after each move, and whose decision it was."""

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from apps.accounts import grants
from apps.accounts.roles import VIEWER
from apps.approvals.history import queries
from apps.approvals.models import ApprovalRequest
from apps.errors import InvalidInput, NotVisible
from apps.registry.models import Placement, RegisteredModel
from tests.approvals.history.conftest import in_production
from tests.builders import make_model
from tests.registry.test_placements import at, mirror


def then(model: RegisteredModel, minute: int) -> list[tuple]:
    return [(row.placement.place, row.placement.version.number) for row in queries.of_model(model, at(minute))]


@pytest.mark.parametrize(
    ("minute", "found"),
    [
        (0, []),
        (1, [("Production", 1), ("@champion", 1)]),
        (9, [("Production", 1), ("@champion", 1)]),
        (10, [("Production", 2), ("Archived", 1), ("@champion", 1)]),
        (19, [("Production", 2), ("Archived", 1), ("@champion", 1)]),
        (20, [("Staging", 2), ("Archived", 1), ("@champion", 2)]),
        (90, [("Staging", 2), ("Archived", 1), ("@champion", 2)]),
    ],
)
def test_each_moment_shows_what_was_so(churn, minute, found):
    assert then(churn, minute) == found


def test_decision_comes_with_its_approvers_and_evidence(churn):
    decided, archived, alias = queries.of_model(churn, at(15))
    request = ApprovalRequest.objects.get()
    assert (decided.request, decided.approvers, decided.evidence_digest) == (request, ["erin"], "ab" * 32)
    assert (archived.request, alias.request, alias.evidence_digest) == (request, None, "")


def test_move_of_mlflow_names_no_decision(churn):
    moved = queries.of_model(churn, at(20))[0]
    assert (moved.placement.source, moved.request, moved.approvers) == ("mlflow", None, [])


def test_drift_that_was_asked_for_afterwards_names_the_request_from_then_on(churn, alice):
    version = churn.versions.get(number=2)
    later = ApprovalRequest.objects.create(
        version=version, from_stage="Production", to_stage="Staging", archive_existing=False, requester=alice,
        reason="It works.", policy=ApprovalRequest.objects.get().policy, state="applied", submitted_at=at(25),
        closed_at=at(30),
    )  # fmt: skip
    found = [queries.of_model(churn, at(minute))[0].request for minute in (29, 30)]
    assert found == [None, later]


def test_deleted_model_keeps_its_past(churn, charlie):
    now = timezone.now()
    RegisteredModel.objects.update(deleted_at=now)
    Placement.objects.filter(until=None).update(until=now)
    assert then(queries.model_at(charlie, "churn", at(15)), 15)[0] == ("Production", 2)


def test_name_that_was_used_before_means_the_model_of_that_time(churn, charlie):
    RegisteredModel.objects.update(deleted_at=at(50))
    again = make_model("churn")
    RegisteredModel.objects.filter(pk=again.pk).update(created_at=at(60))
    assert [queries.model_at(charlie, "churn", at(minute)) for minute in (15, 70)] == [churn, again]


def test_whole_registry_shows_one_stage_newest_first(churn, charlie):
    in_production("fraud", 5)
    in_production("ranker", 8, until=at(12))
    names = {
        minute: [row.placement.model.name for row in queries.page_of(charlie, "Production", at(minute), 10).rows]
        for minute in (4, 9, 15, 25)
    }
    assert names == {4: ["churn"], 9: ["ranker", "fraud", "churn"], 15: ["churn", "fraud"], 25: ["fraud"]}


def test_pages_lose_and_repeat_nothing(charlie):
    for number in range(7):
        in_production(f"model {number}", number // 2)
    whole = [row.placement.pk for row in queries.page_of(charlie, "Production", at(9), 10).rows]
    cursor, found = "", []
    for _ in range(3):
        page = queries.page_of(charlie, "Production", at(9), 3, cursor)
        found += [row.placement.pk for row in page.rows]
        cursor = page.next
    assert (found, cursor, len(whole)) == (whole, "", 7)


def test_cursor_of_another_list_is_refused(charlie):
    with pytest.raises(InvalidInput):
        queries.page_of(charlie, "Production", at(9), 3, "nonsense")


def test_models_out_of_sight_are_absent(churn, reader):
    in_production("fraud", 5)
    assert queries.page_of(reader, "Production", at(15), 10).rows == []
    with pytest.raises(NotVisible):
        queries.model_at(reader, "churn", at(15))
    group = Group.objects.create(name="readers")
    grants.set_role(group, [VIEWER], churn)
    reader.groups.add(group)
    assert [row.placement.model for row in queries.page_of(reader, "Production", at(15), 10).rows] == [churn]


def test_as_of_now_is_what_the_mirror_says(churn):
    mirror(40, {1: "Production", 2: "None"}, {})
    assert then(churn, 41) == [("Production", 1)]
