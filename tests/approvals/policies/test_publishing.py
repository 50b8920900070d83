from io import StringIO
from threading import Barrier, Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from apps.approvals.models import ApprovalPolicy
from apps.approvals.policies import content, drafting, publishing
from apps.audit.actions import Action, Outcome, Source
from apps.audit.models import AuditEvent
from apps.errors import Conflict, DomainError, InvalidInput, NotAllowed, RuleViolation, WrongState
from tests.builders import make_policy


def test_a_second_admin_publishes_and_the_policy_before_is_retired(policy, draft, ada):
    published = publishing.publish(draft.pk, by=ada, reason="After the incident.")
    policy.refresh_from_db()
    assert (policy.state, policy.retired_at is None) == ("retired", False)
    said = (published.state, published.revision, published.published_by, published.drafted_by, published.reason)
    assert said == ("published", 2, "ada", "admin", "After the incident.")
    event = AuditEvent.objects.last()
    assert (event.action, event.outcome, event.reason) == (
        Action.POLICY_PUBLISHED, Outcome.DONE, "After the incident.",
    )  # fmt: skip
    before, after = (event.data[name]["rules"][0]["needed"] for name in ("before", "after"))
    assert (before, after, event.data["drafted_by"]) == (1, 2, "admin")


def test_an_empty_reason_leaves_that_of_the_draft(draft, ada):
    assert publishing.publish(draft.pk, by=ada).reason == "Four eyes."


def test_whoever_edited_last_does_not_publish(draft, admin, ada):
    with pytest.raises(RuleViolation, match="another admin has to read and publish it"):
        publishing.publish(draft.pk, by=admin)
    drafting.edit(draft.pk, {"wait_minutes": 5}, by=ada)
    with pytest.raises(RuleViolation):
        publishing.publish(draft.pk, by=ada)
    assert publishing.publish(draft.pk, by=admin).state == "published"


def test_a_lone_admin_publishes_where_the_setting_allows_it_and_the_trail_says_so(draft, admin, settings):
    settings.POLICY_SECOND_ADMIN = False
    publishing.publish(draft.pk, by=admin)
    assert AuditEvent.objects.last().data["alone"] is True


def test_only_an_admin_publishes(draft, bob):
    with pytest.raises(NotAllowed):
        publishing.publish(draft.pk, by=bob)
    assert AuditEvent.objects.last().outcome == Outcome.REFUSED


def test_a_draft_that_changed_since_it_was_read_is_not_published(draft, admin, ada):
    read = content.digest(draft)
    drafting.edit(draft.pk, {"wait_minutes": 5}, by=admin)
    with pytest.raises(Conflict, match="read it again"):
        publishing.publish(draft.pk, by=ada, digest=read)
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_a_policy_is_published_once(draft, ada):
    publishing.publish(draft.pk, by=ada)
    with pytest.raises(WrongState):
        publishing.publish(draft.pk, by=ada)


def test_a_draft_that_demands_what_does_not_exist_any_more_is_not_published(draft, ada):
    ApprovalPolicy.objects.filter(pk=draft.pk).update(required_checks=["luck"])
    with pytest.raises(InvalidInput) as caught:
        publishing.publish(draft.pk, by=ada)
    assert caught.value.field == "required_checks"


def test_policies_for_other_models_and_targets_stay_in_force(draft, ada, model):
    others = [make_policy("Staging"), make_policy(model=model), make_policy(risk="high"), make_policy("")]
    publishing.publish(draft.pk, by=ada)
    in_force = ApprovalPolicy.objects.filter(pk__in=[row.pk for row in others], state="published")
    assert in_force.count() == len(others)


def test_open_requests_keep_their_policy(asked, policy, draft, ada):
    publishing.publish(draft.pk, by=ada)
    asked.refresh_from_db()
    assert asked.policy == policy


def test_the_operator_publishes_at_the_shell(draft):
    said = StringIO()
    call_command("publish_policy", str(draft.pk), reason="The first.", stdout=said)
    event = AuditEvent.objects.last()
    assert (event.actor, event.source, event.reason) == ("system:operator", Source.COMMAND, "The first.")
    assert said.getvalue() == f"Policy {draft.pk} is in force, revision 1.\n"


def test_the_operator_is_told_what_cannot_be_published(db):
    with pytest.raises(CommandError, match="There is no policy 7"):
        call_command("publish_policy", "7", reason="The first.")


def together(*acts) -> list[DomainError]:
    """Do things at the same moment, and return what was refused."""
    barrier, errors = Barrier(len(acts)), []

    def run(act) -> None:
        try:
            barrier.wait()
            act()
        except DomainError as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.django_db(transaction=True)
def test_of_two_policies_published_at_once_one_is_in_force(admin, ada):
    make_policy()
    drafts = [
        drafting.draft({"stage": "Production", "reason": "Mine."}, [{"needed": needed}], by=admin) for needed in (2, 3)
    ]
    errors = together(*[lambda row=row: publishing.publish(row.pk, by=ada) for row in drafts])
    in_force = ApprovalPolicy.objects.filter(state="published")
    assert (in_force.count(), {type(error) for error in errors} <= {Conflict}) == (1, True)
    assert ApprovalPolicy.objects.filter(state="draft").count() == len(errors)


@pytest.mark.django_db(transaction=True)
def test_a_draft_published_twice_at_once_is_published_once(admin, ada):
    drafted = drafting.draft({"stage": "Production", "reason": "Mine."}, [{"needed": 2}], by=admin)
    errors = together(*[lambda: publishing.publish(drafted.pk, by=ada)] * 2)
    assert [type(error) for error in errors] == [WrongState]
    assert AuditEvent.objects.filter(action=Action.POLICY_PUBLISHED, outcome=Outcome.DONE).count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_is_published_is_what_was_read_although_it_is_edited_at_that_moment(admin, ada):
    drafted = drafting.draft({"stage": "Production", "reason": "Mine."}, [{"needed": 2}], by=admin)
    read = content.digest(drafted)
    errors = together(
        lambda: publishing.publish(drafted.pk, by=ada, digest=read),
        lambda: drafting.edit(drafted.pk, {}, [{"needed": 1}], by=admin, digest=read),
    )
    drafted.refresh_from_db()
    outcome = (drafted.state, [rule.needed for rule in drafted.rules.all()], [type(error) for error in errors])
    assert outcome in (("published", [2], [WrongState]), ("draft", [1], [Conflict]))
