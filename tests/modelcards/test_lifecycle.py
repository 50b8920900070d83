import pytest
from django.utils import timezone

from apps.accounts.roles import ADMIN, DATA_SCIENTIST, REVIEWER
from apps.accounts.services import create_service_account, create_token, revoke_token
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, RuleViolation, WrongState
from apps.modelcards import comments, lifecycle, queries, services
from apps.modelcards.filling import Edit
from apps.modelcards.models import Card
from apps.registry.models import ModelVersion, RegisteredModel
from tests.accounts.test_grants import fresh
from tests.conftest import member
from tests.modelcards.conftest import LACKING, fill

pytestmark = pytest.mark.django_db


def take(step: str, by, **said) -> Card:
    return lifecycle.take(step, "churn", 1, seen=said.pop("seen", Card.objects.get().digest), by=by, **said)


@pytest.fixture
def full(card, alice) -> Card:
    RegisteredModel.objects.update(risk="low")
    fill(alice)
    return card


@pytest.fixture
def submitted(full, alice) -> Card:
    return take("submit", alice)


def test_a_complete_card_is_submitted_and_approved_by_another(submitted, erin):
    card = take("approve", erin)
    assert (card.state, card.approved_number, card.approved_by) == ("approved", card.number, erin)
    assert AuditEvent.objects.latest("id").action == "card.approved"


def test_a_card_that_lacks_what_staging_asks_is_not_submitted(card, alice):
    with pytest.raises(WrongState) as refused:
        take("submit", alice)
    assert "Intended use" in refused.value.message


def test_nobody_approves_a_card_that_they_wrote_on(full, bob, alice):
    fill(bob, values=LACKING)
    take("submit", alice)
    with pytest.raises(RuleViolation):
        take("approve", bob)


def test_an_approval_is_of_what_was_read(submitted, erin):
    with pytest.raises(Conflict):
        take("approve", erin, seen="0" * 64)


def test_an_author_without_the_duty_approves_nothing(submitted, alice):
    with pytest.raises(NotAllowed):
        take("approve", alice)


def test_an_open_comment_stands_in_the_way(submitted, erin, alice):
    said = comments.add("churn", 1, section="use", body="Who is called, and by whom?", by=erin)
    with pytest.raises(WrongState):
        take("approve", erin)
    comments.resolve("churn", 1, said.pk, by=alice)
    assert take("approve", erin).state == "approved"


def test_a_card_out_of_step_with_mlflow_is_not_approved(submitted, erin):
    submitted.version.params = {"depth": "4"}
    submitted.version.save()
    with pytest.raises(WrongState) as refused:
        take("approve", erin)
    assert "hyperparameters" in refused.value.message


def test_sending_back_takes_a_reason(submitted, erin):
    with pytest.raises(InvalidInput) as refused:
        take("send_back", erin)
    assert refused.value.field == "reason"
    assert take("send_back", erin, reason="Say who is called.").state == "draft"


def test_a_save_ends_the_approval(submitted, erin, alice):
    take("approve", erin)
    fill(alice, values=LACKING)
    card = Card.objects.get()
    assert (card.state, card.approved_number, card.number) == ("draft", 2, 3)


def test_an_archived_card_is_not_written_until_it_is_taken_out(full, bob, alice):
    take("archive", bob, reason="Out of use.")
    with pytest.raises(WrongState):
        fill(alice, values=LACKING)
    take("restore", bob)
    assert fill(alice, values=LACKING).number == 3


@pytest.mark.parametrize("step", ["approve", "send_back", "restore"])
def test_a_step_from_the_wrong_state_is_refused(full, bob, step):
    with pytest.raises(WrongState):
        take(step, bob, reason="Now.")


def test_a_viewer_neither_comments_nor_resolves(submitted, erin, charlie):
    said = comments.add("churn", 1, section="use", body="Who is called?", by=erin)
    with pytest.raises(NotAllowed):
        comments.add("churn", 1, section="use", body="Hm.", by=charlie)
    with pytest.raises(NotAllowed):
        comments.resolve("churn", 1, said.pk, by=charlie)


def test_a_comment_names_a_section(card, alice):
    with pytest.raises(InvalidInput) as refused:
        comments.add("churn", 1, section="poetry", body="Hm.", by=alice)
    assert refused.value.field == "section"


def test_what_may_be_done_next_depends_on_state_and_permission(submitted, erin, alice, bob):
    card = queries.get_card(erin, "churn", 1)
    assert lifecycle.allowed(card, erin) == ["send_back", "approve"]
    assert lifecycle.allowed(card, alice) == []


@pytest.fixture
def ada(db):
    """An admin who reviews, too."""
    return member("ada", ADMIN, REVIEWER)


@pytest.fixture
def machine(ada):
    """A service account that ada made."""
    account = create_service_account("ci", by=ada)
    account.groups.add(member("scientist", DATA_SCIENTIST).groups.get())
    return fresh(account)


def written_by(machine, alice) -> None:
    services.save("churn", 1, Edit(LACKING), base=Card.objects.get().number, by=machine)
    take("submit", alice)


def test_whoever_can_act_as_the_service_account_that_wrote_does_not_approve(full, machine, ada, alice, erin):
    written_by(machine, alice)
    with pytest.raises(RuleViolation) as refused:
        take("approve", ada)
    assert "ci wrote on this card" in refused.value.message
    assert AuditEvent.objects.latest("id").outcome == "refused"
    assert take("approve", erin).state == "approved"


def test_whoever_knew_a_token_of_the_account_when_it_wrote_does_not_approve(full, machine, alice, admin, erin):
    ben = member("ben", ADMIN, REVIEWER)
    token = create_token("build", by=ben, owner=machine, scope="write")
    written_by(machine, alice)
    revoke_token(token.token.prefix, by=ben)
    with pytest.raises(RuleViolation):
        take("approve", ben)


def test_whoever_made_another_account_approves(full, machine, ada, alice):
    ben = member("ben", ADMIN, REVIEWER)
    create_service_account("other", by=ben)
    written_by(machine, alice)
    assert take("approve", ben).state == "approved"


@pytest.mark.parametrize("step", ["submit", "approve"])
def test_the_card_of_a_version_that_is_gone_goes_no_further(full, alice, erin, step):
    if step == "approve":
        take("submit", alice)
    ModelVersion.objects.update(deleted_at=timezone.now())
    with pytest.raises(WrongState, match="deleted in MLflow"):
        take(step, alice if step == "submit" else erin)
