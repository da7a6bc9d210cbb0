"""Any text and any data end in output or in an error of the template engine, within small budgets."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_asm.gotemplate import Budget, Environment, Limits, TemplateError, TemplateSyntaxError, analyse, parse
from kubectl_asm.gotemplate.gojson import JSONError, dumps, loads
from kubectl_asm.gotemplate.lexer import Kind, tokenize
from kubectl_asm.gotemplate.printf import sprintf
from tests.fuzz.differential_gotemplate import DATA, TABLES, TOKEN, Grower, cases
from tests.harness.parity import NOW, SeededRandom

LIMITS = Limits(steps=5_000, output_bytes=100_000, value_bytes=200_000, depth=1_000)
BOUNDED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PIECES = sorted({token for case in cases([str(TABLES / "language.jsonl")]) for token in TOKEN.findall(case["tmpl"])})
SOUP = st.lists(
    st.one_of(st.sampled_from(PIECES), st.sampled_from(["{{", "}}", " ", "(", ")", "|", ".", "$x"]), st.text(max_size=3))
).map("".join)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=6,
)


def run(text: str, data: dict[str, object]) -> None:
    """Run a template; any exception but the engine's own fails the test, and so does an error that cannot be shown."""
    environment = Environment(now=NOW, random=SeededRandom(), budget=Budget(LIMITS))
    try:
        parse(text).execute(data, environment)
    except TemplateError as error:
        error.render()


@BOUNDED
@given(SOUP)
def test_any_text_parses_or_is_a_syntax_error(text: str) -> None:
    tokens = tokenize(text)
    assert tokens[-1][0] in (Kind.EOF, Kind.ERROR)
    line = 1
    try:
        parse(text)
    except TemplateSyntaxError as error:
        line = error.line
    assert 1 <= line <= text.count("\n") + 1


@BOUNDED
@given(SOUP, st.dictionaries(st.text(max_size=5), VALUES, max_size=3))
def test_any_execution_ends_in_output_or_an_error(text: str, data: dict[str, object]) -> None:
    run("{{ " + text + " }}", data)


@BOUNDED
@given(st.integers(0, 2**32))
def test_grown_templates_end_in_output_or_an_error(seed: int) -> None:
    run(Grower(seed).template(), DATA)


@BOUNDED
@given(SOUP, st.sets(st.text(max_size=4)))
def test_the_scan_never_fails(text: str, keys: set[str]) -> None:
    for issue in analyse(text, keys=keys).issues:
        assert issue.message


@BOUNDED
@given(st.text(), st.lists(VALUES, max_size=4))
def test_formatting_never_fails(text: str, values: list[object]) -> None:
    from kubectl_asm.gotemplate.values import from_plain

    assert isinstance(sprintf(text.encode("utf-8", "replace").decode(), [from_plain(value) for value in values]), str)


@BOUNDED
@given(VALUES)
def test_json_that_is_written_reads_back(value: object) -> None:
    try:
        text = dumps(value)
    except JSONError:
        return
    assert dumps(loads(text)) == dumps(loads(dumps(loads(text))))
