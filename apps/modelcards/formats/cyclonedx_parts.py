"""Which field of a card stands where in a `machine-learning-model` component. Pure."""

import re
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from apps.modelcards.formats.mapping import Entry, Values, line, objects, text, texts
from apps.modelcards.formats.parts import bounds, each_use, interval, uses

DATA = "datasets"  # the data sets as flat rows, which cyclonedx.py makes components of
ROLES = ("training_data", "test_data")
MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
WEB = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._~!$&'()*+,;=:@/-]*)?")
PARAMETERS, NUMBERS, THOUGHTS = (("modelCard", name) for name in ("modelParameters", "quantitativeAnalysis",
                                                                  "considerations"))  # fmt: skip


def _licenses(values: Values) -> Any:
    said = values.get("license")
    if not said:
        return None
    return [{"expression": said}] if _is_expression(said) else [{"license": {"name": said}}]


def _licenses_otherwise(values: Values) -> Any:
    """Return the other way in which bills name a license of the SPDX list."""
    return [{"license": {"id": values.get("license")}}]


def _is_expression(said: str) -> bool:
    try:
        return canonicalize_license_expression(said) == said
    except (InvalidLicenseExpression, RecursionError):
        return False


def _read_licenses(raw: Any) -> dict[str, Any]:
    (only,) = objects(raw)
    inner = only.get("license") or {}
    return {"license": only.get("expression") or inner.get("id") or inner.get("name")}


def _authors(values: Values) -> Any:
    return [
        {"name": row.get("name")} | ({"email": row["contact"]} if MAIL.fullmatch(row.get("contact", "")) else {})
        for row in values.get("authors") or []
        if "name" in row
    ]


def _read_authors(raw: Any) -> dict[str, Any]:
    return {"authors": [{"name": row.get("name"), "contact": row.get("email")} for row in objects(raw)]}


def _references(values: Values) -> Any:
    return [{"type": "other", "url": item} for item in values.get("references") or [] if WEB.fullmatch(item)]


def _read_references(raw: Any) -> dict[str, Any]:
    return {"references": [text(row["url"]) for row in objects(raw) if row.get("type") == "other"]}


def _columns(field: str) -> Entry:
    def read(raw: Any) -> dict[str, Any]:
        parted = [text(row["format"]).partition(": ") for row in objects(raw)]
        return {field: [{"name": name, "type": kind} for name, _colon, kind in parted]}

    def write(values: Values) -> Any:
        rows = values.get(field) or []
        return [{"format": f"{row.get('name', '')}: {row['type']}" if "type" in row else row.get("name", "")} for row in
                rows]  # fmt: skip

    return Entry((*PARAMETERS, field), (field,), read, write)


def _metrics(values: Values) -> Any:
    rows = []
    for row in values.get("performance_metrics") or []:
        names = (("type", "name"), ("value", "value"), ("slice", "slice"))
        said = {theirs: row[ours] for theirs, ours in names if ours in row}
        rows.append(said | bounds(row, "confidenceInterval", "lowerBound", "upperBound"))
    return [row for row in rows if row]


def _read_metrics(raw: Any) -> dict[str, Any]:
    rows = [
        {"name": row.get("type"), "value": row.get("value"), "slice": row.get("slice")}
        | interval(row.get("confidenceInterval"), "lowerBound", "upperBound")
        for row in objects(raw)
    ]
    return {"performance_metrics": rows}


def _data(values: Values) -> Any:
    return [
        {
            "role": role,
            "name": row.get("name", ""),
            "description": row.get("description", ""),
            "source": row.get("source", "") if WEB.fullmatch(row.get("source", "")) else "",
            "sensitive": row.get("sensitive", ""),
        }
        for role in ROLES
        for row in values.get(role) or []
    ]


def _read_data(raw: Any) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {role: [] for role in ROLES}
    for row in raw:
        found[row["role"]].append({name: value for name, value in row.items() if name != "role"})
    return found


def _list(field: str, name: str) -> Entry:
    return Entry((*THOUGHTS, name), (field,), lambda raw: {field: texts(raw)}, lambda values: values.get(field))


def _records(field: str, name: str, names: dict[str, str]) -> Entry:
    """Return the entry of records whose parts have other names there: {theirs: ours}."""

    def write(values: Values) -> Any:
        rows = [{theirs: row[ours] for theirs, ours in names.items() if ours in row} for row in values.get(field) or []]
        return [row for row in rows if row]

    return Entry(
        (*THOUGHTS, name), (field,),
        lambda raw: {field: [{ours: row.get(theirs) for theirs, ours in names.items()} for row in objects(raw)]}, write,
    )  # fmt: skip


ENTRIES = (
    line("model_name", "name"),
    line("version", "version"),
    Entry(("licenses",), ("license",), _read_licenses, _licenses, also=_licenses_otherwise),
    Entry(("authors",), ("authors",), _read_authors, _authors),
    line("owner_team", "supplier", "name"),
    Entry(("externalReferences",), ("references",), _read_references, _references),
    line("task", *PARAMETERS, "task"),
    line("model_type", *PARAMETERS, "architectureFamily"),
    line("architecture", *PARAMETERS, "modelArchitecture"),
    _columns("inputs"),
    _columns("outputs"),
    Entry((DATA,), ROLES, _read_data, _data),
    Entry((*NUMBERS, "performanceMetrics"), ("performance_metrics",), _read_metrics, _metrics),
    _list("users", "users"),
    Entry((*THOUGHTS, "useCases"), ("intended_use",), lambda raw: {"intended_use": uses(texts(raw))},
          lambda values: each_use(values["intended_use"]) if "intended_use" in values else None),
    _list("limitations", "technicalLimitations"),
    _list("tradeoffs", "performanceTradeoffs"),
    _records("ethical_considerations", "ethicalConsiderations", {"name": "risk", "mitigationStrategy": "mitigation"}),
    _records("biases", "fairnessAssessments", {"groupAtRisk": "group", "benefits": "benefit", "harms": "harm",
                                               "mitigationStrategy": "mitigation"}),
)  # fmt: skip
