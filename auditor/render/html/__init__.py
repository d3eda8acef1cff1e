"""The report as one page of HTML that needs nothing but itself: no network, no script, readable anywhere, also on paper.

The page's own content security policy forbids everything but the style sheet inside it, which it names by its digest.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from auditor.model.report import Report
from auditor.render import reading
from auditor.render.html import drawing, measured, traces
from auditor.render.html.page import Page
from auditor.render.text import visible

_HERE = Path(__file__).resolve().parent


def render(report: Report) -> str:
    """``report`` as a whole HTML document. All text is escaped, and control characters are spelt out, by the template."""
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = _template().render(
        report=report,
        page=Page(report),
        reading=reading,
        drawing=drawing,
        traces=traces,
        measured=measured,
        style=Markup(style),  # noqa: S704  (our own file)
        digest=digest,
    )
    return page.rstrip("\n")


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    return environment.get_template("page.html.jinja")


def _shown(value: object) -> object:
    """What an expression of the template becomes before it is escaped: markup of our own as it is, all else visible text."""
    return value if isinstance(value, Markup) else visible(str(value))
