"""Errors name the place Go names and say what to do."""

from __future__ import annotations

import pytest

from kubectl_asm.gotemplate import BudgetError, TemplateExecError, TemplateSyntaxError
from tests.unit.gotemplate.rendering import failure, render


def test_syntax_error_shows_the_line_with_a_caret_and_the_remedy() -> None:
    error = failure("a\n  é {{ .raw-data | quote }}")
    assert isinstance(error, TemplateSyntaxError)
    assert error.go_text == "template: :2: bad character U+002D '-'"
    assert error.render().splitlines() == [
        "bad character U+002D '-' (line 2, column 8)",
        "  2 |   é {{ .raw-data | quote }}",
        "             ^",
        '  hint: write index . "raw-data"',
    ]


def test_exec_error_counts_its_column_in_bytes_from_zero() -> None:
    error = failure("é{{ .a.b }}", a="text")
    assert isinstance(error, TemplateExecError)
    assert (error.line, error.column) == (1, 7)
    assert error.go_text == 'template: :1:7: executing "" at <.a.b>: can\'t evaluate field b in type interface {}'


def test_error_in_a_nested_template_lists_the_chain_of_calls() -> None:
    error = failure('{{ define "in" }}{{ fail "x" }}{{ end }}\n{{ template "in" . }}')
    assert [(call.name, call.line) for call in error.chain] == [("", 0), ("in", 2)]
    assert "in template 'in' called at line 2" in error.render()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("{{ uper .x }}", 'did you mean "upper"?'),
        ('{{ env "HOME" }}', "env is not available here: it would read the controller's environment"),
        ('{{ repeat (add 1 2) "x" }}', "wrap the value in int, as in (int $x)"),
        ("{{ upper .missing }}", "the value is missing; keys present: user"),
        ("{{ .user.name }}", "a value is a text: read documents with fromJson, jsonPath or parseKeyValue first"),
    ],
)
def test_common_mistakes_come_with_a_hint(text: str, hint: str) -> None:
    assert failure(text, user="ada").hint == hint


def test_failed_execution_gives_no_output() -> None:
    assert isinstance(failure('printed{{ fail "x" }}'), TemplateExecError)


def test_a_budget_error_is_no_exec_error() -> None:
    error = failure('{{ repeat 1000000000 "x" }}')
    assert isinstance(error, BudgetError)
    assert not isinstance(error, TemplateExecError)


def test_a_template_may_run_again_and_never_changes_the_data() -> None:
    data = {"m": {"a": 1}}
    text = '{{ set .m "b" 2 | len }}'
    assert [render(text, **data), render(text, **data)] == ["2", "2"]
    assert data == {"m": {"a": 1}}
