"""A policy in plain sentences, for lists and pages."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.accounts.assurance import SignWith
from apps.approvals import checks
from apps.approvals.models import ApprovalPolicy, PolicyRule
from apps.approvals.policies.checking import EXTERNAL

EXCLUSIONS = {
    "exclude_registrant": gettext_lazy("who registered the version"),
    "exclude_run_owner": gettext_lazy("who ran the training"),
    "exclude_last_editor": gettext_lazy("who last wrote a part of the evidence"),
}


def demands(policy: ApprovalPolicy) -> str:
    """Say in one sentence what must be there before anything moves: people, checks and time."""
    parts = [rule_sentence(rule) for rule in policy.rules.all()]
    if number := len(policy.required_checks):
        parts.append(ngettext("%(n)s check must pass", "%(n)s checks must pass", number) % {"n": number})
    if policy.asks is not SignWith.NONE:
        factor = policy.asks is SignWith.FACTOR
        parts.append(_("signed with a second factor") if factor else _("signed with a password"))
    if policy.wait_minutes:
        parts.append(_("then a wait of %(time)s") % {"time": duration(policy.wait_minutes)})
    return "; ".join(parts)


def rule_sentence(rule: PolicyRule) -> str:
    """Say what one rule demands."""
    if rule.group:
        text = ngettext(
            "%(number)d approval by a reviewer in the group “%(group)s”",
            "%(number)d approvals by reviewers in the group “%(group)s”",
            rule.needed,
        )
        return text % {"number": rule.needed, "group": rule.group.name}
    text = ngettext(
        "%(number)d approval by a reviewer of the model", "%(number)d approvals by reviewers of the model", rule.needed
    )
    return text % {"number": rule.needed}


def signing(policy: ApprovalPolicy) -> str:
    """Say what a signature takes, and where the installation wants more than the policy."""
    if policy.asks is SignWith.NONE:
        return _("Asks for nothing more: being signed in is enough.")
    if policy.asks is SignWith.PASSWORD:
        return _("Asks for the password again, or for anything stronger.")
    if policy.sign_with == SignWith.FACTOR:
        return _("Asks for a second factor: the code of an app, or a passkey.")
    return _("Asks for the password again; this installation wants a second factor wherever a password is asked for.")


def check_names(policy: ApprovalPolicy) -> list[str]:
    """Return the required checks as people call them."""
    labels = {row.name: str(row.label) for row in checks.CHECKS}
    return [labels.get(name, name.removeprefix(EXTERNAL)) for name in policy.required_checks]


def exclusions(policy: ApprovalPolicy) -> str:
    """Say who may not sign."""
    out = [_("who asked"), *(str(words) for name, words in EXCLUSIONS.items() if getattr(policy, name))]
    return ", ".join(out)


def times(policy: ApprovalPolicy) -> list[str]:
    """Say what happens when, one sentence each."""
    wait = _("Applied %(time)s after nothing is missing any more.") % {"time": duration(policy.wait_minutes)}
    said = [
        wait if policy.wait_minutes else _("Applied as soon as nothing is missing any more."),
        _in_days(policy.open_days, _("An undecided request expires after %(days)s.")),
        _in_days(policy.remind_days, _("Reviewers are reminded every %(days)s.")),
        _in_days(policy.approval_days, _("An approval that was not applied expires after %(days)s.")),
        _in_days(policy.recertify_days, _("An applied approval has to be certified again after %(days)s.")),
        _in_days(policy.after_review_days, _("A bypass or a rollback is reviewed afterwards within %(days)s.")),
    ]
    return [sentence for sentence in said if sentence]


def effects(policy: ApprovalPolicy) -> list[str]:
    """Say what applying does besides, one sentence each."""
    said = []
    if not policy.alias:
        archive = _("Proposes to archive the version that is in the stage.")
        said.append(archive if policy.archive_existing else _("Leaves the version that is in the stage."))
    if policy.moves_alias:
        said.append(_("@%(alias)s moves along with the stage.") % {"alias": policy.moves_alias})
    if policy.revert_drift:
        said.append(_("Reverts drift at once."))
    if policy.refuse_clients:
        said.append(_("MLflow clients that ask for the move are refused: people open the request."))
    return said


def duration(minutes: int) -> str:
    """Say a number of minutes as people do: “90 minutes”, “2 hours”, “3 days”."""
    if minutes and minutes % 1440 == 0:
        return ngettext("%(n)d day", "%(n)d days", minutes // 1440) % {"n": minutes // 1440}
    if minutes and minutes % 60 == 0:
        return ngettext("%(n)d hour", "%(n)d hours", minutes // 60) % {"n": minutes // 60}
    return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}


def _in_days(days: int | None, text: str) -> str:
    return text % {"days": duration(days * 1440)} if days else ""
