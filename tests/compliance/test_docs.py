"""docs/compliance.md names every control, and every file of a package."""

import re
from pathlib import Path

from django.conf import settings

from apps.compliance.controls.table import CONTROLS
from apps.compliance.packages import services
from apps.compliance.packages.zipping import unpacked

PAGE = (Path(settings.BASE_DIR) / "docs" / "compliance.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its head."""
    lines = [line for line in PAGE.split(f"## {heading}\n")[1].split("\n## ")[0].splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_page_lists_each_control_with_its_label_and_severity_in_their_order():
    named = [(name.strip("`"), label, severity) for name, label, _met, severity in rows("The controls")]
    assert named == [(row.name, str(row.label), str(row.severity)) for row in CONTROLS]


def test_the_page_lists_each_file_of_a_package(churn, asked, charlie):
    found = unpacked(services.export_version("churn", 2, by=charlie))
    paths = {
        re.sub(r"/[0-9a-f]{64}\.", "/{digest}.", re.sub(r"^requests/\d+/", "requests/{id}/", path)) for path in found
    }
    assert {cells[0].strip("`") for cells in rows("An evidence package")} == paths
