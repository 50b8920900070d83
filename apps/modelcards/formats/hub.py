"""A card as the README of a Hugging Face repository, and back: metadata in front matter, prose as in Markdown. Pure.

What the hub's metadata has no words for stands under `governance`, by the names of our fields.
"""

import re
from typing import Any

from apps.modelcards import content as cards
from apps.modelcards.content import Content
from apps.modelcards.formats import documents, mapping
from apps.modelcards.formats.base import Gathered, Loss, Taken
from apps.modelcards.formats.mapping import Entry, Values, objects, text, texts
from apps.modelcards.formats.markdown_in import parted, read_body
from apps.modelcards.formats.markdown_out import body, in_body, with_front
from apps.modelcards.schema.fields import BY_NAME, SCHEMA

GOVERNANCE = "governance"
UNSPECIFIED = "unspecified"  # the hub wants a task and a data set beside each metric
LICENSES = {name.lower(): name for name in (
    "Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC0-1.0",
    "GPL-2.0", "GPL-3.0", "LGPL-3.0", "AGPL-3.0", "MPL-2.0", "EPL-2.0", "ISC", "Unlicense", "Zlib",
)}  # fmt: skip # the hub's names, which are SPDX in small letters
LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
NUMBER = re.compile(r"-?(0|[1-9]\d{0,15})(\.\d{1,16})?")
NOT_OURS = ("language", "license", "library_name", "pipeline_tag", "model-index", "model_name", "base_model")


def written(content: Content) -> bytes:
    """Return a card as a README. How fields stand is lost: `lost` names it."""
    structured = {name: value for name, value in content.values.items() if not in_body(name)}
    kept = {name: value for name, value in mapping.residual(ENTRIES, structured).items() if not in_body(name)}
    front = mapping.write(ENTRIES, structured) | {GOVERNANCE: {"schema": SCHEMA, **kept}}
    return with_front(front, body(content)).encode()


def lost(content: Content) -> tuple[Loss, ...]:
    """Return what a README does not keep."""
    return documents.without_states(content)


def read(source: str) -> Taken:
    """Return the card that a README says. Raises Unreadable and CardRefused."""
    front, prose = parted(source)
    own, found = front.pop(GOVERNANCE, None), Gathered()
    known = {name: item for name, item in own.items() if name in BY_NAME} if isinstance(own, dict) else {}
    rest = (
        {name: item for name, item in own.items() if name not in (*known, "schema")} if isinstance(own, dict) else own
    )
    values, errors = cards.values_from(known)
    if errors:
        raise cards.CardRefused({f"{GOVERNANCE}.{name}": sentence for name, sentence in errors.items()})
    mapping.read(ENTRIES, front, {name: values.get(name) for name in known}, found)
    found.keep_rest({GOVERNANCE: rest})
    read_body(prose, found)
    return Taken(cards.from_document(found.document()), tuple(found.losses))


def looks_like(front: dict[str, Any]) -> bool:
    """Return whether front matter is the hub's."""
    return "schema" not in front and any(name in front for name in (*NOT_OURS, GOVERNANCE, "datasets", "tags"))


def slug(name: str) -> str:
    """Return a name as the hub spells those of metrics and data sets."""
    return re.sub(r"[^\w.-]+", "_", name.strip().casefold()).strip("_") or UNSPECIFIED


def _language(values: Values) -> Any:
    tags = [tag.strip() for tag in values.get("language", "").split(",") if LANGUAGE.fullmatch(tag.strip())]
    return tags[0] if len(tags) == 1 else tags


def _license(values: Values) -> Any:
    said = values.get("license")
    return said and (said.lower() if LICENSES.get(said.lower()) == said else "other")


def _read_license(raw: Any) -> dict[str, Any]:
    name = text(raw)
    return {"license": None if name == "other" else LICENSES.get(name.lower(), name)}


def _license_name(values: Values) -> Any:
    return values.get("license") if _license(values) == "other" else None


def _library(values: Values) -> Any:
    return (values.get("runtime") or {}).get("flavors", "").split(",")[0].strip()


def _task(values: Values) -> Any:
    return None if values.get("task") == "other" else values.get("task")


def _metric_names(values: Values) -> list[str]:
    names = [slug(row["name"]) for row in values.get("performance_metrics") or [] if "name" in row]
    return list(dict.fromkeys(names))


def _index(values: Values) -> Any:
    """Return `model-index`: a result for each data set, with its metrics."""
    by_data: dict[str, list[dict[str, Any]]] = {}
    for row in values.get("performance_metrics") or []:
        if "name" in row and "value" in row:
            metric = {"type": slug(row["name"]), "value": number(row["value"]), "name": row["name"]}
            by_data.setdefault(row.get("dataset", ""), []).append(metric)
    results = [
        {
            "task": {"type": _task(values) or UNSPECIFIED},
            "dataset": {"type": slug(name or UNSPECIFIED), "name": name or UNSPECIFIED},
            "metrics": metrics,
        }
        for name, metrics in by_data.items()
    ]
    return [{"name": values.get("model_name", UNSPECIFIED), "results": results}] if results else None


def number(said: str) -> Any:
    """Return a text as a number where that is written the same, else as it is."""
    if not NUMBER.fullmatch(said):
        return said
    found: int | float = float(said) if "." in said else int(said)
    return found if repr(found) == said else said


def _read_index(raw: Any) -> dict[str, Any]:
    first, *_more = objects(raw)
    rows, tasks = [], []
    for result in objects(first.get("results")):
        named, task = (result.get("dataset") or {}).get("name"), (result.get("task") or {}).get("type")
        dataset = {} if named in (None, UNSPECIFIED) else {"dataset": named}
        tasks += [task] if task and task != UNSPECIFIED else []
        for metric in objects(result.get("metrics")):
            called = metric.get("name") or metric.get("type")
            rows.append({"name": called, "value": metric.get("value")} | dataset)
    name = first.get("name")
    found = {"performance_metrics": rows, "model_name": None if name == UNSPECIFIED else name}
    return found | ({"task": tasks[0]} if tasks else {})


ENTRIES = (
    Entry(("language",), ("language",), lambda raw: {"language": ", ".join(texts(raw))}, _language),
    Entry(("license",), ("license",), _read_license, _license),
    Entry(("license_name",), ("license",), lambda raw: {"license": text(raw)}, _license_name),
    Entry(("library_name",), ("runtime",), lambda raw: {"runtime": {"flavors": text(raw)}}, _library),
    Entry(("pipeline_tag",), ("task",), lambda raw: {"task": text(raw)}, _task),
    Entry(("datasets",), ("training_data",), lambda raw: {"training_data": [{"name": name} for name in texts(raw)]},
          lambda values: [row["name"] for row in values.get("training_data") or [] if "name" in row]),
    Entry(("model-index",), ("performance_metrics", "model_name"), _read_index, _index),
    Entry(("metrics",), ("performance_metrics",), lambda raw: {"performance_metrics": [{"name": name} for name in
          texts(raw)]}, _metric_names),
)  # fmt: skip
