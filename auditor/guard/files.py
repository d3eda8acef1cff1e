"""Every form of a report as files, for the workflow to keep as artifacts."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from auditor.model.report import Report
from auditor.render import RENDERERS

NAMES: Final = {
    "json": "report.json",
    "sarif": "report.sarif",
    "junit": "report.junit.xml",
    "html": "report.html",
    "markdown": "report.md",
}


def write(report: Report, folder: Path) -> Path:
    """Write ``report`` into ``folder`` in every form, and return the path of the JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    for form, name in NAMES.items():
        (folder / name).write_text(f"{RENDERERS[form](report)}\n", encoding="utf-8")
    return folder / NAMES["json"]
