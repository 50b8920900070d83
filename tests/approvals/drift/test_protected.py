import pytest

from apps.approvals import services
from apps.approvals.drift import protected
from apps.approvals.models import ProtectedAlias
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, RuleViolation
from tests.builders import make_policy, make_version


def test_an_admin_protects_an_alias(admin):
    protected.protect("champion", reason="It is served.", by=admin)
    row = ProtectedAlias.objects.get()
    assert (row.alias, row.added_by, row.reason) == ("champion", "admin", "It is served.")
    assert AuditEvent.objects.get().action == Action.ALIAS_PROTECTED


def test_an_admin_lets_go_of_an_alias(champion, admin):
    protected.unprotect("champion", reason="No longer served.", by=admin)
    assert not ProtectedAlias.objects.exists()
    event = AuditEvent.objects.get(action=Action.ALIAS_UNPROTECTED)
    assert (event.reason, event.data["before"]) == ("No longer served.", {"alias": "champion"})


@pytest.mark.parametrize("target", [{"alias": "champion"}, {"to_stage": "Production"}])
def test_nobody_lets_go_of_an_alias_that_their_own_request_would_move(version, champion, admin, bob, target):
    make_policy("", alias="champion")
    make_policy(moves_alias="champion")
    newer = make_version(version.model, 3)
    asked = services.open_request(newer.pk, reason="Better.", by=admin, **target)
    with pytest.raises(RuleViolation, match=f"Your own request {asked.pk} would move @champion"):
        protected.unprotect("champion", reason="In my way.", by=admin)
    services.act(asked.pk, "withdraw", by=admin)
    protected.unprotect("champion", reason="No longer served.", by=admin)
    assert not ProtectedAlias.objects.exists()


def test_others_may_not(champion, bob):
    with pytest.raises(NotAllowed):
        protected.protect("challenger", reason="Mine.", by=bob)
    with pytest.raises(NotAllowed):
        protected.unprotect("champion", reason="Mine.", by=bob)
    assert set(AuditEvent.objects.values_list("outcome", flat=True)) == {Outcome.REFUSED}


@pytest.mark.parametrize("alias", ["", "two words", "a/b", "latest", "Latest", "v3", "x" * 256, "a\0b"])
def test_what_cannot_be_an_alias_is_refused(admin, alias):
    with pytest.raises(InvalidInput) as caught:
        protected.protect(alias, reason="It is served.", by=admin)
    assert (caught.value.field, ProtectedAlias.objects.count()) == ("alias", 0)


def test_an_alias_is_protected_once(champion, admin):
    with pytest.raises(Conflict):
        protected.protect("champion", reason="Again.", by=admin)


def test_what_is_not_protected_cannot_be_let_go_of(admin):
    with pytest.raises(NotVisible):
        protected.unprotect("champion", reason="Why not.", by=admin)
