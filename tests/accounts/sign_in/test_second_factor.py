"""Second factors: set up, asked for, used once, removed and reset; and who must have one."""

import re
import threading
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.db import connections
from django.test import Client
from django.urls import reverse

from apps.accounts import doors, entering, services, signing, throttle
from apps.accounts.assurance import asked_by
from apps.accounts.factors import codes, queries
from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.encryption import unseal
from apps.errors import Conflict, InvalidInput, NotAllowed, RuleViolation
from apps.notifications import outbox
from apps.notifications.models import Notification
from tests.accounts.sign_in.conftest import SECOND, SECURITY, is_in, sign_in
from tests.conftest import PASSWORD, member
from tests.factors import code_of

APP, KEY_PAGE = reverse("accounts:app-add"), reverse("accounts:passkey-add")


def set_up(browser: Client) -> list[str]:
    """Add an authenticator app as its page says; return the recovery codes."""
    secret = browser.get(APP).context["secret"]
    step = int(time.time()) // 30 - 1  # the code before this one: the present one is left to sign in with
    browser.answer = browser.post(APP, {"code": totp.format_hotp_value(totp.hotp_value(secret, step))})
    return re.findall(r"\b\d{10}\b", browser.answer.content.decode())


@pytest.fixture
def recovery(bob) -> list[str]:
    """Bob has an authenticator app now; these are his recovery codes."""
    return set_up(sign_in("bob"))


def last_event() -> AuditEvent:
    return AuditEvent.objects.latest("id")


def half_way() -> Client:
    return sign_in("bob")


def test_an_app_is_added_with_its_first_code_and_recovery_codes_are_shown_once(bob):
    browser = sign_in("bob")
    shown = set_up(browser)
    event = last_event()
    assert (len(set(shown)), event.action, event.data["kind"]) == (10, "factor.added", "totp")
    assert not any(code in browser.get(SECURITY).content.decode() for code in shown)


def test_secrets_are_sealed_at_rest_and_stand_in_no_event(bob, recovery):
    rows = {row.type: str(row.data) for row in Authenticator.objects.all()}
    secret = unseal(Authenticator.objects.get(type="totp").data["secret"])
    events = " ".join(str(event.data) for event in AuditEvent.objects.all())
    assert [part for part in (secret, *recovery) if part in str(rows) or part in events] == []


def test_the_secret_of_an_app_that_is_set_up_is_sealed_in_the_session(bob):
    browser = sign_in("bob")
    secret = browser.get(APP).context["secret"]
    assert secret not in str(dict(browser.session))
    assert browser.get(APP).context["secret"] == secret


@pytest.mark.parametrize("code", ["", "000000", "abc", "９９９９９９"])
def test_a_wrong_first_code_adds_nothing(bob, code):
    browser = sign_in("bob")
    browser.get(APP)
    answer = browser.post(APP, {"code": code})
    assert (answer.status_code, list(answer.context["form"].errors), queries.has_factor(bob)) == (400, ["code"], False)


def test_a_second_app_is_refused(bob, recovery):
    browser = sign_in("bob")
    browser.post(SECOND, {"code": code_of(bob)})
    browser.get(APP)
    assert browser.post(APP, {"code": "123456"}).status_code == 409


def test_the_password_alone_signs_nobody_in_who_has_a_factor(bob, recovery):
    browser = half_way()
    assert (browser.answer["Location"], is_in(browser), "_auth_user_id" in browser.session) == (SECOND, False, False)


def test_the_present_code_signs_in(bob, recovery):
    browser = half_way()
    assert browser.post(SECOND, {"code": code_of(bob)}).status_code == 302
    assert (is_in(browser), last_event().action, last_event().data["method"]) == (
        True,
        "session.started",
        "password, totp",
    )


def test_where_somebody_wanted_to_go_outlives_the_second_factor_on_this_host_alone(bob, recovery, settings):
    settings.LOGIN_REDIRECT_URL = "/models/"
    for target, goes, code in (("/requests/", "/requests/", recovery[0]), ("//evil.example", "/models/", recovery[1])):
        browser = sign_in("bob", next=target)
        assert browser.post(SECOND, {"code": code})["Location"] == goes


def test_a_code_is_taken_once(bob, recovery):
    code = code_of(bob)
    browsers = [half_way(), half_way()]
    for browser in browsers:
        browser.post(SECOND, {"code": code})
    assert [is_in(browser) for browser in browsers] == [True, False]


