"""Templates that would grow or run without end stop with one clear error."""

from __future__ import annotations

import pytest

from kubectl_asm.gotemplate import BudgetError, Limits, TemplateExecError, TemplateSyntaxError
from tests.unit.gotemplate.rendering import failure, render, ticking

SMALL = Limits(steps=20_000, output_bytes=10_000, value_bytes=1_000_000, depth=100_000)


@pytest.mark.parametrize(
    "text",
    [
        "{{ range 1000000000 }}{{ end }}",
        "{{ range 10000 }}{{ range 10000 }}{{ end }}{{ end }}",
        "{{ range until 1000000000 }}{{ end }}",
        '{{ repeat 1000000000 "x" }}',
        "{{ range 10000 }}some text{{ end }}",
        '{{ $x := "x" }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}',
        '{{ $x := "x" }}{{ range 100 }}{{ $x = printf "%s%s" $x $x }}{{ end }}',
        "{{ $x := list 1 }}{{ range 40 }}{{ $x = concat $x $x }}{{ end }}",
        "{{ range 1000 }}{{ bcrypt `x` 31 }}{{ end }}",
        "{{ randAlphaNum 1000000000 }}",
    ],
)
def test_endless_work_ends_in_a_budget_error(text: str) -> None:
    error = failure(text, SMALL)
    assert isinstance(error, BudgetError)
    assert "budget" in error.message


def test_time_is_measured_on_the_given_clock() -> None:
    error = failure("{{ range 10000 }}{{ end }}", Limits(time_s=2), ticking(1))
    assert isinstance(error, BudgetError)
    assert error.message == "template exceeds the time budget of 2 seconds"


def test_without_a_clock_time_does_not_count() -> None:
    assert render("{{ range 1000 }}{{ end }}", Limits(time_s=0)) == ""


def test_endless_recursion_is_the_error_of_go_at_its_place() -> None:
    error = failure('{{ define "r" }}{{ with 1 }}{{ template "r" . }}{{ end }}{{ end }}{{ template "r" . }}')
    assert isinstance(error, TemplateExecError)
    assert error.go_text.startswith(
        'template: :1:40: executing "r" at <{{template "r" .}}>: exceeded maximum template depth (100000)'
    )
    assert len(error.chain) <= 21


def test_ordinary_recursion_may_be_deep() -> None:
    text = '{{ define "n" }}{{ if gt . 0 }}{{ template "n" int (sub . 1) }}.{{ end }}{{ end }}{{ template "n" 5000 }}'
    assert render(text) == "." * 5000


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ if true }}" * 3000 + "{{ end }}" * 3000,
        "{{ if true }}" + "{{ else if true }}" * 3000 + "{{ end }}",
    ],
)
def test_nesting_without_end_does_not_parse(text: str) -> None:
    assert isinstance(failure(text), TemplateSyntaxError)


@pytest.mark.parametrize("show", ["{{ $d }}", "{{ $d | toString }}", '{{ printf "%#v" $d }}'])
def test_a_map_that_contains_itself_ends_in_an_error(show: str) -> None:
    text = '{{ $d := dict }}{{ $_ := set $d "d" $d }}' + show
    assert isinstance(failure(text), TemplateExecError)


def test_a_map_that_contains_itself_has_no_json() -> None:
    assert render('{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ toJson $d | len }}') == "0"


def test_lists_that_share_members_do_not_print_without_end() -> None:
    assert isinstance(failure("{{ $x := list 1 }}{{ range 60 }}{{ $x = list $x $x }}{{ end }}{{ toJson $x }}"), BudgetError)
