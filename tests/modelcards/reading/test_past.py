import pytest

from apps.modelcards import services
from apps.modelcards.filling import Edit
from tests.builders import make_version
from tests.modelcards.conftest import fill

pytestmark = pytest.mark.django_db
HERE = "/models/churn/v/1/card/"


@pytest.fixture
def page(client, alice):
    client.force_login(alice)

    def read(path: str, status: int = 200) -> str:
        answer = client.get(HERE + path)
        assert answer.status_code == status
        return answer.content.decode()

    return read


def test_the_history_names_who_saved_what_and_why(card, alice, page):
    fill(alice, values={"license": "MIT"})
    services.save("churn", 1, Edit({"language": "ja"}), base=2, by=alice, note="Asked for by the auditors.")
    text = page("history/")
    assert "Asked for by the auditors." in text
    assert "Language" in text
    assert text.index("Revision 3") < text.index("Revision 2") < text.index("Revision 1")


def test_a_long_history_has_pages(card, alice, page):
    for number in range(25):
        fill(alice, values={"license": f"Licence {number}"})
    first = page("history/")
    assert "Revision 26" in first
    assert "Revision 6<" not in first
    cursor = first.split('rel="next" href="')[1].split('"')[0]
    assert "Revision 6<" in page(f"history/{cursor}")


def test_a_cursor_of_nobodys_making_is_refused(card, page):
    page("history/?cursor=x", status=400)


def test_without_a_choice_the_newest_is_compared_with_the_one_before(card, alice, page):
    fill(alice, values={"license": "MIT"})
    assert "From revision 1 to revision 2." in page("compare/")


def test_words_that_came_and_went_have_a_sign_and_a_word(card, alice, page):
    fill(alice, values={"intended_use": "Supports the retention team every day."})
    fill(alice, values={"intended_use": "Supports the retention team every week."})
    text = page("compare/?base=2&other=3")
    assert (
        '<del><span class="visually-hidden">removed: </span><span class="sign" aria-hidden="true">−</span>day' in text
    )
    assert '<ins><span class="visually-hidden">added: </span><span class="sign" aria-hidden="true">+</span>week' in text


def test_hostile_text_stays_text_in_a_comparison(card, alice, page):
    fill(alice, values={"intended_use": "<script>alert(1)</script> <img src=x onerror=alert(1)>"})
    text = page("compare/")
    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_cards_of_two_versions_are_compared(card, alice, client, page):
    make_version(card.version.model, 2)
    services.start("churn", 2, by=alice)
    answer = client.get("/models/churn/v/2/card/compare/?with=1").content.decode()
    assert "From the card of v1 (revision 1) to that of v2 (revision 1)." in answer


def test_a_version_without_a_card_is_nothing_to_compare_with(card, page):
    make_version(card.version.model, 2)
    assert "has no card" in page("compare/?with=2", status=400)


@pytest.mark.parametrize("query", ["base=x", "base=-1", f"other={2**40}", "with=9e9", "base=1.5", "other=٣"])
def test_a_comparison_of_no_numbers_is_refused(card, page, query):
    page(f"compare/?{query}", status=400)


@pytest.mark.parametrize("query", ["base=7", "other=7", "with=7"])
def test_what_there_is_not_is_not_found_in_a_comparison(card, page, query):
    page(f"compare/?{query}", status=404)