def test_a_code_of_before_the_last_one_is_not_taken_any_more(bob, recovery):
    assert codes.check_code(bob, code_of(bob)) == "totp"
    assert codes.check_code(bob, code_of(bob, ahead=-1)) == ""


def test_codes_a_step_away_count_and_no_further(bob, recovery):
    assert [codes.check_code(bob, code_of(bob, ahead)) for ahead in (3, -3, 1)] == ["", "", "totp"]


def test_a_recovery_code_is_used_up(bob, recovery):
    browsers = [half_way(), half_way()]
    for browser in browsers:
        browser.post(SECOND, {"code": recovery[3]})
    assert [is_in(browser) for browser in browsers] == [True, False]
    assert queries.factors_of(bob)[-1].left == 9


def test_a_code_of_somebody_else_does_not_count(bob, recovery, erin):
    set_up(sign_in("erin"))
    assert codes.check_code(bob, code_of(erin)) in ("", "totp" if code_of(erin) == code_of(bob) else "")


def test_a_wrong_code_is_refused_and_recorded(bob, recovery):
    browser = half_way()
    answer = browser.post(SECOND, {"code": "000000"})
    event = last_event()
    assert (is_in(browser), list(answer.context["form"].errors)) == (False, ["code"])
    assert (event.action, event.outcome, event.data["code"]) == ("session.started", "refused", "wrong_factor")


def test_guessing_codes_ends_after_ten(bob, recovery):
    browser = half_way()
    for _ in range(throttle.MAX_FAILURES):
        browser.post(SECOND, {"code": "000000"})
    answer = browser.post(SECOND, {"code": code_of(bob)})
    assert (answer.status_code, is_in(browser)) == (429, False)


def test_guesses_with_a_stolen_password_do_not_lock_out_a_browser_that_is_known(bob, recovery):
    known = half_way()
    known.post(SECOND, {"code": recovery[0]})
    for number in range(doors.MOST_CODES + 1):
        thief = Client(REMOTE_ADDR=f"10.1.0.{number}")
        sign_in("bob", browser=thief)
        thief.post(SECOND, {"code": "000000"})
    assert thief.post(SECOND, {"code": recovery[1]}).status_code == 429
    known.post("/sign-out/")
    sign_in("bob", browser=known)
    assert known.post(SECOND, {"code": recovery[2]}).status_code == 302


def test_nobody_reaches_the_second_step_first(bob, recovery, client):
    assert client.get(SECOND)["Location"] == "/sign-in/"
    assert client.post(SECOND, {"code": code_of(bob)})["Location"] == "/sign-in/"


@pytest.mark.parametrize("change", ["late", "inactive", "new password"])
def test_half_way_in_ends(bob, recovery, change):
    browser = half_way()
    if change == "late":
        session = browser.session
        session[entering.HALF_WAY][5] -= entering.LASTS.total_seconds() + 1
        session.save()
    elif change == "inactive":
        User.objects.filter(pk=bob.pk).update(is_active=False)
    else:
        bob.set_password("another long password")
        bob.save()
    browser.post(SECOND, {"code": code_of(bob)})
    assert is_in(browser) is False


def test_who_has_a_factor_cannot_add_another_with_the_password_alone(bob, recovery):
    browser = half_way()
    assert (browser.get(APP)["Location"], browser.get(KEY_PAGE)["Location"]) == ("/sign-in/", "/sign-in/")


# --- who must have one ---


@pytest.mark.parametrize(("who", "goes"), [("admin", APP), ("erin", APP), ("charlie", "/models/")])
def test_whoever_decides_must_have_a_second_factor_where_the_installation_says_so(
    admin, erin, charlie, settings, who, goes
):
    settings.SECOND_FACTOR, settings.LOGIN_REDIRECT_URL = "duties", "/models/"
    browser = sign_in(who)
    assert (browser.answer["Location"], is_in(browser)) == (goes, goes != APP)


def test_everybody_must_where_the_installation_says_so(charlie, settings):
    settings.SECOND_FACTOR = "everybody"
    assert sign_in("charlie").answer["Location"] == APP


def test_who_must_have_one_is_signed_in_once_it_is_added(erin, settings):
    settings.SECOND_FACTOR = "duties"
    browser = sign_in("erin")
    assert (len(set_up(browser)), is_in(browser)) == (10, True)
    assert last_event().data["method"] == "password, totp"


