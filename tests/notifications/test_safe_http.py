"""Where outgoing webhooks may connect to: only where the installation says, whatever name or address is typed."""

import ssl
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from apps.errors import InvalidInput
from apps.notifications.addresses import may_reach, networks
from apps.notifications.safe_http import Forbidden, Unreachable, checked_url, post
from tests.servers.broken import Reply, broken_server
from tests.servers.certificates import server_and_client
from tests.servers.receiver import Receiver, receiving

LOOPBACK = ["127.0.0.0/8"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


@pytest.fixture
def lists_loopback(settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = LOOPBACK
    settings.WEBHOOK_HTTP_HOSTS = ["127.0.0.1", "hooks.test", "localhost"]


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "198.17.255.255", "2606:4700:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8"],
)
def test_a_public_address_may_be_reached(address):
    assert may_reach(address) is True


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1",
        "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
        "64:ff9b::127.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::",
        "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1",
        "ff02::1", "ff0e::1", "2001:20::1", "", "localhost", "1.2.3", "0x7f.1", "8.8.8.8/32",
    ],
)  # fmt: skip
def test_any_other_address_may_not(address):
    assert may_reach(address) is False


@pytest.mark.parametrize(
    ("address", "listed", "allowed"),
    [
        ("127.0.0.1", "127.0.0.0/8", True),
        ("::ffff:127.0.0.1", "127.0.0.0/8", True),
        ("10.1.2.3", "10.1.0.0/16", True),
        ("10.2.2.3", "10.1.0.0/16", False),
        ("fd12::1", "fd12::/16", True),
        ("fe80::1%eth0", "fe80::/10", False),
    ],
)
def test_a_listed_network_may_be_reached(address, listed, allowed):
    assert may_reach(address, networks([listed])) is allowed


@pytest.mark.parametrize(
    "url",
    [
        "", "hooks", "ftp://hooks.test/", "file:///etc/passwd", "gopher://hooks.test/", "https://", "https://a b/",
        "http://hooks.test/", "https://user:hush@hooks.test/", "https://user@hooks.test/", "https://hooks.test/#x",
        "https://hooks.test:22/", "https://hooks.test:25/", "https://hooks.test:0/", "https://hooks.test:99999/",
        "https://[::1", "https://hooks.test\\@evil.test/", "https://h\u00f6oks.test/",
        "//hooks.test/", "https://hooks.test/" + "x" * 500, "https://hooks.test/\r\nX-Injected: 1",
        "https://hooks.test/ HTTP/1.1\r\nHost: evil.test", "https://hooks.test/\tx", "https://hooks.test/\0",
        "https://hooks.test\r\n.evil.test/", "https://hooks.test/\u2028x", "https://hooks\N{FULLWIDTH FULL STOP}test/",
    ],
)  # fmt: skip
def test_an_address_that_no_webhook_may_have_is_refused(url):
    with pytest.raises(InvalidInput) as caught:
        checked_url(url)
    assert caught.value.field == "url"


@pytest.mark.parametrize("url", ["https://hooks.test/", "https://hooks.test:8443/a?b=c", "https://[2606:4700::1]/x"])
def test_an_https_address_is_taken(url):
    assert checked_url(url) == url


def test_space_around_an_address_is_cut_off():
    assert checked_url(" https://hooks.test/\n") == "https://hooks.test/"


def test_plain_http_is_for_listed_hosts(settings):
    settings.WEBHOOK_HTTP_HOSTS = ["hooks.test"]
    assert checked_url("http://hooks.test:8080/") == "http://hooks.test:8080/"


def test_a_message_is_sent_and_its_answer_comes_back(receiver, lists_loopback):
    receiver.always(202, b"thanks")
    answer = post(receiver.url, b"{}", {"webhook-id": "m1"})
    assert (answer.status, answer.body, receiver.posts[0].headers["webhook-id"]) == (202, b"thanks", "m1")


def test_this_machine_is_not_reached_unless_listed(receiver, settings):
    settings.WEBHOOK_HTTP_HOSTS = ["127.0.0.1"]
    with pytest.raises(Forbidden):
        post(receiver.url, b"{}", {})
    assert receiver.posts == []


