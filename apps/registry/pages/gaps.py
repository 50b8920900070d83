"""What is not known of a version, in sentences: each says what follows from it. Pure."""

from django.utils.translation import gettext as _

from apps.masking import masked
from apps.registry.details import requirements
from apps.registry.models import DetailsState, ModelVersion
from apps.registry.pages import provenance

MOST_NAMED = 3


def gaps(version: ModelVersion) -> list[str]:
    """Return the gaps in the evidence; nothing while the run and the files have not been read."""
    if version.details_state == DetailsState.PENDING:
        return []
    found = [
        (not version.run_id, _("No run is recorded: nobody can tell how this version was made.")),
        (not version.metrics, _("No metric was logged: nobody can tell how good this version is.")),
        (not version.params, _("No parameter was logged: the training cannot be repeated from here.")),
        (not version.datasets, _("No data set was logged: nobody can tell what it was trained and tested on.")),
        (not version.signature, _("No signature was logged: consumers cannot check their inputs.")),
        (
            bool(version.signature) and not (version.signature or {}).get("outputs"),
            _("The signature says nothing about outputs."),
        ),
        (not provenance.input_example(version), _("No input example is stored: the model cannot be tried as logged.")),
        (not version.mlmodel, _("There is no MLmodel file that can be read.")),
        (version.requirements is None, _("There is no requirements.txt: the environment cannot be rebuilt.")),
        (provenance.commit_link(version) is None, _("No git commit is recorded: the code cannot be found again.")),
        (not version.description, _("The version has no description.")),
    ]
    return [text for missing, text in found if missing] + _loose(version)


def _loose(version: ModelVersion) -> list[str]:
    lines = masked(requirements.unpinned(version.requirements or []))
    if not lines:
        return []
    named = ", ".join(lines[:MOST_NAMED]) + (", …" if len(lines) > MOST_NAMED else "")
    return [_("Not pinned to one version: %(lines)s.") % {"lines": named}]
