"""Who asks, in one query that is written out: the same person, the same permissions as Django's own queries give."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission as DjangoPermission
from django.utils import timezone

from apps.accounts import known
from apps.accounts.models import ApiToken, User
from apps.accounts.permissions import Permission
from apps.accounts.tokens import create_token
from tests.conftest import member

pytestmark = pytest.mark.django_db


def row_of(found: User | ApiToken) -> dict[str, object]:
    return {field.attname: getattr(found, field.attname) for field in found._meta.concrete_fields}


def test_a_person_is_who_django_finds(bob):
    bob.email, bob.is_staff = "bob@example.org", True
    bob.save()
    assert row_of(known.person(bob.pk)) == row_of(User.objects.get(pk=bob.pk))


def test_a_person_comes_with_what_they_hold_by_group_and_by_themselves(bob, django_assert_num_queries):
    bob.user_permissions.add(DjangoPermission.objects.get(codename="add_group"))
    bob.user_permissions.add(DjangoPermission.objects.get(codename=Permission.MODEL_READ.codename))
    with django_assert_num_queries(1):
        held = known.person(bob.pk).get_all_permissions()
    assert held == User.objects.get(pk=bob.pk).get_all_permissions()


def test_somebody_who_holds_nothing_is_known_all_the_same(mallory):
    assert known.person(mallory.pk) == mallory
    assert known.person(mallory.pk).get_all_permissions() == set()


def test_nobody_has_a_number_that_was_never_given(mallory):
    assert known.person(mallory.pk + 1) is None


def test_a_token_comes_with_its_person_and_what_they_hold(alice, django_assert_num_queries):
    made = create_token("laptop", by=alice).token
    with django_assert_num_queries(1):
        found = known.token_of(made.prefix)
        held = found.user.get_all_permissions()
    assert row_of(found) == row_of(ApiToken.objects.get(pk=made.pk))
    assert held == User.objects.get(pk=alice.pk).get_all_permissions()


def test_each_token_finds_its_own_person(alice):
    grace = member("grace")
    prefixes = {create_token("laptop", by=person).token.prefix: person for person in (alice, grace)}
    assert {prefix: known.token_of(prefix).user for prefix in prefixes} == prefixes


def test_a_revoked_token_is_found_as_revoked(alice):
    made = create_token("laptop", by=alice).token
    ApiToken.objects.filter(pk=made.pk).update(revoked_at=timezone.now() - timedelta(days=1))
    assert not known.token_of(made.prefix).usable


def test_an_unknown_prefix_finds_no_token(alice):
    create_token("laptop", by=alice)
    assert known.token_of("0" * 12) is None
