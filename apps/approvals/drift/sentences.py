"""A finding in words: what MLflow says, what was decided, who MLflow knows, and what each action would do."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.approvals import eligibility
from apps.approvals.drift.actions import DriftAction
from apps.approvals.models import UNSETTLED, DriftFinding, DriftKind

SEEN_BY = {
    "registry.touched": gettext_lazy("after a webhook of MLflow"),
    "registry.details": gettext_lazy("when Assent read its files again"),
    "page": gettext_lazy("when somebody opened it here"),
    "api": gettext_lazy("when a program asked for it here"),
    "command": gettext_lazy("by a sync from the command line"),
}

SETTLED = {
    DriftKind.STAGE: gettext_lazy("MLflow had %(thing)s in %(found)s; %(expected)s was expected."),
    DriftKind.ALIAS: gettext_lazy("In MLflow, %(thing)s pointed to %(found)s; %(expected)s was expected."),
    DriftKind.ARTIFACTS: gettext_lazy("The files of %(thing)s were not those that were there before (%(found)s)."),
    DriftKind.DELETED: gettext_lazy("%(thing)s was deleted in MLflow; %(expected)s was expected."),
}


def thing(finding: DriftFinding) -> str:
    """Name what differs: "churn v3", "churn @champion"."""
    if finding.kind == DriftKind.ALIAS:
        return f"{finding.model.reference} @{finding.alias}"
    return f"{finding.model.reference} v{finding.version.number}" if finding.version else finding.model.reference


def found_words(finding: DriftFinding) -> str:
    """Say what MLflow says: "Production", "v3", "nowhere", "changed: MLmodel", "deleted"."""
    if finding.kind == DriftKind.ALIAS:
        return _points(finding.found)
    if finding.kind == DriftKind.ARTIFACTS:
        names = ", ".join(map(str, finding.details.get("changed", [])))
        return _("other files: %(names)s") % {"names": names} if names else _("other files")
    return _("deleted") if finding.kind == DriftKind.DELETED else finding.found


def expected_words(finding: DriftFinding) -> str:
    """Say what is expected, in the same way."""
    if finding.kind == DriftKind.ALIAS:
        return _points(finding.expected)
    if finding.kind == DriftKind.ARTIFACTS:
        return _("the files as they were")
    return finding.expected


def sentence(finding: DriftFinding) -> str:
    """Say in one sentence what MLflow says, and what it should say; of a settled finding, what it said."""
    names = {
        "thing": thing(finding),
        "found": found_words(finding),
        "expected": expected_words(finding),
    }
    if finding.state not in UNSETTLED:
        return str(SETTLED[DriftKind(finding.kind)]) % names
    text = {
        DriftKind.STAGE: _("MLflow has %(thing)s in %(found)s; it should be in %(expected)s."),
        DriftKind.ALIAS: _("In MLflow, %(thing)s points to %(found)s; it should point to %(expected)s."),
        DriftKind.ARTIFACTS: _("The files of %(thing)s are not those that were there before (%(found)s)."),
        DriftKind.DELETED: _("%(thing)s was deleted in MLflow; it should be in %(expected)s."),
    }[DriftKind(finding.kind)]
    return text % names


def why_expected(finding: DriftFinding) -> str:
    """Say what the expectation rests on where no request of Assent stands behind it."""
    if finding.kind == DriftKind.ALIAS:
        return _("The alias is protected, and this is where it pointed before.")
    return _("No request of Assent decided it: this is what MLflow said before.")


def effect(finding: DriftFinding, action: str) -> str:
    """Say what an action would do, before it is done."""
    names = {"thing": thing(finding), "found": found_words(finding), "expected": expected_words(finding)}
    if action == DriftAction.REVERT:
        text = (
            _("Assent makes %(thing)s point to %(expected)s again in MLflow, and reads it back to be sure.")
            if finding.kind == DriftKind.ALIAS
            else _(
                "Assent moves %(thing)s from %(found)s back to %(expected)s in MLflow, and reads it back to be sure."
            )
        )
    elif action == DriftAction.REQUEST:
        stays = _("You open a request to let %(thing)s stay in %(found)s.")
        if finding.kind == DriftKind.ALIAS:
            stays = _("You open a request to let %(thing)s stay at %(found)s.")
        text = stays + " " + _("Reviewers decide on it as on any other; nothing moves in MLflow meanwhile.")
    else:
        text = {
            DriftKind.STAGE: _("%(thing)s stays in %(found)s, and that is expected from now on."),
            DriftKind.ALIAS: _("%(thing)s stays at %(found)s, and that is expected from now on."),
            DriftKind.ARTIFACTS: _("The files of %(thing)s as they are now are expected from now on."),
            DriftKind.DELETED: _("%(thing)s stays deleted, and nobody is asked about it any more."),
        }[DriftKind(finding.kind)]
    return text % names


def submit_words(finding: DriftFinding, action: str) -> str:
    """Return the words on the button that does it."""
    names = {"expected": expected_words(finding), "found": found_words(finding)}
    if action == DriftAction.REVERT:
        words = _("Point it to %(expected)s") if finding.kind == DriftKind.ALIAS else _("Move it back to %(expected)s")
        return words % names
    if action == DriftAction.REQUEST:
        return _("Send request")
    return _("Accept it as it is")


def who_did_it(finding: DriftFinding) -> str:
    """Say what MLflow knows of who: nobody, for its registry keeps no names; and who is nearest to the version."""
    text = _("MLflow does not record who changes its registry.")
    people = sorted(eligibility.trainers(finding.version)) if finding.version else []
    if not people or finding.kind in (DriftKind.ALIAS, DriftKind.DELETED):
        return text
    return text + " " + _("The version itself was trained or registered by %(names)s.") % {"names": ", ".join(people)}


def seen_words(finding: DriftFinding) -> str:
    """Say which way the change came to Assent's notice."""
    seen_by = finding.details.get("seen_by", "")
    return str(SEEN_BY.get(seen_by, _("by a sync")))


def mlflow_time(finding: DriftFinding) -> datetime | None:
    """Return MLflow's own time of the change, where it keeps one."""
    try:
        return datetime.fromisoformat(finding.details.get("mlflow_time", ""))
    except ValueError:
        return None


def _points(number: str) -> str:
    return f"v{number}" if number else _("no version")
