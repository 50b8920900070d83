"""What the page of a card shows, put together from queries. Nothing here decides."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.modelcards import comments, lifecycle, queries, rules
from apps.modelcards.content import Content
from apps.modelcards.diffing import FieldChange, change_of
from apps.modelcards.formats.forms import EXPORTS
from apps.modelcards.models import Card, CardComment, CardRevision
from apps.modelcards.queries import Completeness
from apps.modelcards.reading.chart import Chart, chart
from apps.modelcards.rules import Standing
from apps.modelcards.schema.fields import BY_NAME, Field, in_section
from apps.modelcards.schema.sections import LABELS, Section
from apps.registry.models import ModelVersion, Stage

STEP_LABELS: dict[str, str | Promise] = {
    "submit": _("Submit for review"),
    "approve": _("Approve the card"),
    "send_back": _("Send it back"),
    "archive": _("Archive the card"),
    "restore": _("Take it out of the archive"),
}
SOURCES: dict[str, str | Promise] = {
    "registry": _("the registry"),
    "run": _("the run"),
    "mlmodel": _("the MLmodel file"),
    "requirements": _("the requirements"),
    "files": _("the model's files"),
    "tag": _("a tag"),
}
TABLE_OPEN = 12  # metrics up to which the table behind the chart stands open


@dataclass(frozen=True)
class Row:
    """One field with its value, and how that stands. `differs`: what MLflow says otherwise now."""

    field: Field
    value: Any
    state: dict[str, Any]
    standing: str
    differs: FieldChange | None = None
    outdated: bool = False
    missing: bool = False

    @property
    def name(self) -> str:
        """The state, or "empty"."""
        return str(self.state.get("state") or ("edited" if self.value is not None else "empty"))

    @property
    def source(self) -> str | Promise:
        """Where it came from, in words."""
        source = str(self.state.get("source", ""))
        return SOURCES.get(source, source)

    @property
    def override(self) -> dict[str, Any] | None:
        """What MLflow says instead, and why the card says otherwise."""
        return self.state.get("override")


@dataclass(frozen=True)
class Part:
    """One section: its fields, and what was said about it."""

    section: Section
    label: str | Promise
    rows: list[Row]
    open: list[CardComment]
    resolved: list[CardComment]

    @property
    def shown(self) -> list[Row]:
        """The fields that say something, or that have to."""
        return [row for row in self.rows if row.name != "empty" or row.missing or row.outdated]

    @property
    def blank(self) -> list[Row]:
        """The fields that are empty, and that nobody asks for now."""
        return [row for row in self.rows if row.name == "empty" and not (row.missing or row.outdated)]

    @property
    def missing(self) -> int:
        """How many of its fields are not settled though the next stage asks for them."""
        return sum(row.missing for row in self.rows)


@dataclass(frozen=True)
class Rights:
    """What the person may try here; services may still refuse."""

    write: bool
    comment: bool
    steps: list[str]


def next_stage(version: ModelVersion) -> str:
    """Return the stage whose requirements count next for a version."""
    return Stage.STAGING if version.stage in ("", Stage.NONE, Stage.ARCHIVED) else Stage.PRODUCTION


def rights(version: ModelVersion, card: Card | None, by: User) -> Rights:
    """Return what a person may try on the card of a version."""
    held = grants.held_permissions(by, version.model)
    gone = bool(version.deleted_at or version.model.deleted_at)
    return Rights(
        write=Permission.MODEL_WRITE in held and not gone,
        comment=bool(card and comments.NEEDED & held) and not by.is_service,
        steps=sorted(lifecycle.allowed(card, by), key=list(STEP_LABELS).index) if card else [],
    )


def card_context(version: ModelVersion, card: Card, row: CardRevision, by: User) -> dict[str, Any]:
    """Return what the page of a card shows at one of its revisions: of an older one, as it was then."""
    content, newest = queries.content_of(row), row.number == card.number
    now = queries.as_of_now(version, content) if newest else content
    outdated = set(queries.outdated(version, content, now)) if newest else set()
    how = queries.completeness(card, version.model.risk, next_stage(version)) if newest else None
    said = list(card.comments.select_related("author", "resolved_by").order_by("id"))
    standing = card.standing if newest else rules.standings(content)
    build = _row_builder(content, now, outdated, standing, how)
    return {
        "card": card,
        "revision": row,
        "newest": newest,
        "parts": [_part(section, build, said) for section in Section],
        "completeness": how,
        "stage": next_stage(version),
        "outdated": [BY_NAME[name].label for name in outdated if name in BY_NAME],
        "figures": _figures(version, content),
        "chart": metric_chart(content),
        "table_open": len(content.values.get("performance_metrics", [])) <= TABLE_OPEN,
        "rights": rights(version, card, by),
        "exports": EXPORTS,
        "step_labels": STEP_LABELS,
        "facts": {name: content.values.get(name) for name in ("authors", "owner_team", "dependencies_ref",
                                                              "package_ref", "license")},
    }  # fmt: skip


def metric_chart(content: Content) -> Chart | None:
    """Return the drawing of a card's metrics, None where none of them is a share."""
    return chart(content.values.get("performance_metrics", []))


def _row_builder(
    content: Content, now: Content, outdated: set[str], standing: Any, how: Completeness | None
) -> Callable[[Field], Row]:
    missing = {field.name for field, _standing in how.missing} if how else set()

    def build(field: Field) -> Row:
        name = field.name
        return Row(
            field=field,
            value=content.values.get(name),
            state=content.states.get(name, {}),
            standing=str(standing.get(name, Standing.EMPTY)),
            differs=change_of(field, content, now) if name in outdated else None,
            outdated=name in outdated,
            missing=name in missing,
        )

    return build


def _part(section: Section, build: Callable[[Field], Row], said: list[CardComment]) -> Part:
    rows = [build(field) for field in in_section(section)]
    about = [comment for comment in said if comment.section == section]
    unresolved = [comment for comment in about if comment.resolved_at is None]
    return Part(section, LABELS[section], rows, unresolved, [c for c in about if c.resolved_at is not None])


def _figures(version: ModelVersion, content: Content) -> list[tuple[dict[str, str], int]]:
    """Return the figures that the run still has, each with its place among the version's pictures."""
    places = {picture.get("path"): place for place, picture in enumerate(version.pictures)}
    figures = content.values.get("figures", [])
    return [(figure, places[figure["path"]]) for figure in figures if figure.get("path") in places]
