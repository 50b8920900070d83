"""The closed list of everything that is recorded: `<noun>.<past tense>`. Adding an action is one line here."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Action(models.TextChoices):
    """What happened. Refused attempts use the same action with outcome `refused`."""

    AFTER_REVIEW_DONE = "after_review.done", _("Reviewed afterwards")
    AFTER_REVIEW_OVERDUE = "after_review.overdue", _("Review afterwards is overdue")
    ALIAS_PROTECTED = "alias.protected", _("Alias protected")
    ALIAS_UNPROTECTED = "alias.unprotected", _("Alias no longer protected")
    BYPASS_ASKED = "bypass.asked", _("Bypass asked for")
    BYPASS_CONFIRMED = "bypass.confirmed", _("Bypass confirmed")
    BYPASS_DROPPED = "bypass.dropped", _("Bypass dropped")
    CHECKPOINT_MADE = "checkpoint.made", _("Checkpoint of the trail made")
    CHECK_REPORTED = "check.reported", _("Check reported")
    CHECK_WAIVED = "check.waived", _("Check waived")
    CONDITION_MET = "condition.met", _("Condition met")
    CONDITION_OVERDUE = "condition.overdue", _("Condition overdue, approval revoked")
    CONNECTION_ADDED = "connection.added", _("Connection added")
    CONNECTION_CHANGED = "connection.changed", _("Connection changed")
    CONNECTION_WEBHOOK_REGISTERED = "connection.webhook_registered", _("Webhook registered with MLflow")
    CONNECTION_WEBHOOK_REMOVED = "connection.webhook_removed", _("Webhook removed from MLflow")
    DELEGATION_GIVEN = "delegation.given", _("Delegation given")
    DELEGATION_REVOKED = "delegation.revoked", _("Delegation revoked")
    DRIFT_ACCEPTED = "drift.accepted", _("Drift accepted")
    DRIFT_FOUND = "drift.found", _("Drift found")
    DRIFT_REQUESTED = "drift.requested", _("Request opened for drift")
    DRIFT_RESOLVED = "drift.resolved", _("Drift resolved in MLflow")
    DRIFT_REVERTED = "drift.reverted", _("Drift reverted")
    DRIFT_REVERT_FAILED = "drift.revert_failed", _("Drift could not be reverted")
    DRIFT_REVERT_STARTED = "drift.revert_started", _("Reverting drift started")
    FREEZE_LIFTED = "freeze.lifted", _("Freeze lifted")
    FREEZE_SET = "freeze.set", _("Freeze set")
    GRANT_CHANGED = "grant.changed", _("Role changed")
    GROUP_CREATED = "group.created", _("Group added")
    MEMBERSHIP_CHANGED = "membership.changed", _("Group membership changed")
    METRIC_DIRECTION_SET = "metric.direction_set", _("Metric direction set")
    MODEL_CHANGED = "model.changed", _("Model changed in MLflow")
    MODEL_DELETED = "model.deleted", _("Model deleted in MLflow")
    MODEL_MIRRORED = "model.mirrored", _("Model registered in MLflow")
    NOTIFICATIONS_CHANGED = "notifications.changed", _("Notification choices changed")
    POLICY_DISCARDED = "policy.discarded", _("Draft of a policy discarded")
    POLICY_DRAFTED = "policy.drafted", _("Policy drafted")
    POLICY_PUBLISHED = "policy.published", _("Policy published")
    REQUEST_APPLIED = "request.applied", _("Promotion applied")
    REQUEST_APPLY_FAILED = "request.apply_failed", _("Promotion could not be applied")
    REQUEST_APPLY_STARTED = "request.apply_started", _("Applying started")
    REQUEST_APPROVED = "request.approved", _("Request approved")
    REQUEST_DRAFTED = "request.drafted", _("Request drafted")
    REQUEST_EVIDENCE_CHANGED = "request.evidence_changed", _("Evidence changed, sign-offs dismissed")
    REQUEST_EXPIRED = "request.expired", _("Request expired")
    REQUEST_LAPSED = "request.lapsed", _("Approval lapsed")
    REQUEST_OBJECTION_DISMISSED = "request.objection_dismissed", _("Objection dismissed")
    REQUEST_OPENED = "request.opened", _("Request opened")
    REQUEST_RECERTIFIED = "request.recertified", _("Approval recertified")
    REQUEST_RECERTIFY_DUE = "request.recertify_due", _("Approval is to be recertified")
    REQUEST_RECERTIFY_OVERDUE = "request.recertify_overdue", _("Recertification is overdue")
    REQUEST_REJECTED = "request.rejected", _("Request rejected")
    REQUEST_REMINDED = "request.reminded", _("Reviewers reminded")
    REQUEST_REOPENED = "request.reopened", _("Request under review again")
    REQUEST_REPINNED = "request.repinned", _("Request moved to the present policy")
    REQUEST_RETRIED = "request.retried", _("Apply retried")
    REQUEST_REVIEWED = "request.reviewed", _("Review given")
    REQUEST_REVIEWS_DISMISSED = "request.reviews_dismissed", _("Sign-offs dismissed")
    REQUEST_SUPERSEDED = "request.superseded", _("Request superseded")
    REQUEST_WITHDRAWN = "request.withdrawn", _("Request withdrawn")
    ROLLBACK_ASKED = "rollback.asked", _("Rollback asked for")
    SESSION_ENDED = "session.ended", _("Signed out")
    SESSION_STARTED = "session.started", _("Signed in")
    SIGNING_KEY_ROTATED = "signing_key.rotated", _("Key of the trail's checkpoints rotated")
    SYNC_CANCELLED = "sync.cancelled", _("Sync cancelled")
    SYNC_REQUESTED = "sync.requested", _("Sync requested")
    TOKEN_CREATED = "token.created", _("API token created")
    TOKEN_RENEWED = "token.renewed", _("API token renewed")
    TOKEN_REVOKED = "token.revoked", _("API token revoked")
    TOKEN_USED = "token.used", _("API token used beyond its scope")
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
    WAIVER_REVOKED = "waiver.revoked", _("Waiver revoked")
    WEBHOOK_ADDED = "webhook.added", _("Outgoing webhook added")
    WEBHOOK_CHANGED = "webhook.changed", _("Outgoing webhook changed")
    WEBHOOK_REMOVED = "webhook.removed", _("Outgoing webhook removed")
    WEBHOOK_RESENT = "webhook.resent", _("Deliveries of a webhook sent again")
    WEBHOOK_SECRET_ROTATED = "webhook.secret_rotated", _("Secret of an outgoing webhook rotated")
    WEBHOOK_TESTED = "webhook.tested", _("Outgoing webhook tested")


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


class AccessOutcome(models.TextChoices):
    """How a read that the access log notes ended."""

    GRANTED = "granted", _("Granted")
    DENIED = "denied", _("Denied")
