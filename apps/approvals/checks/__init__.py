"""The checks of a version on its way somewhere: a table of named functions, and what CI reports.

Each says in one sentence what it found. A policy may require some of them; the others advise. A check that does not
apply says so; one that breaks, runs out or was never reported has not passed. Adding one: a function in `recorded`,
`environment` or `compared`, and its line in `table`.
"""

from apps.approvals.checks.outcomes import EXTERNAL, MET, Check, CheckResult, Finding, Outcome, Subject, WaiverNote
from apps.approvals.checks.results import results, run, subject, unmet
from apps.approvals.checks.stored import as_row, from_row
from apps.approvals.checks.table import CHECKS

__all__ = [
    "CHECKS",
    "EXTERNAL",
    "MET",
    "Check",
    "CheckResult",
    "Finding",
    "Outcome",
    "Subject",
    "WaiverNote",
    "as_row",
    "from_row",
    "results",
    "run",
    "subject",
    "unmet",
]
