"""A card as a machine-learning bill of materials, CycloneDX 1.6, and 1.5 or 1.6 as a card. Pure.

Built as a dict; what CycloneDX has no words for stands in properties named `assent:<field>`, lists as JSON.
"""

import json
import re
import uuid
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.modelcards import content as cards
from apps.modelcards.content import Content
from apps.modelcards.formats import documents, mapping
from apps.modelcards.formats.about import About
from apps.modelcards.formats.base import Gathered, Loss, Taken, Unreadable
from apps.modelcards.formats.cyclonedx_data import PREFIX, component_of, ref, resolved
from apps.modelcards.formats.cyclonedx_parts import DATA, ENTRIES
from apps.modelcards.formats.mapping import as_list, objects
from apps.modelcards.formats.pictures import without_pictures
from apps.modelcards.formats.reading import json_of
from apps.modelcards.schema.fields import BY_NAME
from apps.modelcards.schema.kinds import Kind
from apps.registry.details import requirements

MODEL, LIBRARY = "machine-learning-model", "library"
READ = ("1.5", "1.6")
ENVELOPE = ("$schema", "bomFormat", "specVersion", "serialNumber", "version")
NAMESPACE = uuid.UUID("7b2c1f0e-5a53-5d0c-9d5e-6f2f4d0b6a11")  # of the numbers of our bills
PLAIN_TEXT = (Kind.LINE, Kind.PROSE, Kind.DATE, Kind.CHOICE)
PINNED = re.compile(r"^===?([\w.!+-]+)$")
NO_PLACE = gettext_lazy("It is about something else than the card of a model.")
MORE_MODELS = gettext_lazy("A card is about one model; this is another one of the same file.")


def written(content: Content, about: About) -> bytes:
    """Return a card as CycloneDX 1.6, with the packages of its version. The same card gives the same bytes."""
    model = mapping.write(ENTRIES, content.values)
    rows = model.pop(DATA, [])
    card = model.setdefault("modelCard", {})
    if rows:
        card.setdefault("modelParameters", {})["datasets"] = [{"ref": ref(place)} for place in range(len(rows))]
    libraries = _libraries(about.requirements)
    unnamed = {} if "model_name" in content.values else {"model_name": None}  # a component must have a name
    kept = mapping.residual(ENTRIES, content.values) | unnamed
    properties = [{"name": f"{PREFIX}{name}", "value": _property(name, value)} for name, value in kept.items()]
    component = {"type": MODEL, "bom-ref": "model", "name": about.model or "model", **model,
                 "properties": [{"name": f"{PREFIX}schema", "value": cards.SCHEMA}, *properties]}  # fmt: skip
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, f'{about} {cards.digest(content)}')}",
        "version": 1,
        "metadata": _metadata(about),
        "components": [component, *(component_of(place, row) for place, row in enumerate(rows)), *libraries],
        "dependencies": [{"ref": "model", "dependsOn": [row["bom-ref"] for row in libraries]}],
    }
    return (json.dumps(bill, ensure_ascii=False, indent=2) + "\n").encode()


def lost(content: Content) -> tuple[Loss, ...]:
    """Return what a bill of materials does not keep of a card."""
    return documents.without_states(content)


def looks_like(document: dict[str, Any]) -> bool:
    """Return whether an object is a bill of materials."""
    return document.get("bomFormat") == "CycloneDX"


def read(document: dict[str, Any]) -> Taken:
    """Return the card of the first model in a bill. Raises Unreadable and CardRefused."""
    if document.get("specVersion") not in READ:
        raise Unreadable(_("This is not CycloneDX 1.5 or 1.6: its specVersion is another. Export it as 1.6."))
    try:
        rows = objects(document.get("components") or [])
    except TypeError:
        raise Unreadable(_("The components of this bill of materials are no list of objects.")) from None
    place = next((place for place, row in enumerate(rows) if row.get("type") == MODEL), None)
    about = (document.get("metadata") or {}).get("component") if isinstance(document.get("metadata"), dict) else None
    described = place is None and isinstance(about, dict) and about.get("type") == MODEL
    if place is None and not described:
        message = _("No component of this bill of materials is a %(type)s, so there is no card in it.")
        raise Unreadable(message % {"type": MODEL})
    model: Any = about if described else rows[place or 0]
    others = [row for row in rows if row is not model]
    found = Gathered()
    found.losses += [Loss(name, NO_PLACE) for name in document if name not in (*ENVELOPE, "components")]
    component, pictures = without_pictures(model, "component")
    found.losses += pictures
    component = {name: item for name, item in component.items() if name not in ("type", "bom-ref")}
    own = _own(component, found)
    if own.get("model_name", "") is None:
        del component["name"]  # the card has none, and a component must
    component[DATA] = resolved(component, others, found)
    _list_others(others, rows, found)
    mapping.read(ENTRIES, component, own, found)
    return Taken(cards.from_document(found.document()), tuple(found.losses))


def _metadata(about: About) -> dict[str, Any]:
    tool = {"type": "application", "name": "Assent"}
    made = {"timestamp": about.made_at} if about.made_at else {}
    return {**made, "tools": {"components": [tool]},
            "properties": [{"name": f"{PREFIX}{name}", "value": value} for name, value in about.named()]}  # fmt: skip


def _property(name: str, value: Any) -> str:
    """Return the text of a field in a property. A text stands as it is; nothing at all is the JSON null of a list."""
    if value is None:
        return ""
    return value if BY_NAME[name].kind in PLAIN_TEXT else json.dumps(value, ensure_ascii=False)


def _own(component: dict[str, Any], found: Gathered) -> dict[str, Any]:
    """Take the properties of a component: ours as fields, others beside them. Raises CardRefused."""
    own: dict[str, Any] = {}
    for row in as_list(component.pop("properties", None)):
        name = str(row.get("name", "")) if isinstance(row, dict) else ""
        said = (row.get("value") or "") if isinstance(row, dict) else row
        said = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        field = BY_NAME.get(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else None
        if field:
            own[field.name] = (said if field.kind in PLAIN_TEXT else json_of(said)) if said else None
        elif name != f"{PREFIX}schema":
            found.keep(name, said)
    values, errors = cards.values_from({name: item for name, item in own.items() if item is not None})
    if errors:
        raise cards.CardRefused({f"{PREFIX}{name}": sentence for name, sentence in errors.items()})
    return {name: values.get(name) for name in own}


def _libraries(lines: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the packages of requirement lines, each once, with its purl."""
    found: dict[str, dict[str, Any]] = {}
    for parsed in map(requirements.parse, lines):
        if not parsed.name:
            continue
        pinned = PINNED.match(parsed.specifier)
        version = {"version": pinned[1]} if pinned else {}
        purl = f"pkg:pypi/{parsed.name}" + (f"@{pinned[1].replace('+', '%2B').replace('!', '%21')}" if pinned else "")
        found.setdefault(purl, {"type": LIBRARY, "bom-ref": purl, "name": parsed.name, **version, "purl": purl})
    return list(found.values())


def _list_others(others: list[dict[str, Any]], rows: list[dict[str, Any]], found: Gathered) -> None:
    places = {id(row): place for place, row in enumerate(rows)}
    for row in others:
        place = places[id(row)]
        why = MORE_MODELS if row.get("type") == MODEL else NO_PLACE
        found.losses.append(Loss(f"components.{place} ({row.get('name', '')})", why))