@pytest.mark.parametrize("host", ["localhost", "2130706433", "127.1", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]"])
def test_other_spellings_of_this_machine_are_not_reached_either(receiver, settings, host):
    settings.WEBHOOK_HTTP_HOSTS = ["localhost", "2130706433", "127.1", "0x7f000001", "::1", "::ffff:127.0.0.1"]
    with pytest.raises(Unreachable):
        post(f"http://{host}:{receiver.port}/", b"{}", {})
    assert receiver.posts == []


def test_one_forbidden_address_among_several_forbids_the_name(receiver, settings):
    settings.WEBHOOK_HTTP_HOSTS = ["hooks.test"]
    with pytest.raises(Forbidden):
        post(f"http://hooks.test:{receiver.port}/", b"{}", {}, resolver=lambda host, port: ["8.8.8.8", "127.0.0.1"])
    assert receiver.posts == []


def test_a_name_that_says_something_else_the_second_time_is_asked_once(receiver, lists_loopback):
    asked = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    answer = post(f"http://hooks.test:{receiver.port}/", b"{}", {}, resolver=resolver)
    assert (answer.status, asked) == (204, ["hooks.test"])
    with pytest.raises(Forbidden):  # each call checks anew
        post(f"http://hooks.test:{receiver.port}/", b"{}", {}, resolver=resolver)


def test_the_receiver_is_called_by_its_name(receiver, lists_loopback):
    post(f"http://hooks.test:{receiver.port}/x", b"{}", {}, resolver=lambda host, port: ["127.0.0.1"])
    assert receiver.posts[0].headers["host"] == f"hooks.test:{receiver.port}"


def test_the_next_address_is_tried_when_one_does_not_answer(receiver, lists_loopback, settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8", "::1/128"]
    found = post(f"http://hooks.test:{receiver.port}/", b"", {}, resolver=lambda host, port: ["::1", "127.0.0.1"])
    assert found.status == 204


def test_a_redirect_is_an_answer_and_is_not_followed(receiver, lists_loopback):
    receiver.always(302, Location=f"http://127.0.0.1:{receiver.port}/elsewhere")
    assert (post(receiver.url, b"{}", {}).status, [sent.path for sent in receiver.posts]) == (302, ["/hook"])


def test_no_proxy_of_the_environment_is_used(receiver, lists_loopback, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert post(receiver.url, b"{}", {}).status == 204


def test_only_the_beginning_of_a_long_answer_is_read(receiver, lists_loopback):
    receiver.always(200, b"x" * 1_000_000)
    assert len(post(receiver.url, b"{}", {}).body) == 16 * 1024


@pytest.mark.parametrize("reply", [Reply(says_nothing=True), Reply(trickles=True), Reply(length=10_000)])
def test_an_answer_that_does_not_end_is_given_up(reply, lists_loopback):
    with broken_server() as server:
        server.always(reply)
        with pytest.raises(Unreachable):
            post(server.url, b"{}", {}, timeout=0.3)


def test_a_name_without_an_address_says_so(lists_loopback):
    def resolver(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(Unreachable) as caught:
        post("http://hooks.test/", b"{}", {}, resolver=resolver)
    assert "hooks.test" in str(caught.value)


def test_the_certificate_is_checked_against_the_name(lists_loopback):
    server, client = server_and_client("hooks.test")
    with receiving(server) as receiver:
        known = {"resolver": lambda host, port: ["127.0.0.1"], "tls": client}
        assert post(f"https://hooks.test:{receiver.port}/", b"{}", {}, **known).status == 204
        with pytest.raises(Unreachable):
            post(f"https://other.test:{receiver.port}/", b"{}", {}, **known)
        with pytest.raises(Unreachable):
            post(f"https://hooks.test:{receiver.port}/", b"{}", {}, **{**known, "tls": ssl.create_default_context()})
        assert len(receiver.posts) == 1


@pytest.mark.parametrize("listed", ["10.0.0.0/33", "intranet", "10.1.2.3/16"])
def test_assent_does_not_start_with_a_network_that_is_none(settings, listed):
    settings.WEBHOOK_ALLOWED_NETWORKS = [listed]
    with pytest.raises(ImproperlyConfigured):
        apps.get_app_config("notifications").ready()
