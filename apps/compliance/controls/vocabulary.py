"""The customer's words for events that controls require, over the actions of the trail. Data."""

from apps.audit.actions import Action

REQUIRED = {
    "model_registered": frozenset({Action.MODEL_MIRRORED}),
    "stage_transition": frozenset({Action.VERSION_STAGE_CHANGED}),  # into Production it is model_deployed as well
}
