"""Findings as sentences."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.registry.data_check.checking import CELLS, MISSING, NULL, SHAPE, TYPE, UNEXPECTED, Finding

TOO_LARGE = gettext_lazy("The file is larger than 10 MB. Check a part of it.")
NO_SIGNATURE = gettext_lazy(
    "This version has no signature of its inputs, so there is nothing to check against. Log the model with "
    "infer_signature and register it again."
)
WORDS = {
    MISSING: gettext_lazy("missing"),
    UNEXPECTED: gettext_lazy("unexpected"),
    TYPE: gettext_lazy("wrong type"),
    NULL: gettext_lazy("empty"),
    SHAPE: gettext_lazy("wrong shape"),
    CELLS: gettext_lazy("wrong length"),
}


def sentence(finding: Finding) -> str:
    """Say what is wrong, and what the model wants."""
    if finding.problem == MISSING:
        return _("The model needs this column: %(type)s.") % {"type": finding.expected}
    if finding.problem == UNEXPECTED:
        return _("The model does not know this column. Its name is compared to the letter.")
    if finding.problem == NULL:
        text = ngettext("%(n)d value is empty, and must not be: %(type)s, required.",
                        "%(n)d values are empty, and must not be: %(type)s, required.", finding.count)  # fmt: skip
    elif finding.problem == CELLS:
        text = ngettext(
            "%(n)d row does not have %(type)s cells.", "%(n)d rows do not have %(type)s cells.", finding.count
        )
    elif finding.problem == SHAPE:
        text = ngettext("%(n)d entry does not have the shape of %(type)s.",
                        "%(n)d entries do not have the shape of %(type)s.", finding.count)  # fmt: skip
    else:
        text = ngettext("%(n)d value is not %(type)s.", "%(n)d values are not %(type)s.", finding.count)
    return text % {"n": finding.count, "type": finding.expected}


def word(finding: Finding) -> str:
    """Name the problem in a word or two."""
    return str(WORDS[finding.problem])
