"""Five thousand grants: opened, listed and counted with as many queries as five."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.access_reviews import opening, queries
from apps.accounts.models import AccessReviewItem, Grant
from tests.accounts.access_reviews.conftest import in_days
from tests.accounts.test_grant_pages import signed_in

MANY = 5000


@pytest.fixture
def many(admin) -> list[Group]:
    groups = Group.objects.bulk_create([Group(name=f"group {number:05}") for number in range(MANY)])
    Grant.objects.bulk_create(
        [Grant(group=row, role="viewer", scope="pattern", value="no-*", reason="x", made_by="admin") for row in groups]
    )
    return groups


def asked(deed) -> int:
    with CaptureQueriesContext(connection) as found:
        deed()
    return len([query for query in found if "SAVEPOINT" not in query["sql"]])


def test_a_campaign_over_five_thousand_grants_asks_no_more_than_one_over_five(admin, many):
    few = [group.name for group in many[:5]]
    small = asked(lambda: opening.look(groups=few, by=admin))
    assert asked(lambda: opening.look(roles=["viewer"], by=admin)) <= small
    opening.open_review("Few", in_days(30), groups=few, by=admin)
    review = opening.open_review("All", in_days(30), roles=["viewer"], by=admin)
    assert review.items.count() == MANY
    assert queries.waiting_for(admin).count() == MANY + 5


def test_the_pages_of_five_thousand_ask_as_often_as_those_of_five(admin, many):
    client = signed_in(admin)
    small = opening.open_review("Few", in_days(30), groups=[group.name for group in many[:5]], by=admin)
    paths = [f"/people/access-reviews/{small.pk}/", "/access-to-review/", f"/people/access-reviews/{small.pk}/end/"]
    for path in paths:
        client.get(path)
    before = [asked(lambda path=path: client.get(path)) for path in paths]
    large = opening.open_review("All", in_days(30), roles=["viewer"], by=admin)
    paths = [path.replace(f"/{small.pk}/", f"/{large.pk}/") for path in paths]
    assert [asked(lambda path=path: client.get(path)) for path in paths] == before
    assert AccessReviewItem.objects.filter(review=large).count() == MANY
