"""Answers the registry's question whether something is held: it registers itself when it is loaded."""

from django.db.models import Q
from django.utils.translation import gettext as _

from apps.compliance.models import LegalHold
from apps.registry.holds import Question, holder


@holder
def holding(question: Question) -> list[str]:
    """Return a sentence for each hold that stands on what is asked about."""
    rows = LegalHold.objects.filter(_concerns(question), lifted_at=None).select_related("model", "version__model")
    text = _("%(thing)s is on legal hold %(number)s.")
    return [text % {"thing": hold.thing, "number": hold.pk} for hold in rows.order_by("id").distinct()]


def _concerns(question: Question) -> Q:
    """A model goes with all its versions, so a hold of any of them holds it; a version is held by its model's hold."""
    if question.run_id:
        of_version = Q(version__run_id=question.run_id)
        of_model = Q(version=None, model__versions__run_id=question.run_id)
        return (of_version | of_model) & Q(model__connection=question.connection)
    if question.version:
        return Q(model=question.version.model_id) & (Q(version=None) | Q(version=question.version))
    return Q(model=question.model)
