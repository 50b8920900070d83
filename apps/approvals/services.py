"""What pages, API and jobs do to requests. Each is one transaction with its audit event.

Applying an approved request is in apply.py, what happens by itself in timers.py.
"""

from apps.approvals.acting import act
from apps.approvals.advancing import APPLY_ATTEMPTS, APPLY_JOB, reconsider
from apps.approvals.submitting import edit_draft, open_request, submit
from apps.approvals.visibility import locked_request

__all__ = ["APPLY_ATTEMPTS", "APPLY_JOB", "act", "edit_draft", "locked_request", "open_request", "reconsider", "submit"]
