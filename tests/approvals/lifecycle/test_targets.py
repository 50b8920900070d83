"""What a request asks for: a stage, or a protected alias; what comes with it; what it takes the place of."""

import pytest
from django.db import connection
from django.urls import reverse

from apps.approvals import queries, services, superseding
from apps.approvals.models import ApprovalRequest, ProtectedAlias
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.errors import Conflict, DomainError, InvalidInput, NotAllowed, RuleViolation
from apps.registry.models import ModelAlias, ModelVersion
from tests.builders import make_model, make_policy, make_version


@pytest.fixture
def protected(db) -> ProtectedAlias:
    return ProtectedAlias.objects.create(alias="champion", added_by="admin")


@pytest.fixture
def reviewers(bob, erin):
    return bob, erin


def ask(version, by, stage="", **options) -> ApprovalRequest:
    return services.open_request(version.pk, stage, reason="Better.", by=by, **options)


def refused(*args, **options) -> DomainError:
    with pytest.raises(DomainError) as caught:
        ask(*args, **options)
    assert not ApprovalRequest.objects.exists()
    return caught.value


def test_an_alias_is_asked_for_from_where_it_points(champion, version, protected, alice, reviewers):
    make_policy("", alias="champion")
    ModelAlias.objects.create(model=version.model, alias="champion", version=champion)
    asked = ask(version, alice, alias="champion")
    assert (asked.alias, asked.to_stage, asked.from_number, asked.target) == ("champion", "", 1, "@champion")
    assert (asked.archive_existing, asked.kind) == (False, "promotion")
    assert AuditEvent.objects.get(action=Action.REQUEST_OPENED).data["alias"] == "champion"


def test_an_alias_that_points_nowhere_is_asked_for(version, protected, alice, reviewers):
    make_policy("", alias="champion")
    assert ask(version, alice, alias="champion").from_number is None


def test_a_stage_pins_where_the_alias_points_that_moves_with_it(champion, version, protected, alice, reviewers):
    make_policy(moves_alias="champion")
    ModelAlias.objects.create(model=version.model, alias="champion", version=champion)
    assert ask(version, alice, "Production").from_number == 1


def test_a_stage_is_not_approved_once_the_alias_that_moves_with_it_points_elsewhere(
    champion, version, protected, alice, reviewers
):
    make_policy(moves_alias="champion")
    asked = ask(version, alice, "Production")
    assert asked.from_number is None
    ModelAlias.objects.create(model=version.model, alias="champion", version=champion)
    with pytest.raises(Conflict, match="@champion no longer points where it did"):
        services.act(asked.pk, "approve", by=reviewers[0], evidence_digest=asked.evidence_digest)


def test_an_alias_that_nobody_protects_needs_no_request(version, policy, alice, reviewers):
    error = refused(version, alice, alias="best")
    assert (type(error), error.field) == (RuleViolation, "alias")


def test_an_alias_without_a_policy_is_closed(version, protected, alice, reviewers):
    assert "No policy says who signs off @champion" in refused(version, alice, alias="champion").message


def test_an_alias_that_points_there_already_stays(version, protected, alice, reviewers):
    make_policy("", alias="champion")
    ModelAlias.objects.create(model=version.model, alias="champion", version=version)
    assert refused(version, alice, alias="champion").message == "@champion is churn v2 already."


@pytest.mark.parametrize("target", [{}, {"stage": "Production", "alias": "champion"}])
def test_a_request_has_one_target(version, policy, protected, alice, reviewers, target):
    assert isinstance(refused(version, alice, **target), InvalidInput)


@pytest.mark.parametrize("stage", ["Archived", "None"])
def test_the_way_out_is_an_archive(version, alice, reviewers, stage):
    make_policy(stage)
    assert ask(version, alice, stage).kind == "archive"


def test_a_stage_and_an_alias_of_one_version_are_two_requests(version, policy, protected, alice, reviewers):
    make_policy("", alias="champion")
    assert ask(version, alice, "Production") != ask(version, alice, alias="champion")


def test_a_second_request_for_an_alias_names_the_first(version, protected, alice, reviewers):
    make_policy("", alias="champion")
    first = ask(version, alice, alias="champion")
    with pytest.raises(Conflict, match=f"Request {first.pk} already asks to move churn v2 to @champion"):
        ask(version, reviewers[0], alias="champion")


def test_an_alias_that_moved_in_mlflow_blocks_its_request(champion, version, protected, alice, reviewers):
    make_policy("", alias="champion")
    asked = ask(version, alice, alias="champion")
    ModelAlias.objects.create(model=version.model, alias="champion", version=champion)
    with pytest.raises(Conflict, match=r"\(no version\): it points to v1"):
        services.act(asked.pk, "approve", by=reviewers[0], evidence_digest=asked.evidence_digest)


@pytest.mark.parametrize(
    "ticket", ["OPS-17", "https://tickets.example/OPS-17?a=1#x", "OPS-17: the one about drift", ""]
)
def test_a_ticket_is_a_name_or_an_https_address(version, policy, alice, reviewers, ticket):
    assert ask(version, alice, "Production", ticket=f" {ticket} ").ticket == ticket


