from xml.etree import ElementTree

import pytest

from apps.modelcards.reading.badge import badge
from tests.modelcards.conftest import fill

HERE = "/models/churn/v/1/card/badge.svg"


def test_hostile_words_stay_words():
    root = ElementTree.fromstring(badge('<script>&"', "x</text><a href='y'>", "good"))
    assert not [node for node in root.iter() if node.tag.endswith(("script", "}a"))]


@pytest.mark.django_db
def test_the_badge_says_how_complete_the_card_is(client, card, alice):
    client.force_login(alice)
    answer = client.get(HERE)
    assert answer["Content-Type"] == "image/svg+xml"
    assert "model card: " in answer.content.decode()
    assert "%" in answer.content.decode()


@pytest.mark.django_db
def test_the_badge_of_no_card_says_so(client, version, alice):
    client.force_login(alice)
    assert "model card: no card" in client.get(HERE).content.decode()


@pytest.mark.django_db
def test_an_unchanged_badge_is_not_sent_twice(client, card, alice):
    client.force_login(alice)
    etag = client.get(HERE)["ETag"]
    assert client.get(HERE, HTTP_IF_NONE_MATCH=etag).status_code == 304
    fill(alice, values={"license": "MIT"})
    assert client.get(HERE, HTTP_IF_NONE_MATCH=etag).status_code == 200


@pytest.mark.django_db
def test_the_badge_is_kept_by_the_readers_browser_alone(client, card, alice):
    client.force_login(alice)
    assert "private" in client.get(HERE)["Cache-Control"]


@pytest.mark.django_db
def test_whoever_is_not_signed_in_sees_no_badge(client, card):
    assert client.get(HERE).status_code == 302
