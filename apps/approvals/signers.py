"""Whoever asks does not choose who signs: while their request is unfinished, its signers are changed by somebody else.

Groups, grants and people's standing belong to accounts, which asks the guard here; delegations ask it themselves.
"""

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import ngettext

from apps.accounts import grants
from apps.accounts.guards import Change, GrantChange, MembershipChange, StandingChange, follows, guards
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.approvals import refreshing
from apps.approvals.models import UNFINISHED, ApprovalRequest, Delegation, Review
from apps.errors import RuleViolation
from apps.registry.models import RegisteredModel

DECIDES = frozenset({Permission.MODEL_REVIEW, Permission.MODEL_BYPASS})
READS = frozenset({Permission.MODEL_READ})
MOST_NAMED = 5
BY_ITSELF = "system:grants"


@guards
def leaves_the_list_alone(change: Change) -> None:
    """Refuse a change of people that touches who can sign, or bypass the policy of, an unfinished request of `by`.

    It is refused in both directions: a reviewer fewer can silence an objection. Raises RuleViolation.
    """
    if change.by is not None:
        _refuse(unfinished(change.by).filter(_touched(change, change.by)))


@follows
def votes_of_leavers_fall(change: Change) -> None:
    """Have the votes of whoever may leave looked at once the change is made: who comes back votes again (rule 4)."""
    people = _people_of(change)
    voters = Q(counts_for__in=people) | Q(reviewer__in=people)
    votes = Review.objects.filter(voters, standing=True, request__state__in=UNFINISHED)
    for number in votes.order_by("request").values_list("request", flat=True).distinct():
        refreshing.look_for_leavers(number, requested_by=change.by.get_username() if change.by else BY_ITSELF)


def check_voice(lender: User, model: RegisteredModel | None, *, by: User) -> None:
    """Refuse a delegation for somebody else, given or revoked, that could speak on an unfinished request of `by`.

    `by` is locked already. Raises RuleViolation.
    """
    reviewed = grants.visible_to(lender, RegisteredModel.objects.all(), Permission.MODEL_REVIEW)
    heard = reviewed.filter(pk=model.pk) if model else reviewed
    _refuse(unfinished(by).filter(version__model__in=heard), field="delegator")


def unfinished(by: User) -> QuerySet[ApprovalRequest]:
    """Return what somebody asked for and is still decided on: a bypass and a rollback are, until they are reviewed."""
    return ApprovalRequest.objects.filter(Q(state__in=UNFINISHED) | Q(after_review__outcome=""), requester=by)


def _people_of(change: Change) -> QuerySet[User]:
    """Return whom a change is about."""
    if not isinstance(change, GrantChange):
        return User.objects.filter(pk=change.person.pk)
    if isinstance(change.holder, User):
        return User.objects.filter(pk=change.holder.pk)
    return User.objects.filter(groups=change.holder)


def _touched(change: Change, by: User) -> Q:
    """Return the condition on a request that the change touches who decides on it."""
    models = RegisteredModel.objects.all()
    if isinstance(change, MembershipChange):
        decided, read = (grants.held_through(change.group, wanted, models) for wanted in (DECIDES, READS))
        return Q(policy__rules__group=change.group) | _on(decided) | _speaking(_people_of(change), read)
    if isinstance(change, StandingChange):
        held = [grants.visible_to(change.person, models, permission) for permission in DECIDES]
        return _on(*held) | _speaking(_people_of(change), models)
    asked_about = set(unfinished(by).values_list("version__model", flat=True))
    decided, read = (models.filter(pk__in=change.among(wanted, asked_about)) for wanted in (DECIDES, READS))
    return _on(decided) | _speaking(_people_of(change), read)


def _on(*models: QuerySet[RegisteredModel]) -> Q:
    """Return the condition that a request is on one of these models."""
    found = Q()
    for rows in models:
        found |= Q(version__model__in=rows)
    return found


def _speaking(people: QuerySet[User], models: QuerySet[RegisteredModel]) -> Q:
    """Return the condition that some of `people` speak for a reviewer there, or may: reading the model lets them."""
    lent = Delegation.objects.filter(
        Q(model=None) | Q(model=OuterRef("version__model")), revoked_at=None, ends_at__gt=timezone.now()
    )
    spoke = Review.objects.filter(~Q(reviewer=F("counts_for")), request=OuterRef("pk"), standing=True)
    speaks = Exists(lent.filter(delegate__in=people)) | Exists(spoke.filter(reviewer__in=people))
    return Q(speaks) & _on(models)


def _refuse(touched: QuerySet[ApprovalRequest], *, field: str | None = None) -> None:
    """Raise RuleViolation naming the requests, if there are any."""
    numbers = list(touched.order_by("pk").values_list("pk", flat=True).distinct()[: MOST_NAMED + 1])
    if not numbers:
        return
    named = ", ".join(str(number) for number in numbers[:MOST_NAMED]) + ("…" if len(numbers) > MOST_NAMED else "")
    message = ngettext(
        "You asked for request %(numbers)s, which is not finished or owes its review afterwards, and this would "
        "change who can sign it or bypass its policy. Whoever asks does not choose that. Let another admin do this, "
        "or withdraw the request first, or wait until it is finished.",
        "You asked for requests %(numbers)s, which are not finished or owe their review afterwards, and this would "
        "change who can sign them or bypass their policies. Whoever asks does not choose that. Let another admin do "
        "this, or withdraw the requests first, or wait until they are finished.",
        len(numbers),
    )
    raise RuleViolation(message % {"numbers": named}, field=field)
