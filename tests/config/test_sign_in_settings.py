"""Settings about signing in that make no sense, or are unsafe, are refused with a sentence."""

import pytest

from config.safety import sign_in_refusals

GOOD = {"production": True, "second_factor": "optional", "password": True, "issuer": "", "client_id": "", "groups": {}}
PROVIDER = {"issuer": "https://login.example.org", "client_id": "assent"}


@pytest.mark.parametrize("change", [{}, PROVIDER, PROVIDER | {"password": False, "groups": {"ml": "readers"}},
                                    {"second_factor": "duties"}, {"second_factor": "everybody"}])  # fmt: skip
def test_settings_that_make_sense_are_taken(change):
    assert sign_in_refusals(**GOOD | change) == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"second_factor": "yes"}, "ASSENT_SECOND_FACTOR"),
        ({"password": False}, "nobody could sign in"),
        ({"issuer": "https://login.example.org"}, "ASSENT_OIDC_CLIENT_ID"),
        (PROVIDER | {"issuer": "http://login.example.org"}, "https"),
        (PROVIDER | {"issuer": "https://" + "x" * 200}, "longer"),
        ({"groups": ["ml"]}, "ASSENT_OIDC_GROUPS"),
        ({"groups": {"ml": ["readers"]}}, "ASSENT_OIDC_GROUPS"),
        ({"groups": {"": "admins"}}, "ASSENT_OIDC_GROUPS"),
    ],
)
def test_settings_that_do_not_are_refused_with_a_sentence(change, word):
    (refusal,) = sign_in_refusals(**GOOD | change)
    assert word in refusal
