"""Too many requests are answered 429, with the headers that say where the limits stand; too large bodies 413."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client

from apps.accounts import rates
from apps.accounts.services import create_token, renew_token
from apps.audit.models import Access
from config.limits import TOO_LARGE, take_in_chunks
from config.wsgi import application
from tests.accounts.test_authentication import bearer
from tests.servers.redis import redis_url

pytestmark = pytest.mark.django_db
ME = "/api/v1/me/"
NOON = 1_800_000_000.0  # the clock stands still: no minute ends in the middle of a test


@pytest.fixture(autouse=True)
def limits(settings, monkeypatch):
    """A token has three requests in this minute, an address five, its sign-in page two."""
    monkeypatch.setattr(rates, "time", lambda: NOON)
    monkeypatch.setitem(rates._resting, "until", 0.0)
    settings.RATES_PER_MINUTE = {"token": 3, "address": 5, "sign-in": 2}
    cache.clear()
    return settings


def test_each_answer_says_where_the_limits_stand(alice):
    answer = bearer(create_token("ci", by=alice).text).get(ME)
    assert answer["RateLimit-Policy"] == '"address";q=5;w=60, "token";q=3;w=60'
    assert answer["RateLimit"] == '"address";r=4;t=61, "token";r=2;t=61'
    assert "Retry-After" not in answer


def test_a_token_beyond_its_limit_is_told_when_to_come_back(alice):
    client = bearer(create_token("ci", by=alice).text)
    answers = [client.get(ME) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    last = answers[-1]
    assert (last["Retry-After"], last["Content-Type"], last.json()["code"]) == (
        "61",
        "application/problem+json",
        "too_many_requests",
    )
    assert "3 a minute are allowed here (token)" in last.json()["detail"]


def test_each_token_has_its_own_count_and_both_its_secrets_share_it(alice, limits):
    limits.RATES_PER_MINUTE = {"token": 2, "address": 0, "sign-in": 0}
    first, other = create_token("ci", by=alice), create_token("other", by=alice)
    renewed = renew_token(first.token.prefix, by=alice)
    statuses = [bearer(made.text).get(ME).status_code for made in (first, renewed, first, other)]
    assert statuses == [200, 200, 429, 200]


def test_an_address_beyond_its_limit_is_refused_whoever_asks(alice):
    answers = [Client(headers={"Authorization": "Bearer assent_0_x"}).get(ME).status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]
    assert Client(REMOTE_ADDR="192.0.2.7").get(ME).status_code == 401


def noted() -> list[tuple]:
    """Return the rows of the access log about too many requests."""
    rows = Access.objects.filter(status=429).order_by("pk")
    return list(rows.values_list("route", "token_prefix", "count"))


def test_of_an_address_beyond_its_limit_the_first_call_is_noted(monkeypatch):
    for _ in range(9):
        Client().get(ME)
    assert noted() == [("api:me", "", 1)]
    monkeypatch.setattr(rates, "time", lambda: NOON + 60)
    for _ in range(9):
        Client().get(ME)
    assert sum(count for *_row, count in noted()) == 2


def test_of_a_token_beyond_its_limit_the_first_call_is_noted(alice, limits):
    limits.RATES_PER_MINUTE = {"token": 3, "address": 0, "sign-in": 0}
    made = create_token("ci", by=alice)
    assert [bearer(made.text).get(ME).status_code for _ in range(9)] == [200] * 3 + [429] * 6
    assert noted() == [("api:me", made.token.prefix, 1)]


def test_a_flood_beyond_the_limit_writes_nothing(django_assert_num_queries):
    for _ in range(6):
        Client().get(ME)
    with django_assert_num_queries(0):
        assert {Client().get(ME).status_code for _ in range(20)} == {429}


def test_a_new_minute_begins_anew(alice, monkeypatch):
    client = bearer(create_token("ci", by=alice).text)
    for _ in range(4):
        client.get(ME)
    monkeypatch.setattr(rates, "time", lambda: NOON + 60)
    assert client.get(ME).status_code == 200


def test_the_sign_in_page_is_limited_too_and_says_so_in_words(client):
    sent = [client.post("/sign-in/", {"username": f"u{n}", "password": "x"}) for n in range(3)]
    assert [answer.status_code for answer in sent] == [200, 200, 429]
    assert "2 a minute are allowed here" in sent[-1].content.decode()
    assert (sent[-1]["Retry-After"], client.get("/sign-in/").status_code) == ("61", 200)


def test_the_way_to_a_provider_of_identities_is_limited_as_a_sign_in(client):
    path = "/sign-in/single-sign-on/"
    assert [client.get(path).status_code, client.head(path).status_code, client.get(path).status_code] == [
        404,
        404,
        429,
    ]


def test_pages_are_not_counted(client, charlie):
    client.force_login(charlie, backend="apps.accounts.backends.PersonBackend")
    answers = [client.get("/account/") for _ in range(7)]
    assert ({answer.status_code for answer in answers}, "RateLimit" in answers[-1]) == ({200}, False)


def test_zero_is_no_limit(alice, limits):
    limits.RATES_PER_MINUTE = dict.fromkeys(limits.RATES_PER_MINUTE, 0)
    client = bearer(create_token("ci", by=alice).text)
    answers = [client.get(ME) for _ in range(7)]
    assert ({answer.status_code for answer in answers}, "RateLimit" in answers[-1]) == ({200}, False)


def test_nobody_is_kept_out_while_the_cache_is_down_and_it_is_logged_once(alice, limits, caplog):
    limits.CACHES = {"default": {"BACKEND": "config.caches.CountingRedisCache", "LOCATION": "redis://127.0.0.1:1"}}
    client = bearer(create_token("ci", by=alice).text)
    assert {client.get(ME).status_code for _ in range(7)} == {200}
    assert [record.message for record in caplog.records if "cache unavailable" in record.message] == [
        "cache unavailable, requests are not counted and nobody is kept out"
    ]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("a\r\nb", "unknown"),
    ],
)
def test_a_network_of_ipv6_is_one_address(address, counted):
    assert rates.network(address) == counted


@pytest.mark.parametrize(
    ("proxies", "forwarded", "seen"),
    [
        (0, "192.0.2.7", "127.0.0.1"),
        (1, "198.51.100.1, 192.0.2.7", "192.0.2.7"),
        (2, "198.51.100.1, 192.0.2.7, 10.0.0.1", "192.0.2.7"),
        (2, "192.0.2.7", "127.0.0.1"),
        (1, "<script>", "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_only_our_own_proxies_are_believed_about_the_address(alice, limits, proxies, forwarded, seen):
    limits.PROXIES = proxies
    made = create_token("ci", by=alice)
    Client(headers={"Authorization": f"Bearer {made.text}", "X-Forwarded-For": forwarded}).get(ME)
    made.token.refresh_from_db()
    assert made.token.last_used_from == seen


# --- bodies ---


class Endless:
    """A body in chunks that never ends; `given` is how much of it was read."""

    given = 0

    def read(self, size: int) -> bytes:
        self.given += size
        return b"x" * size


def chunked(kind: str, body, path: str = "/api/v1/views/") -> dict:
    return {"PATH_INFO": path, "CONTENT_TYPE": kind, "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": body}


@pytest.mark.parametrize(
    ("kind", "path", "most"),
    [
        ("application/json", "/api/v1/views/", 2 * 1024 * 1024),
        ("application/x-www-form-urlencoded", "/sign-in/", 2 * 1024 * 1024),
        ("text/plain; charset=x", "/", 2 * 1024 * 1024),
        ("Multipart/Form-Data; boundary=x", "/models/churn/v/1/check-data/", 10 * 1024 * 1024 + 64 * 1024),
        ("text/csv", "/api/v1/models/churn/versions/1/check-data/", 10 * 1024 * 1024 + 64 * 1024),
    ],
)
def test_a_body_in_chunks_is_read_no_further_than_its_kind_may_be_large(kind, path, most):
    environ = chunked(kind, Endless(), path)
    body = environ["wsgi.input"]
    take_in_chunks(environ)
    assert (environ[TOO_LARGE], body.given, environ["CONTENT_LENGTH"]) == (True, most + 1, "0")


def test_a_small_body_in_chunks_is_as_one_with_a_size():
    environ = chunked("application/json", BytesIO(b'{"a": 1}'))
    take_in_chunks(environ)
    assert (environ["CONTENT_LENGTH"], environ["wsgi.input"].read(), TOO_LARGE in environ) == ("8", b'{"a": 1}', False)


def test_a_body_with_a_size_is_left_alone():
    environ = chunked("application/json", Endless()) | {"CONTENT_LENGTH": "5"}
    take_in_chunks(environ)
    assert environ["wsgi.input"].given == 0


def test_a_body_in_chunks_past_the_limit_is_refused_with_the_limit(alice):
    made = create_token("ci", by=alice, scope="write")
    environ = chunked("application/json", Endless()) | {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/api/v1/views/", "QUERY_STRING": "", "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "HTTP_HOST": "localhost", "HTTP_AUTHORIZATION": f"Bearer {made.text}",
        "wsgi.url_scheme": "http", "REMOTE_ADDR": "127.0.0.1",
    }  # fmt: skip
    said = []
    body = b"".join(application(environ, lambda status, headers, *_: said.append((status, dict(headers)))))
    assert (said[0][0].split()[0], said[0][1]["Content-Type"]) == ("413", "application/problem+json")
    assert b"The body is larger than 2 MB. Send less." in body


@pytest.mark.parametrize(
    ("path", "kind", "says"),
    [
        ("/api/v1/views/", "application/json", "The body is larger than 2 MB."),
        ("/api/v1/views/", "text/csv", "The body is larger than 2 MB."),
        ("/sign-in/", "application/x-www-form-urlencoded", "The form is larger than 2 MB."),
    ],
)
def test_a_body_that_announces_too_much_is_refused_unread(client, path, kind, says):
    answer = client.generic("POST", path, b"", CONTENT_TYPE=kind, CONTENT_LENGTH=str(100 * 1024 * 1024))
    assert (answer.status_code, says in answer.content.decode()) == (413, True)


def test_json_that_nests_too_deep_is_refused_with_the_limit(alice):
    deep = b"[" * 60 + b"]" * 60
    client = bearer(create_token("ci", by=alice, scope="write").text)
    answer = client.post("/api/v1/views/", deep, content_type="application/json")
    assert (answer.status_code, answer.json()["detail"]) == (400, "body: The body nests deeper than 50 levels.")


# --- counting ---


@pytest.fixture(params=["local", "redis"])
def counting(request, limits):
    """Each of the caches that count, empty."""
    url = redis_url() if request.param == "redis" else None
    if request.param == "redis" and url is None:
        pytest.skip("there is no redis-server")
    kind = {"local": "config.caches.CountingLocalCache", "redis": "config.caches.CountingRedisCache"}[request.param]
    limits.CACHES = {"default": {"BACKEND": kind, "LOCATION": url or "counting", "KEY_PREFIX": "limits"}}
    cache.delete_many(["a", "b"])
    return cache


def test_a_cache_counts_each_key_by_itself_and_forgets_in_time(counting):
    assert [counting.count("a", 60), counting.count("a", 60), counting.count("b", 60)] == [1, 2, 1]
    assert (counting.get("a"), counting.touch("a", 60)) == (2, True)


def test_requests_at_once_are_all_counted(counting):
    with ThreadPoolExecutor(8) as threads:
        counted = list(threads.map(lambda _turn: counting.count("a", 60), range(80)))
    assert sorted(counted) == list(range(1, 81))


def test_of_a_large_limit_several_numbers_are_taken_at_once_and_none_is_given_twice(counting, limits):
    limits.RATES_PER_MINUTE, who = {"gateway": 3 * rates.AHEAD}, uuid4().hex
    with ThreadPoolExecutor(8) as threads:
        lefts = list(threads.map(lambda _turn: rates.count("gateway", who).left, range(90)))
    assert (len(set(lefts)), max(lefts)) == (90, 3 * rates.AHEAD - 1)


def test_a_large_limit_holds(counting, limits):
    limits.RATES_PER_MINUTE, who = {"gateway": 2 * rates.AHEAD}, uuid4().hex
    over = [rates.count("gateway", who).over for _turn in range(2 * rates.AHEAD + 1)]
    assert over == [*([False] * 2 * rates.AHEAD), True]
