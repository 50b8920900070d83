"""What two people do in the same moment: one of them is first, and the other is told."""

from threading import Barrier, Thread

import pytest
from django.db import connections

from apps.approvals import services
from apps.approvals.exceptional import after_review, rollback
from apps.approvals.models import AfterReview, ApprovalRequest, Bypass
from apps.errors import DomainError
from apps.jobs.models import Job
from tests.approvals.exceptional.conftest import applied

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*deeds) -> list[str]:
    """Do all of it at the same time, and return how each ended: "done", or the error's code."""
    barrier, ends = Barrier(len(deeds)), []

    def carry_out(deed):
        barrier.wait()
        try:
            deed()
            ends.append("done")
        except DomainError as error:
            ends.append(error.code)
        finally:
            connections.close_all()

    threads = [Thread(target=carry_out, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ends)


def test_of_two_who_ask_at_once_one_has_asked(ask, bob, admin):
    assert at_once(lambda: ask(bob), lambda: ask(admin)) == ["conflict", "done"]
    assert Bypass.objects.count() == 1


def test_of_two_who_confirm_at_once_one_has_confirmed(ask, confirm, emergency, charlie, admin):
    charlie.groups.add(emergency)
    ask()
    assert at_once(lambda: confirm(admin), lambda: confirm(charlie)) == ["conflict", "done"]
    assert (AfterReview.objects.count(), Job.objects.filter(kind="approvals.apply").count()) == (1, 1)


def test_a_bypass_is_confirmed_or_the_request_withdrawn_first(ask, confirm, asked, alice):
    ask()
    ends = at_once(confirm, lambda: services.act(asked.pk, "withdraw", by=alice))
    request = ApprovalRequest.objects.get(pk=asked.pk)
    assert (ends, request.state) in (
        (["done", "done"], "withdrawn"),  # confirmed, then withdrawn before a worker took it
        (["done", "wrong_state"], "withdrawn"),
    )


def test_of_two_reviews_afterwards_one_counts(ask, confirm, asked, erin, charlie):
    charlie.groups.add(*erin.groups.all())
    ask()
    confirm()
    applied(asked)
    ends = at_once(
        lambda: after_review.review(
            asked.pk, "ratified", comment="Fine.", evidence_digest=asked.evidence_digest, by=erin
        ),
        lambda: after_review.review(
            asked.pk, "not_ratified", comment="No.", evidence_digest=asked.evidence_digest, by=charlie
        ),
    )
    assert ends == ["conflict", "done"]


def test_of_two_rollbacks_at_once_one_is_made(former, model, bob, admin):
    words = {"stage": "Production", "reason": "Version 2 scores nobody."}
    ends = at_once(
        lambda: rollback.roll_back(model.pk, **words, by=bob), lambda: rollback.roll_back(model.pk, **words, by=admin)
    )
    assert (ends, ApprovalRequest.objects.filter(kind="rollback").count()) == (["conflict", "done"], 1)
