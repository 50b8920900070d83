"""What people say about a version, on its page."""

import pytest
from django.test import Client

from apps.approvals import commenting
from apps.approvals.models import VersionComment
from apps.audit.models import AuditEvent
from tests.builders import make_model, make_version

PAGE = "/models/churn/v/1/"


@pytest.fixture
def version(db):
    return make_version(make_model("churn"), 1)


def as_(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def shown(person) -> str:
    return as_(person).get(PAGE).content.decode()


def test_a_reviewer_comments_on_the_page_and_everybody_who_sees_the_model_reads_it(version, erin, charlie):
    answer = as_(erin).post(f"{PAGE}comments/", {"comment": "Checked against June."})
    assert answer.url == f"{PAGE}#comments"
    assert "Checked against June." in shown(charlie)


def test_who_only_reads_a_model_is_offered_no_form(version, alice, charlie):
    assert "Comment on this version" in shown(alice)
    assert "Comment on this version" not in shown(charlie)


def test_a_version_without_comments_shows_nothing_of_them_to_who_only_reads(version, charlie):
    assert 'id="comments"' not in shown(charlie)


def test_only_the_author_is_offered_to_remove_a_comment(version, alice, erin):
    row = commenting.comment(version.pk, "Checked.", by=erin)
    way = f"/version-comments/{row.pk}/remove/"
    assert way in shown(erin)
    assert way not in shown(alice)


def test_a_removed_comment_is_gone_from_the_page_and_stays_in_the_trail(version, erin):
    row = commenting.comment(version.pk, "Checked.", by=erin)
    assert as_(erin).post(f"/version-comments/{row.pk}/remove/").url == f"{PAGE}#comments"
    assert not VersionComment.objects.exists()
    assert AuditEvent.objects.get(action="version.comment_removed").data["before"] == {"text": "Checked."}


def test_an_empty_comment_is_refused_and_nothing_is_kept(version, erin):
    assert as_(erin).post(f"{PAGE}comments/", {"comment": "  "}).status_code == 400
    assert not VersionComment.objects.exists()


def test_a_changed_comment_says_so(version, erin, charlie):
    row = commenting.comment(version.pk, "Checked.", by=erin)
    before = shown(charlie)
    VersionComment.objects.filter(pk=row.pk).update(created_at=row.created_at.replace(year=2020))
    assert "changed" not in before.partition('id="comments"')[2].partition("</ul>")[0]
    assert "changed" in shown(charlie).partition('id="comments"')[2].partition("</ul>")[0]


def test_a_page_shows_the_newest_comments_and_says_how_many_more_there_are(version, erin):
    people = [VersionComment(version=version, author=erin, body=f"Remark {number}.") for number in range(52)]
    VersionComment.objects.bulk_create(people)
    page = shown(erin)
    assert "Remark 2." in page
    assert "Remark 1." not in page
    assert "2 earlier comments" in page
