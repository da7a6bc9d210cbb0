"""Every rule's own snippets: the bad one is reported on the marked line, the good one by nobody."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubectl_asm import rules as package
from kubectl_asm.diagnostics import Severity
from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.rules import RULES
from kubectl_asm.rules.base import Rule
from kubectl_asm.rules.linting import lint
from kubectl_asm.rules.runner import Verdicts

from .snippets import Snippet, choices_of, snippet_of

BY_CODE = pytest.mark.parametrize("rule", RULES, ids=[rule.meta.code for rule in RULES])


def verdicts(snippet: Snippet) -> Verdicts:
    text = snippet.text
    if "1 MiB" in snippet.setting:
        text = re.sub(r"x{20}", "x" * 1_100_000, text)
    return lint([SourceText("example.yaml", text.encode())], choices_of(snippet))


@BY_CODE
def test_bad_snippet_is_reported_at_its_mark(rule: Rule) -> None:
    snippet = snippet_of(rule, "Bad")
    assert snippet.line >= 0, "the bad snippet has no mark"
    lines = [one.finding.span.line for one in verdicts(snippet).findings if one.rule is rule and one.finding.span]
    assert lines
    assert snippet.line in (0, *lines)


@BY_CODE
def test_good_snippet_is_silent(rule: Rule) -> None:
    found = verdicts(snippet_of(rule, "Good")).findings
    assert not [one for one in found if one.finding.severity is not Severity.INFO or one.rule is rule]


def test_files_codes_and_tuple_agree() -> None:
    folder = Path(package.__file__).parent
    files = {path.stem for path in folder.glob("asm*.py")}
    assert files == {f"asm{rule.meta.code[3:]}_{rule.meta.name.replace('-', '_')}" for rule in RULES}
    assert len({rule.meta.code for rule in RULES}) == len(RULES) == len({rule.meta.name for rule in RULES})
    assert [rule.meta.code for rule in RULES] == sorted(rule.meta.code for rule in RULES)


@BY_CODE
def test_docstring_has_the_form_of_the_template(rule: Rule) -> None:
    assert rule.doc.startswith(f"{rule.meta.code} {rule.meta.name}: ")
    assert all(part in rule.doc for part in ("\nWhy: ", "\nBad::\n", "\nGood::\n", "\nSource: "))