@pytest.mark.parametrize(
    "ticket",
    [
        "http://tickets.example/1", "javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "file:///etc",
        "https://", "https:tickets", "https://user:secret@tickets.example/1", "https://a b/", "x" * 501, "a\nb", "a\0b",
        "https://[::1",
    ],
)  # fmt: skip
def test_no_other_address_is_a_ticket(version, policy, alice, reviewers, ticket):
    error = refused(version, alice, "Production", ticket=ticket)
    assert (type(error), error.field) == (InvalidInput, "ticket")


def test_a_newer_version_marks_the_request_for_the_older_one_and_leaves_it_open(
    model, version, policy, alice, reviewers
):
    older = ask(version, alice, "Production")
    newer = ask(make_version(model, 3), alice, "Production")
    older.refresh_from_db()
    assert (older.state, older.superseded_by, superseding.newer(older)) == ("open", newer, newer)
    assert AuditEvent.objects.filter(action=Action.REQUEST_OPENED).latest("id").data["supersedes"] == [older.pk]


def test_an_older_version_marks_nothing(model, version, policy, alice, reviewers):
    newer = ask(make_version(model, 3), alice, "Production")
    ask(version, alice, "Production")
    newer.refresh_from_db()
    assert newer.superseded_by is None


def test_another_target_marks_nothing(model, version, policy, alice, reviewers):
    make_policy("Staging")
    older = ask(version, alice, "Production")
    ask(make_version(model, 3), alice, "Staging")
    ask(make_version(make_model("other"), 9), alice, "Production")
    older.refresh_from_db()
    assert older.superseded_by is None


def test_versions_are_archived_side_by_side(model, version, alice, reviewers):
    make_policy("Archived")
    older = ask(version, alice, "Archived")
    ask(make_version(model, 3), alice, "Archived")
    older.refresh_from_db()
    assert older.superseded_by is None


def test_what_is_superseded_is_closed_by_a_person(model, version, policy, alice, reviewers):
    older = ask(version, alice, "Production")
    with pytest.raises(Conflict, match="No newer version"):
        services.act(older.pk, "supersede", by=alice)
    newer = ask(make_version(model, 3), alice, "Production")
    closed = services.act(older.pk, "supersede", by=alice)
    assert (closed.state, closed.closed_at is not None) == ("superseded", True)
    assert AuditEvent.objects.get(action=Action.REQUEST_SUPERSEDED, outcome="done").data["superseded_by"] == newer.pk


def test_what_was_dropped_supersedes_nothing(model, version, policy, alice, reviewers):
    older = ask(version, alice, "Production")
    newer = ask(make_version(model, 3), alice, "Production")
    services.act(newer.pk, "withdraw", by=alice)
    older = ApprovalRequest.objects.get(pk=older.pk)
    assert superseding.newer(older) is None
    assert "supersede" not in {offer.action for offer in queries.allowed_actions(older, alice)}


def test_a_closed_request_is_asked_again_as_a_new_one(asked, version, alice, review):
    review("withdraw", alice)
    again = ask(version, alice, "Production", follows=asked.pk)
    assert (again.pk != asked.pk, again.follows) == (True, asked)


def test_only_a_closed_request_of_the_same_model_is_followed(asked, alice, policy):
    other = make_version(make_model("other"))
    for version, number in ((make_version(asked.version.model, 3), asked.pk), (other, asked.pk), (other, 10**30)):
        with pytest.raises(InvalidInput) as caught:
            ask(version, alice, "Production", follows=number)
        assert caught.value.field == "follows"


def test_a_viewer_asks_for_no_alias(version, protected, charlie):
    with pytest.raises(NotAllowed):
        ask(version, charlie, alias="champion")


def test_the_database_keeps_one_request_for_each_alias(version, protected, alice, reviewers):
    make_policy("", alias="champion")
    row = ask(version, alice, alias="champion")
    row.pk = None
    with pytest.raises(Exception, match=r"(?i)unique"), connection.cursor():
        row.save(force_insert=True)


def test_the_place_of_an_alias_does_not_depend_on_the_stage(version, protected, alice, reviewers):
    make_policy("", alias="champion")
    asked = ask(version, alice, alias="champion")
    ModelVersion.objects.filter(pk=version.pk).update(stage="Archived")
    services.act(asked.pk, "approve", by=reviewers[0], evidence_digest=asked.evidence_digest)
    assert ApprovalRequest.objects.get().state == "approved"


def test_version_page_and_trail_name_the_alias_that_a_request_is_about(
    version, protected, reviewers, alice, client, admin
):
    make_policy("", alias="champion")
    asked = ask(version, alice, alias="champion")
    client.force_login(admin)
    page = client.get(reverse("registry:version-detail", args=[version.model.name, version.number])).content.decode()
    assert page.count(f"Request {asked.pk} to @champion") == 2  # the button, and the list of requests
    assert f"{version} → @champion" in client.get(reverse("audit:event-list")).content.decode()
