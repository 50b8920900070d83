"""Where a value came from, in words."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

KNOWN: dict[str, str | Promise] = {
    "registry": gettext_lazy("from MLflow's registry"),
    "run": gettext_lazy("from the run"),
    "mlmodel": gettext_lazy("from the MLmodel file"),
    "requirements": gettext_lazy("from the requirements"),
    "files": gettext_lazy("from the model's files"),
    "tag": gettext_lazy("from a tag"),
}


def in_words(source: str) -> str:
    """Return where a value came from; "" when nobody knows."""
    first, _blank, number = source.partition(" ")
    if first == "version" and number:
        return _("carried over from version %(number)s") % {"number": number}
    return str(KNOWN.get(source, source))