def test_a_way_in_that_began_without_a_factor_ends_when_there_is_one(erin, settings):
    settings.SECOND_FACTOR = "duties"
    thief, owner = sign_in("erin"), sign_in("erin")
    secret = thief.get(APP).context["secret"]
    set_up(owner)
    step = int(time.time()) // 30
    answer = thief.post(APP, {"code": totp.format_hotp_value(totp.hotp_value(secret, step))})
    assert (answer.status_code, is_in(thief)) == (409, False)


def test_the_last_factor_stays_where_it_is_demanded(bob, recovery, settings):
    settings.SECOND_FACTOR = "duties"
    browser = half_way()
    browser.post(SECOND, {"code": code_of(bob)})
    number = queries.factors_of(bob)[0].number
    assert browser.post(SECURITY, {"remove": number}).status_code == 403
    assert queries.has_factor(bob)


# --- changing them ---


def signed_in(bob: User, *, minutes_ago: int = 0) -> Client:
    browser = half_way()
    browser.post(SECOND, {"code": code_of(bob)})
    session = browser.session
    session["started"] -= minutes_ago * 60
    session.save()
    return browser


def test_the_last_app_goes_with_the_recovery_codes(bob, recovery):
    browser = signed_in(bob)
    browser.post(SECURITY, {"remove": queries.factors_of(bob)[0].number})
    assert (queries.factors_of(bob), last_event().action) == ([], "factor.removed")


def test_an_open_browser_changes_no_factor_without_a_factor(bob, recovery):
    browser, number = signed_in(bob, minutes_ago=11), queries.factors_of(bob)[0].number
    given = ("", "wrong", PASSWORD, recovery[0])
    answers = [browser.post(SECURITY, {"remove": number, "again": again}) for again in given]
    assert [answer.status_code for answer in answers] == [400, 400, 400, 302]
    assert [list(answer.context["form"].errors) for answer in answers[:3]] == [["again"]] * 3


def test_a_password_adds_no_passkey_and_makes_no_recovery_codes_beside_a_factor(bob, recovery):
    browser = signed_in(bob, minutes_ago=11)
    before = queries.factors_of(bob)
    made = browser.post(SECURITY, {"do": "new_codes", "again": PASSWORD})
    added = browser.post(KEY_PAGE, {"name": "Mine", "answer": "{}", "again": PASSWORD})
    assert [(answer.status_code, list(answer.context["form"].errors)) for answer in (made, added)] == [
        (400, ["again"])
    ] * 2
    assert [factor.number for factor in queries.factors_of(bob)] == [factor.number for factor in before]


def test_the_code_of_the_app_changes_factors_and_a_recovery_code_counts_once(bob, recovery):
    browser = signed_in(bob, minutes_ago=11)
    answers = [browser.post(SECURITY, {"do": "new_codes", "again": code}) for code in (code_of(bob, 1), recovery[1])]
    assert [answer.status_code for answer in answers] == [200, 400]  # the second is of the codes before


def test_a_fresh_session_that_began_without_a_factor_changes_none_that_is_there(bob):
    browser, other = sign_in("bob"), sign_in("bob")
    set_up(other)
    answer = browser.post(SECURITY, {"remove": queries.factors_of(bob)[0].number, "again": PASSWORD})
    assert (answer.status_code, queries.has_factor(bob)) == (400, True)


def test_who_has_no_factor_yet_adds_one_with_the_password(erin):
    browser = sign_in("erin")
    session = browser.session
    session["started"] -= 11 * 60
    session.save()
    secret = browser.get(APP).context["secret"]
    code = totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30))
    answers = [browser.post(APP, {"code": code, "again": again}).status_code for again in ("", "wrong", PASSWORD)]
    assert (answers, queries.has_factor(erin)) == ([400, 400, 200], True)


def test_guessing_the_code_to_change_a_factor_ends_after_ten(bob, recovery):
    browser = signed_in(bob, minutes_ago=11)
    for number in range(throttle.MAX_FAILURES):
        browser.post(SECURITY, {"do": "new_codes", "again": f"{number:010}"})
        signing.confirm(bob, PASSWORD)
    assert browser.post(SECURITY, {"do": "new_codes", "again": recovery[0]}).status_code == 403


def test_new_recovery_codes_replace_those_before(bob, recovery):
    answer = signed_in(bob).post(SECURITY, {"do": "new_codes"})
    shown = set(re.findall(r"\b\d{10}\b", answer.content.decode()))
    assert (len(shown), shown & set(recovery), codes.check_code(bob, recovery[0])) == (10, set(), "")


