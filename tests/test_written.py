"""Queries that are written out: what they answer is read alike from both databases, alone or together."""

from datetime import UTC, datetime

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.utils import OperationalError

from apps.accounts.models import User
from apps.written import Question, ask, document, moment, together

pytestmark = pytest.mark.django_db


def number(value: int) -> Question[int]:
    return Question("SELECT %s + 0", [value], lambda rows: int(rows[0][0]))


def test_one_question_has_one_answer():
    assert ask(number(7)) == 7


def test_several_questions_are_answered_in_order():
    assert together([number(1), number(2), number(3)]) == [1, 2, 3]


def test_no_question_has_no_answer():
    assert together([]) == []


def test_questions_see_what_was_written_before_and_let_more_be_written_after(alice):
    names = Question("SELECT username FROM accounts_user ORDER BY id", [], lambda rows: [name for (name,) in rows])
    assert together([names, number(1)]) == [["alice"], 1]
    User.objects.create_user("bob")
    assert together([names, number(1)]) == [["alice", "bob"], 1]


def test_a_question_that_cannot_be_answered_fails_as_django_says_it():
    with pytest.raises((ProgrammingError, OperationalError)), transaction.atomic():
        together([number(1), Question("SELECT nothing FROM nowhere", [], list)])


def test_each_question_counts_as_a_query(django_assert_num_queries):
    with django_assert_num_queries(2):
        together([number(1), number(2)])


def test_a_time_is_read_in_utc(alice):
    stored = datetime(2026, 5, 4, 12, 0, 0, 250_000, tzinfo=UTC)
    User.objects.filter(pk=alice.pk).update(last_login=stored)
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_login, NULL FROM accounts_user WHERE id = %s", [alice.pk])
        at, never = cursor.fetchone()
    assert (moment(at), moment(never)) == (stored, None)


@pytest.mark.parametrize(("text", "value"), [("{}", {}), ('{"a": [1]}', {"a": [1]}), ("[]", []), (None, None)])
def test_a_document_is_read_from_its_text(text, value):
    assert document(text) == value
