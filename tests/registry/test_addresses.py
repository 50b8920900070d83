"""Addresses that are written for many rows are those that `reverse` gives."""

from django.urls import reverse, set_script_prefix
from hypothesis import given
from hypothesis import strategies as st

from apps.registry.addresses import model_address, version_address

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1) | st.sampled_from(
    ["churn", "eu:churn", "a/b", "a//b", "..", ".", "~", "a\\b", "a b", "a%2Fb", "ä?#&'\"<>", "model", "(x)!$*+,;=@"]
)


@given(name=NAMES, number=st.integers(min_value=1, max_value=10**6))
def test_an_address_is_the_one_that_reverse_gives(name, number):
    assert model_address(name) == reverse("registry:model-detail", args=[name])
    assert version_address(name, number) == reverse("registry:version-detail", args=[name, number])


def test_an_address_begins_where_assent_is_installed():
    set_script_prefix("/assent/")
    try:
        assert model_address("churn") == "/assent/models/churn/"
    finally:
        set_script_prefix("/")
