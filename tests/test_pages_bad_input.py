"""What no browser of ours sends to the pages: 400 naming the field or 404, never 500."""

from urllib.parse import quote_from_bytes, urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.roles import ADMIN, REVIEWER
from tests.builders import make_model, make_version
from tests.conftest import member

PAGES = {
    "/models/": ("q", "stage", "alias", "tag", "deleted", "sort", "page"),
    "/models/churn/": ("page",),
    "/models/churn/v/2/request/": ("target",),
    "/compare/": ("base", "candidate"),
    "/compare/export.csv": ("base", "candidate"),
    "/metrics/": ("metric",),
    "/delegations/": ("show", "page"),
    "/exceptions/": ("page",),
    "/models/churn/rollback/": ("stage", "alias", "version"),
    "/drift/": ("show", "kind", "state", "connection", "page"),
    "/requests/1/waive/": ("check",),
    "/requests/": ("state", "model", "mine", "page"),
    "/audit/": ("actor", "action", "outcome", "source", "target", "since", "until", "before", "after"),
    "/people/": ("q", "page", "groups"),
    "/sync/": ("run",),
    "/notifications/": ("kind", "page"),
}
NASTY = ("\0", "-1", "9" * 30, "9" * 5000, "²", "<script>", "churn@x", "churn@99999999999", "0001-01-01", "\ud800", "=")
VALUES = st.sampled_from(NASTY) | st.text(max_size=20)


@pytest.fixture
def page(db) -> Client:
    """Somebody who may do everything, so that only the input can be at fault."""
    model = make_model()
    make_version(model, 1, stage="Production")
    make_version(model, 2)
    client = Client()
    client.force_login(member("everybody", ADMIN, REVIEWER))
    return client


@pytest.mark.parametrize("path", PAGES)
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_query_is_too_strange(page, path, data):
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(PAGES[path]), VALUES), max_size=3))
    raw = quote_from_bytes(data.draw(st.binary(max_size=10)), safe="&=+%;")
    query = f"{urlencode(pairs, errors='surrogatepass')}&{raw}"
    assert page.get(f"{path}?{query}").status_code in (200, 400, 404)


@pytest.mark.parametrize(
    "address",
    [
        "/models/?cursor=x", "/models/?stage=Prod", "/models/?q=%00", "/models/?tag=%00", "/models/churn/?cursor=x",
        "/compare/?base=churn&candidate=churn@2", "/compare/?base=a%00@1", "/requests/?state=done",
        "/requests/?model=%00", "/requests/?page=x", "/audit/?since=yesterday",
        "/audit/?before=x", "/audit/?target=%00", "/people/?page=0x1",
        "/delegations/?show=x", "/delegations/?page=x",
        "/drift/?kind=x", "/exceptions/?page=x", "/models/churn/rollback/?stage=Archived",
        "/models/churn/rollback/?version=x", "/drift/?page=x", "/drift/?connection=%00", "/notifications/?kind=x",
        "/notifications/?page=x",
    ],
)  # fmt: skip
def test_malformed_parameter_is_a_page_that_says_so(page, address):
    answer = page.get(address)
    assert (answer.status_code, answer["Content-Type"]) == (400, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    "address",
    [
        "/models/nothing/", "/models/%00/", "/models/%FF/", "/models/~41/", "/models/churn/v/9/", "/nothing/",
        f"/models/churn/v/{'9' * 4000}/", f"/requests/{2**64}/", f"/requests/{2**64}/waive/",
        "/requests/999999/", "/compare/?candidate=churn@9",
        "/models/churn/v/9/request/", f"/notifications/webhooks/{2**64}/", "/notifications/webhooks/9/",
    ],
)  # fmt: skip
def test_what_does_not_exist_is_a_page_that_says_so(page, address):
    answer = page.get(address)
    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")
