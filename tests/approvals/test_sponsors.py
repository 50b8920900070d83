"""What a machine asks for, whoever can act as it asked for too: they decide nothing about it."""

import importlib

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from apps.accounts.models import Sponsor, User
from apps.accounts.roles import ADMIN, DATA_SCIENTIST, REVIEWER
from apps.accounts.services import create_service_account, create_token, renew_token, revoke_token
from apps.approvals import eligibility, services, waivers
from apps.approvals.models import ApprovalRequest
from apps.audit.models import AuditEvent
from apps.errors import RuleViolation
from tests.accounts.test_authentication import bearer
from tests.accounts.test_grants import fresh
from tests.builders import make_model, make_policy, make_version
from tests.conftest import member

YOURS = "You made the service account that asked"


@pytest.fixture
def ada(db) -> User:
    """An admin who reviews, too."""
    return member("ada", ADMIN, REVIEWER)


@pytest.fixture
def ben(db) -> User:
    """Another one."""
    return member("ben", ADMIN, REVIEWER)


@pytest.fixture
def machine(ada) -> User:
    account = create_service_account("ci", by=ada)
    account.groups.add(member("scientist", DATA_SCIENTIST).groups.get())
    return fresh(account)


@pytest.fixture
def version(db):
    make_policy()
    return make_version(make_model(), 2)


def asks(machine, version) -> ApprovalRequest:
    return services.open_request(version.pk, "Production", reason="Better.", by=machine)


def approve(request, by):
    return services.act(request.pk, "approve", by=by, evidence_digest=request.evidence_digest)


def test_who_made_the_account_does_not_sign_what_it_asks_for(machine, version, ada, erin):
    asked = asks(machine, version)
    with pytest.raises(RuleViolation, match=YOURS):
        approve(asked, ada)
    assert set(eligibility.eligible_reviewers(asked)) >= {erin}
    assert (ada in eligibility.eligible_reviewers(asked), ada.pk in eligibility.able(asked)) == (False, False)


def test_somebody_else_signs_it(machine, version, erin):
    assert approve(asks(machine, version), erin).state in ("approved", "applying", "applied")


def test_who_made_a_token_of_it_does_not_sign_either(machine, version, erin, ben):
    create_token("build", by=ben, owner=machine, scope="write")
    with pytest.raises(RuleViolation, match=YOURS):
        approve(asks(machine, version), ben)


def test_who_learns_its_secret_after_their_vote_loses_the_vote(machine, ada, ben, erin, bob):
    make_policy(required_approvals=2)
    version = make_version(make_model(), 2)
    made = create_token("build", by=ada, owner=machine, scope="write")
    asked = asks(machine, version)
    approve(asked, ben)
    before = eligibility.counted(ApprovalRequest.objects.get(pk=asked.pk))
    renew_token(made.token.prefix, by=ben)
    assert (before, eligibility.counted(ApprovalRequest.objects.get(pk=asked.pk))) == ([ben.pk], [])


def test_a_token_that_ended_before_bars_nobody(machine, version, ben):
    made = create_token("old", by=ben, owner=machine)
    revoke_token(made.token.prefix, by=ben)
    assert approve(asks(machine, version), ben).state in ("approved", "applying", "applied")


def test_a_token_that_ends_after_it_asked_bars_all_the_same(machine, version, ben, erin):
    made = create_token("build", by=ben, owner=machine)
    asked = asks(machine, version)
    revoke_token(made.token.prefix, by=ben)
    with pytest.raises(RuleViolation, match=YOURS):
        approve(asked, ben)


def test_through_the_api_it_is_the_same(machine, version, ada, erin):
    made = create_token("build", by=ada, owner=machine, scope="write")
    body = {"model": "churn", "version": 2, "to_stage": "Production", "reason": "Better."}
    answer = bearer(made.text).post("/api/v1/requests/", body, content_type="application/json")
    assert answer.status_code == 201
    vote = {"verdict": "approve", "evidence_digest": answer.json()["evidence_digest"]}
    own = bearer(create_token("mine", by=ada, scope="write").text)
    refused = own.post(f"/api/v1/requests/{answer.json()['id']}/reviews/", vote, content_type="application/json")
    assert (refused.status_code, YOURS in refused.content.decode()) == (403, True)
    assert not ApprovalRequest.objects.get().reviews.exists()


def test_the_trail_tells_who_was_behind_it(machine, version, erin):
    asks(machine, version)
    assert AuditEvent.objects.filter(action="request.opened").latest("id").data["sponsors"] == ["ada"]


def test_the_page_of_the_request_says_who_may_not_sign(machine, version, ada, erin, alice):
    mine = services.open_request(make_version(make_model("other"), 1).pk, "Production", reason="Better.", by=alice)
    client, asked = Client(), asks(machine, version)
    client.force_login(erin)
    pages = [client.get(f"/requests/{one.pk}/").content.decode() for one in (asked, mine)]
    assert ["can act as it, so may not sign: ada" in page for page in pages] == [True, False]


def test_they_waive_none_of_its_checks_and_speak_for_nobody_on_it(machine, version, ada, erin):
    asked = asks(machine, version)
    assert YOURS in str(waivers.refusal(asked, ada).message)
    assert ada not in eligibility.speakers(asked)


def test_what_a_person_asked_for_has_no_sponsors(version, alice, ada, machine):
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    assert (eligibility.sponsors(asked), ada in eligibility.eligible_reviewers(asked)) == (set(), True)


def test_a_machine_is_refused_where_only_its_sponsor_could_sign(machine, version, ada):
    with pytest.raises(RuleViolation, match="Nothing was submitted"):
        asks(machine, version)


def test_an_upgrade_takes_the_sponsors_from_the_trail(machine, ada, ben):
    made = create_token("build", by=ben, owner=machine)
    before = set(Sponsor.objects.values_list("account", "person", "token"))
    Sponsor.objects.all().delete()
    importlib.import_module("apps.accounts.migrations.0011_sponsors").from_the_trail(apps, connection.schema_editor)
    assert set(Sponsor.objects.values_list("account", "person", "token")) == before
    assert before == {(machine.pk, ada.pk, None), (machine.pk, ben.pk, made.token.pk)}
