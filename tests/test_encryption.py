"""Secrets at rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.encryption import seal, unseal
from apps.errors import WrongState

OLD, NEW = "o" * 50, "n" * 50


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_sealed_text_opens_again(text):
    assert unseal(seal(text)) == text


def test_sealed_text_does_not_show_what_it_holds():
    assert "hunter2" not in seal("hunter2")


def test_text_sealed_with_an_older_key_still_opens(settings):
    settings.ENCRYPTION_KEYS = [OLD]
    sealed = seal("hunter2")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert unseal(sealed) == "hunter2"


def test_newest_key_seals(settings):
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    sealed = seal("hunter2")
    settings.ENCRYPTION_KEYS = [NEW]
    assert unseal(sealed) == "hunter2"


@pytest.mark.parametrize("damage", [lambda text: text[:-2], lambda text: text[:20] + "A" + text[21:], lambda text: "x"])
def test_changed_text_does_not_open(damage):
    with pytest.raises(WrongState):
        unseal(damage(seal("hunter2")))


def test_text_sealed_elsewhere_does_not_open(settings):
    settings.ENCRYPTION_KEYS = [OLD]
    sealed = seal("hunter2")
    settings.ENCRYPTION_KEYS = [NEW]
    with pytest.raises(WrongState, match="Enter it anew"):
        unseal(sealed)
