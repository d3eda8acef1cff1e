"""The catalogue as a table, and a check's manual page."""

from __future__ import annotations

from auditor.model.finding import Rule
from auditor.model.words import EvidenceLevel, Severity
from auditor.policy.waivers import rule_digest
from auditor.render.catalogue import manual, table


def rule(check, severity=Severity.MAJOR):
    return Rule(
        id=check, summary=f"What {check} finds.", severity=severity, evidence=EvidenceLevel.RECOMPUTED, since="0.1.0"
    )


PAGE = """Flags a dataset whose recorded digest cannot identify its bytes, at some length so that the line has to be wrapped.

## Why it matters
Bytes are what a model was trained on; a name is not. This paragraph
goes on.

- one
- two, which is
  longer

## How to fix
Run this:

    auditor record --data   train=data/train.csv -- python train.py

```
code   as it
is
```

## When it cannot decide
[bold]Never[/bold]\x1b[31m.
"""


def test_the_table_is_sorted_by_family_and_counts():
    shown = table([rule("schema/junk", Severity.INFO), rule("data/leak"), rule("data/absent")]).splitlines()
    assert shown == [
        "data",
        "  major   data/absent",
        "          What data/absent finds.",
        "  major   data/leak",
        "          What data/leak finds.",
        "",
        "schema",
        "  info    schema/junk",
        "          What schema/junk finds.",
        "",
        "3 checks; `auditor explain CHECK` shows one's manual page",
    ]


def test_an_empty_catalogue_says_so():
    assert table([]) == "no checks"


def test_the_manual_page():
    leak = rule("data/leak")
    assert manual(leak, PAGE, width=72).splitlines() == [
        "data/leak",
        "major; establishes its answer as recomputed; since 0.1.0",
        f"waivers are bound to {rule_digest(leak)}",
        "",
        "  Flags a dataset whose recorded digest cannot identify its bytes, at",
        "  some length so that the line has to be wrapped.",
        "",
        "Why it matters",
        "  Bytes are what a model was trained on; a name is not. This paragraph",
        "  goes on.",
        "",
        "  - one",
        "  - two, which is longer",
        "",
        "How to fix",
        "  Run this:",
        "",
        "    auditor record --data   train=data/train.csv -- python train.py",
        "",
        "    code   as it",
        "    is",
        "",
        "When it cannot decide",
        r"  [bold]Never[/bold]\x1b[31m.",
    ]


def test_colour_only_when_asked():
    assert "\x1b" not in manual(rule("data/leak"), PAGE) + table([rule("data/leak")])
    assert "\x1b[1m" in manual(rule("data/leak"), PAGE, color=True)
    assert "\x1b[1m" in table([rule("data/leak")], color=True)
