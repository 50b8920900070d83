import pytest

from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed
from apps.modelcards import queries, requirements, rules
from apps.modelcards.models import Card, RequirementSet

pytestmark = pytest.mark.django_db
STRICTER = {"language": {"low": "S", "medium": "S", "high": "S"}}


def test_the_built_in_set_governs_until_one_is_published(admin):
    assert requirements.current() == requirements.Requirements(0, rules.built_in())


def test_a_published_set_governs_at_once_and_is_recorded_with_what_it_changes(admin):
    requirements.publish(STRICTER, reason="Texts in many languages.", seen=0, by=admin)
    assert requirements.current().levels["language"] == STRICTER["language"]
    event = AuditEvent.objects.latest("id")
    assert event.data["before"] == {"language": {"low": "-", "medium": "-", "high": "-"}}
    assert event.data["after"] == STRICTER


def test_what_governed_at_a_moment_is_still_known(admin):
    first = requirements.publish(STRICTER, reason="Texts.", seen=0, by=admin)
    requirements.publish({}, reason="No longer.", seen=1, by=admin)
    assert requirements.current(first.published_at).number == 1


def test_a_set_made_from_an_older_one_is_refused(admin):
    requirements.publish(STRICTER, reason="Texts.", seen=0, by=admin)
    with pytest.raises(Conflict):
        requirements.publish({"license": {"low": "S"}}, reason="Licences.", seen=0, by=admin)


def test_a_set_that_changes_nothing_is_refused(admin):
    with pytest.raises(Conflict):
        requirements.publish({}, reason="Same.", seen=0, by=admin)


def test_only_who_manages_policies_publishes(alice):
    with pytest.raises(NotAllowed):
        requirements.publish(STRICTER, reason="Easier.", seen=0, by=alice)


def test_levels_that_are_none_name_the_field(admin):
    with pytest.raises(InvalidInput) as refused:
        requirements.publish({"users": {"low": "X"}}, reason="Typo.", seen=0, by=admin)
    assert "users.low" in refused.value.message


def test_a_field_that_was_added_after_a_set_is_asked_as_the_table_says(admin):
    older = {name: by_tier for name, by_tier in rules.built_in().items() if name != "users"}
    RequirementSet.objects.create(number=1, levels=older, reason="As it was then.", published_by=admin)
    assert "users" in [field.name for field in rules.required(requirements.current().levels, "Staging", "low")]


def test_a_field_that_was_added_after_a_card_was_saved_counts_as_empty(card):
    standing = {name: how for name, how in card.standing.items() if name != "users"}
    how = queries.completeness(Card(standing=standing), "low", "Staging")
    assert ("users", rules.Standing.EMPTY) in [(field.name, stands) for field, stands in how.missing]


def test_a_field_that_is_no_longer_in_the_table_asks_nothing(card, admin):
    levels = rules.built_in() | {"gone": {"low": "S", "medium": "S", "high": "S"}}
    RequirementSet.objects.create(number=1, levels=levels, reason="As it was then.", published_by=admin)
    standing = card.standing | {"gone": "empty"}
    assert "gone" not in [field.name for field, _how in queries.completeness(Card(standing=standing), "low").missing]
