"""Draws the README's picture of the HTML report: ``python tests/render/picture.py .github/images/report.png``."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import msgspec
from playwright.sync_api import sync_playwright
from reports import FULL

from auditor.render.html import render


def main(target: Path) -> None:
    (audited, *_) = FULL.runs
    findings = [msgspec.structs.replace(finding, file=audited.manifest) for finding in audited.results[31].findings]
    leak = msgspec.structs.replace(audited.results[31], findings=tuple(findings))
    shown = [*audited.results[:31], leak, *audited.results[32:33], *audited.results[34:]]
    run = msgspec.structs.replace(audited, results=tuple(shown))
    report = msgspec.structs.replace(
        FULL,
        results=(),
        runs=(run,),
        head="8f14e45fceea167a5a36dedd4bea2543be3ab9c1",
        base="c81e728d9d4c2f636f067f89cc14862cba1d7b3e",
    )
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = Path(folder, "report.html")
        page_file.write_text(render(report), encoding="utf-8")
        arguments = ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        page = browser.new_context(viewport={"width": 1180, "height": 1290}, offline=True).new_page()
        page.goto(page_file.as_uri())
        page.screenshot(path=target)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
