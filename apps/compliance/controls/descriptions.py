"""Which versions were described at a moment: by the texts of now, each change since then taken back by the trail.

What Assent writes into a description about the model card is none of people's words, and left out.
"""

from collections.abc import Iterable
from datetime import datetime

from apps.audit import moments
from apps.audit.actions import Action
from apps.audit.models import AuditEvent
from apps.compliance.controls.required import version_number
from apps.modelcards.summary import without_block
from apps.registry.models import ModelVersion

OF_THE_MODEL = 0  # in place of a version's number
Key = tuple[int, int]  # model, and version or OF_THE_MODEL


def described(versions: Iterable[ModelVersion], at: datetime | None) -> set[int]:
    """Return the keys of those versions that were described, or whose model was; `at` None: as they are.

    Each version carries its model. Of now no query, of the past two.
    """
    versions = list(versions)
    texts: dict[Key, str] = {}
    for version in versions:
        texts[version.model_id, version.number] = version.description
        texts[version.model_id, OF_THE_MODEL] = version.model.description
    if at is not None:
        texts |= _before_changes({version.model_id for version in versions}, at)
    return {
        version.pk
        for version in versions
        if without_block(texts[version.model_id, version.number]) or texts[version.model_id, OF_THE_MODEL].strip()
    }


def _before_changes(models: set[int], at: datetime) -> dict[Key, str]:
    """Return what each text was before it was first changed after the moment; nothing for what was not changed."""
    if not models:
        return {}
    first, _after = moments.numbers_within(at, None)
    events = AuditEvent.objects.filter(
        model_id__in=models,
        action__in=(Action.MODEL_CHANGED, Action.VERSION_CHANGED, Action.CARD_SUMMARY_WRITTEN),
        id__gte=first,
        at__gt=at,
        data__before__description__isnull=False,
    ).order_by("id")
    found: dict[Key, str] = {}
    for model_id, kind, target, text in events.values_list(
        "model_id", "target_type", "target", "data__before__description"
    ):
        number = version_number(target) if kind in ("version", "card") else OF_THE_MODEL
        found.setdefault((model_id or 0, number), str(text))
    return found