@pytest.mark.parametrize("number", ["999", "x", "", "9" * 30])
def test_a_factor_of_somebody_else_is_not_there(bob, recovery, erin, number):
    browser = sign_in("erin")
    theirs = [str(factor.number) for factor in queries.factors_of(bob)]
    assert [browser.post(SECURITY, {"remove": one}).status_code for one in (number, *theirs)] == [404, 404, 404]


def test_another_admin_resets_a_factor_with_a_reason(bob, recovery, admin):
    browser = signed_in(bob)
    services.reset_factors(bob, by=admin, reason="Lost the phone.")
    event = last_event()
    assert (queries.factors_of(bob), is_in(browser), event.actor, event.reason) == (
        [],
        False,
        "admin",
        "Lost the phone.",
    )


def test_nobody_resets_their_own_or_without_the_right(bob, recovery, admin, erin):
    with pytest.raises(NotAllowed):
        services.reset_factors(bob, by=erin, reason="Mine now.")
    with pytest.raises(RuleViolation, match="another admin"):
        services.reset_factors(admin, by=admin, reason="Lost.")
    with pytest.raises(InvalidInput, match="why"):
        services.reset_factors(bob, by=admin, reason=" ")
    with pytest.raises(Conflict, match="no second factor"):
        services.reset_factors(erin, by=admin, reason="Lost.")


@pytest.mark.parametrize("by", ["bob", "admin"])
def test_whose_factors_change_is_told_by_whomever_it_was(bob, admin, by):
    outbox.fan_out()
    browser = sign_in("bob")
    set_up(browser)
    if by == "bob":
        browser.post(SECURITY, {"remove": queries.factors_of(bob)[0].number, "again": code_of(bob)})
    else:
        services.reset_factors(bob, by=admin, reason="Lost the phone.")
    outbox.fan_out()
    told = [(row.user, row.kind, row.sentence.split(" account")[0]) for row in Notification.objects.order_by("pk")]
    assert told == [
        (bob, "account", "A second factor or new recovery codes were added to your"),
        (bob, "account", f"{by} removed a second factor of your"),
    ]


# --- signing ---


def test_a_signature_takes_the_code_of_the_app_too(bob, recovery):
    code = code_of(bob)
    found = [signing.confirm(bob, text) for text in (code, code, PASSWORD)]
    assert [(one.answer.value, one.method) for one in found] == [
        ("right", "totp"),
        ("wrong", ""),
        ("right", "password"),
    ]


def test_a_password_is_not_enough_where_a_signature_takes_a_factor(bob, recovery, settings):
    settings.SIGN_WITH_FACTOR = True
    with pytest.raises(InvalidInput, match="second factor"):
        signing.confirmed_with(signing.confirm(bob, PASSWORD), bob, asks=asked_by("password"))
    assert signing.confirmed_with(signing.confirm(bob, code_of(bob)), bob, asks=asked_by("password")) == "totp"


def test_a_recovery_code_signs_nothing(bob, recovery):
    assert signing.confirm(bob, recovery[0]).answer is signing.Answer.WRONG


def answer_to(bob: User, text: str) -> str:
    return signing.confirm(bob, text).answer.value


def test_a_password_between_them_buys_no_more_guesses_at_the_code(bob, recovery):
    for _ in range(throttle.MAX_FAILURES):
        assert (answer_to(bob, "000000"), answer_to(bob, PASSWORD)) == ("wrong", "right")
    assert (answer_to(bob, code_of(bob)), answer_to(bob, PASSWORD)) == ("too_many", "right")


def test_a_right_code_forgets_the_wrong_ones(bob, recovery):
    for _ in range(throttle.MAX_FAILURES - 1):
        answer_to(bob, "000000")
    assert [answer_to(bob, text) for text in (code_of(bob), "000000", PASSWORD)] == ["right", "wrong", "right"]


# --- two at once ---


@pytest.mark.django_db(transaction=True)
def test_of_one_code_that_is_sent_many_times_at_once_one_is_taken():
    bob = member("bob")
    set_up(sign_in("bob"))
    code, taken, ready = code_of(bob), [], threading.Barrier(4)

    def send() -> None:
        ready.wait()
        taken.append(codes.check_code(bob, code))
        connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == ["", "", "", "totp"]


def test_factors_of_many_people_take_one_query(bob, recovery, erin, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert queries.with_factor([bob, erin]) == {bob.pk}
