"""What the trail does by the clock."""

from celery import shared_task

from apps.audit.access import services
from apps.audit.actions import Source
from apps.audit.context import Origin, came_through
from apps.audit.proof.checkpoints import make_checkpoint


@shared_task(name="audit.checkpoint")
def checkpoint() -> None:
    """Sign where the trail stands; nothing when nothing was added since."""
    with came_through(Origin(Source.WORKER, "timers")):
        make_checkpoint()


@shared_task(name="audit.prune_accesses")
def prune_accesses() -> None:
    """Remove what the access log keeps no longer."""
    services.prune()
