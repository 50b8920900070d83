import pytest

from apps.approvals.drift import protected
from apps.approvals.models import ProtectedAlias
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible


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
