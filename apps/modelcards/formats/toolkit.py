"""A card of Google's Model Card Toolkit (JSON, schema v0.0.2) as one of ours. The toolkit itself is given up. Pure."""

from typing import Any

from apps.modelcards import content as cards
from apps.modelcards.formats import mapping
from apps.modelcards.formats.base import Gathered, Taken
from apps.modelcards.formats.mapping import Entry, Values, line, objects, text
from apps.modelcards.formats.parts import bounds, each_use, interval, role_of, uses
from apps.modelcards.formats.pictures import without_pictures

PARTS = ("model_details", "model_parameters", "quantitative_analysis", "considerations")


def read(document: dict[str, Any]) -> Taken:
    """Return the card that a toolkit's JSON says. Raises CardRefused."""
    found = Gathered()
    whole, pictures = without_pictures(document)
    found.losses += pictures
    mapping.read(ENTRIES, {name: item for name, item in whole.items() if name != "schema_version"}, {}, found)
    return Taken(cards.from_document(found.document()), tuple(found.losses))


def looks_like(document: dict[str, Any]) -> bool:
    """Return whether an object is a card of the toolkit."""
    return isinstance(document.get(PARTS[0]), dict) or (
        "schema_version" in document and set(PARTS) & set(document) != set()
    )


def _described(field: str, *path: str) -> Entry:
    """Return the entry of a list of texts, each an object with a description."""
    return Entry(
        path, (field,), lambda raw: {field: [_description(item) for item in raw]},
        lambda values: [{"description": item} for item in values.get(field) or []],
    )  # fmt: skip


def _description(item: Any) -> str:
    return text(item["description"] if isinstance(item, dict) else item)


def _uses(raw: Any) -> dict[str, Any]:
    return {"intended_use": uses([_description(item) for item in raw])}


def _write_uses(values: Values) -> Any:
    return [{"description": use} for use in each_use(values.get("intended_use") or "")]


def _license(raw: Any) -> dict[str, Any]:
    (only,) = objects(raw)
    return {"license": only.get("identifier") or only.get("custom_text")}


def _data(raw: Any) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {"training_data": [], "test_data": []}
    for row in objects(raw):
        sensitive = (row.get("sensitive") or {}).get("sensitive_data") or []
        found[role_of(str(row.get("name", "")))].append({
            "name": row.get("name"), "source": row.get("link"), "description": row.get("description"),
            "sensitive": ", ".join(map(text, sensitive)),
        })  # fmt: skip
    return found


def _write_data(values: Values) -> Any:
    rows = [*(values.get("training_data") or []), *(values.get("test_data") or [])]
    return [
        {
            "name": row.get("name"),
            "link": row.get("source"),
            "description": row.get("description"),
            "sensitive": {"sensitive_data": [part for part in row.get("sensitive", "").split(", ") if part]},
        }
        for row in rows
    ]


def _metrics(raw: Any) -> dict[str, Any]:
    rows = [
        {"name": row.get("type"), "value": row.get("value"), "slice": row.get("slice")}
        | interval(row.get("confidence_interval"), "lower_bound", "upper_bound")
        for row in objects(raw)
    ]
    return {"performance_metrics": rows}


def _write_metrics(values: Values) -> Any:
    return [
        {"type": row.get("name"), "value": row.get("value"), "slice": row.get("slice")}
        | bounds(row, "confidence_interval", "lower_bound", "upper_bound")
        for row in values.get("performance_metrics") or []
    ]


def _columns(field: str) -> Entry:
    return Entry(
        ("model_parameters", f"{field[:-1]}_format_map"), (field,),
        lambda raw: {field: [{"name": row.get("key"), "type": row.get("value")} for row in objects(raw)]},
        lambda values: [{"key": row.get("name"), "value": row.get("type")} for row in values.get(field) or []],
    )  # fmt: skip


def _records(field: str, path: tuple[str, ...], names: dict[str, str]) -> Entry:
    """Return the entry of records whose parts have other names there: {theirs: ours}."""
    return Entry(
        path, (field,),
        lambda raw: {field: [{ours: row.get(theirs) for theirs, ours in names.items()} for row in objects(raw)]},
        lambda values: [{theirs: row.get(ours) for theirs, ours in names.items()} for row in values.get(field) or []],
    )  # fmt: skip


ENTRIES = (
    line("model_name", "model_details", "name"),
    line("version", "model_details", "version", "name"),
    line("date", "model_details", "version", "date"),
    _records("authors", ("model_details", "owners"), {"name": "name", "contact": "contact"}),
    Entry(("model_details", "licenses"), ("license",), _license,
          lambda values: [{"identifier": values.get("license")}]),
    Entry(("model_details", "references"), ("references",),
          lambda raw: {"references": [text(row["reference"]) for row in objects(raw)]},
          lambda values: [{"reference": item} for item in values.get("references") or []]),
    line("architecture", "model_parameters", "model_architecture"),
    Entry(("model_parameters", "data"), ("training_data", "test_data"), _data, _write_data),
    _columns("inputs"),
    _columns("outputs"),
    Entry(("quantitative_analysis", "performance_metrics"), ("performance_metrics",), _metrics, _write_metrics),
    _described("users", "considerations", "users"),
    Entry(("considerations", "use_cases"), ("intended_use",), _uses, _write_uses),
    _described("limitations", "considerations", "limitations"),
    _described("tradeoffs", "considerations", "tradeoffs"),
    _records("ethical_considerations", ("considerations", "ethical_considerations"),
             {"name": "risk", "mitigation_strategy": "mitigation"}),
)  # fmt: skip
