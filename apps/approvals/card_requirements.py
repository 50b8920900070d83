"""Whoever asks does not choose what is asked of the card: a set that asks less of it is another's to publish.

A set governs at once, so every unfinished request is looked at again once one is published: a bulk job enqueues them.
"""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.approvals import refreshing, writing
from apps.approvals.models import UNFINISHED, ApprovalRequest
from apps.approvals.signers import unfinished
from apps.audit.context import came_through
from apps.errors import RuleViolation
from apps.jobs import services as jobs
from apps.jobs.handlers import handles
from apps.jobs.models import Job
from apps.modelcards.guards import RequirementChange, follows_requirements, guards_requirements
from apps.modelcards.rules import required, tier_of
from apps.registry.models import Stage

LOOK_JOB = "approvals.refresh_all"
NOTHING_ASKED = (Stage.NONE, Stage.ARCHIVED)
BATCH = 200  # requests of one transaction


@guards_requirements
def asks_no_less_of_own_requests(change: RequirementChange) -> None:
    """Refuse a set that asks less of the card of a version for which its publisher has an unfinished request.

    Whether the request's policy demands the card today makes no difference: reviewers read the check all the same.
    Raises RuleViolation naming the request and the fields.
    """
    rows = unfinished(change.by).select_related("version__model").exclude(to_stage__in=NOTHING_ASKED).order_by("pk")
    for request in rows:
        tier, stage = tier_of(request.version.model.risk), request.to_stage or Stage.PRODUCTION
        after = {field.name for field in required(change.after, stage, tier)}
        if less := [str(field.label) for field in required(change.before, stage, tier) if field.name not in after]:
            message = _(
                "You asked for request %(number)s, which is not finished, and this set would ask less of its model "
                "card: %(fields)s. Whoever asks does not choose that. Let another admin publish it, or wait until the "
                "request is finished."
            )
            raise RuleViolation(message % {"number": request.pk, "fields": ", ".join(less)}, field="levels")


@follows_requirements
def look_again(change: RequirementChange) -> None:
    """Commit with the set that every unfinished request is looked at again."""
    jobs.enqueue(LOOK_JOB, requested_by=change.by.get_username(), bulk=True)


@handles(LOOK_JOB)
def look_at_all(job: Job) -> None:
    """Enqueue a look at each unfinished request; one that was enqueued already has one job all the same."""
    with came_through(writing.origin(job)):
        rows = ApprovalRequest.objects.filter(state__in=UNFINISHED).order_by("pk")
        keys = list(rows.values_list("pk", flat=True))
        for start in range(0, len(keys), BATCH):
            with transaction.atomic():
                jobs.renew(job, done=start, total=len(keys))
                for key in keys[start : start + BATCH]:
                    refreshing.look_later(key, requested_by="cards")
