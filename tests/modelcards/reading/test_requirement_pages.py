import pytest

from apps.modelcards import requirements
from apps.modelcards.models import RequirementSet
from apps.registry.models import ModelVersion

pytestmark = pytest.mark.django_db
HERE = "/cards/requirements/"
STRICTER = {"language.low": "S", "language.medium": "S", "language.high": "S", "seen": "0", "reason": "Texts."}


@pytest.fixture
def send(client, admin):
    client.force_login(admin)

    def post(do: str, status: int = 200, **more) -> str:
        answer = client.post(HERE, STRICTER | {"do": do} | more)
        assert answer.status_code == status
        return answer.content.decode()

    return post


def test_everybody_reads_what_is_asked(client, charlie):
    client.force_login(charlie)
    text = client.get(HERE).content.decode()
    assert "Intended use" in text
    assert "Change the requirements" not in text


def test_who_does_not_manage_policies_gets_no_form(client, charlie):
    client.force_login(charlie)
    assert client.get(f"{HERE}?edit=on").status_code == 403


@pytest.mark.parametrize("do", ["preview", "publish", "edit"])
def test_who_does_not_manage_policies_changes_nothing(client, alice, do):
    client.force_login(alice)
    assert client.post(HERE, STRICTER | {"do": do}).status_code == 403
    assert not RequirementSet.objects.exists()


def test_what_would_change_is_shown_before_anything_does(card, send):
    ModelVersion.objects.update(stage="Production")
    text = send("preview")
    assert "<strong>1</strong> of 1 cards" in text
    assert "churn v1" in text
    assert not RequirementSet.objects.exists()


def test_a_version_in_use_without_a_card_is_counted_apart(version, send):
    ModelVersion.objects.update(stage="Staging")
    assert "1 version there has no card at all." in send("preview")


def test_cards_that_are_not_in_use_are_not_counted(card, send):
    assert "<strong>0</strong> of 0 cards" in send("preview")


def test_publishing_governs_at_once(send):
    send("publish", status=302)
    assert requirements.current().levels["language"] == {"low": "S", "medium": "S", "high": "S"}


def test_a_set_without_a_reason_keeps_what_was_chosen(send):
    text = send("publish", status=400, reason="")
    assert '<select class="input" name="language.low" aria-label="Language, low"><option value="S" selected>' in text


def test_going_back_from_the_preview_keeps_what_was_typed(send):
    assert ">Texts.</textarea>" in send("edit")


def test_a_set_made_from_an_older_one_is_refused_with_what_was_chosen(admin, send):
    requirements.publish({"license": {"low": "S"}}, reason="Licences.", seen=0, by=admin)
    assert "was published while you were editing" in send("preview", status=409)
    assert "was published while you were editing" in send("publish", status=409)


@pytest.mark.parametrize("more", [{"language.low": "X"}, {"seen": "x"}, {"seen": ""}, {"do": "dance"}, {"do": ""}])
def test_what_no_form_sends_is_refused(send, more):
    send(**{"do": "publish", "status": 400} | more)
    assert not RequirementSet.objects.exists()


def test_a_set_of_the_past_can_be_read(client, admin, charlie):
    requirements.publish({"language": {"low": "S"}}, reason="Texts in many languages.", seen=0, by=admin)
    client.force_login(charlie)
    assert "Texts in many languages." in client.get(f"{HERE}?set=1").content.decode()
    assert "See the set that governs" in client.get(f"{HERE}?set=0").content.decode()


@pytest.mark.parametrize(("number", "status"), [("7", 404), ("x", 400), ("9" * 40, 400)])
def test_a_set_that_there_is_not_is_refused(client, charlie, number, status):
    client.force_login(charlie)
    assert client.get(f"{HERE}?set={number}").status_code == status
