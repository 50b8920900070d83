"""The closed list of everything that is recorded: `<noun>.<past tense>`. Adding an action is one line here."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Action(models.TextChoices):
    """What happened. Refused attempts use the same action with outcome `refused`."""

    ALIAS_PROTECTED = "alias.protected", _("Alias protected")
    ALIAS_UNPROTECTED = "alias.unprotected", _("Alias no longer protected")
    CONNECTION_ADDED = "connection.added", _("Connection added")
    CONNECTION_CHANGED = "connection.changed", _("Connection changed")
    CONNECTION_WEBHOOK_REGISTERED = "connection.webhook_registered", _("Webhook registered with MLflow")
    CONNECTION_WEBHOOK_REMOVED = "connection.webhook_removed", _("Webhook removed from MLflow")
    DRIFT_ACCEPTED = "drift.accepted", _("Drift accepted")
    DRIFT_FOUND = "drift.found", _("Drift found")
    DRIFT_REQUESTED = "drift.requested", _("Request opened for drift")
    DRIFT_RESOLVED = "drift.resolved", _("Drift resolved in MLflow")
    DRIFT_REVERT_FAILED = "drift.revert_failed", _("Drift could not be reverted")
    DRIFT_REVERT_STARTED = "drift.revert_started", _("Reverting drift started")
    DRIFT_REVERTED = "drift.reverted", _("Drift reverted")
    GRANT_CHANGED = "grant.changed", _("Role changed")
    GROUP_CREATED = "group.created", _("Group added")
    MEMBERSHIP_CHANGED = "membership.changed", _("Group membership changed")
    METRIC_DIRECTION_SET = "metric.direction_set", _("Metric direction set")
    POLICY_PUBLISHED = "policy.published", _("Policy published")
    MODEL_MIRRORED = "model.mirrored", _("Model registered in MLflow")
    MODEL_CHANGED = "model.changed", _("Model changed in MLflow")
    MODEL_DELETED = "model.deleted", _("Model deleted in MLflow")
    REQUEST_APPLIED = "request.applied", _("Promotion applied")
    REQUEST_APPLY_FAILED = "request.apply_failed", _("Promotion could not be applied")
    REQUEST_APPLY_STARTED = "request.apply_started", _("Applying started")
    REQUEST_APPROVED = "request.approved", _("Request approved")
    REQUEST_EVIDENCE_CHANGED = "request.evidence_changed", _("Evidence changed, sign-offs dismissed")
    REQUEST_OPENED = "request.opened", _("Request opened")
    REQUEST_REJECTED = "request.rejected", _("Request rejected")
    REQUEST_RETRIED = "request.retried", _("Apply retried")
    REQUEST_REVIEWED = "request.reviewed", _("Review given")
    REQUEST_REVIEWS_DISMISSED = "request.reviews_dismissed", _("Sign-offs dismissed")
    REQUEST_WITHDRAWN = "request.withdrawn", _("Request withdrawn")
    SESSION_ENDED = "session.ended", _("Signed out")
    SESSION_STARTED = "session.started", _("Signed in")
    SYNC_CANCELLED = "sync.cancelled", _("Sync cancelled")
    SYNC_REQUESTED = "sync.requested", _("Sync requested")
    TOKEN_CREATED = "token.created", _("API token created")
    TOKEN_REVOKED = "token.revoked", _("API token revoked")
    USER_CREATED = "user.created", _("Person added")
    USER_DEACTIVATED = "user.deactivated", _("Person deactivated")
    USER_REACTIVATED = "user.reactivated", _("Person reactivated")
    VERSION_ARTIFACTS_CHANGED = "version.artifacts_changed", _("Artifacts changed in MLflow")
    VERSION_CHANGED = "version.changed", _("Version changed in MLflow")
    VERSION_DELETED = "version.deleted", _("Version deleted in MLflow")
    VERSION_MIRRORED = "version.mirrored", _("Version registered in MLflow")
    VERSION_STAGE_CHANGED = "version.stage_changed", _("Stage changed")
    VIEW_REMOVED = "view.removed", _("Saved view removed")
    VIEW_SAVED = "view.saved", _("View saved")


class Outcome(models.TextChoices):
    """How an attempt ended."""

    DONE = "done", _("Done")
    REFUSED = "refused", _("Refused")
    FAILED = "failed", _("Failed")


class Source(models.TextChoices):
    """Through which door it came."""

    PAGE = "page", _("Page")
    API = "api", _("API")
    WORKER = "worker", _("Worker")
    COMMAND = "command", _("Command")
    MLFLOW = "mlflow", _("MLflow, outside Assent")
