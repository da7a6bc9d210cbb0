"""What the runner adds to rules: suppression, severities, one cause one finding, broken rules, exact places."""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.rules.base import Hit, Rule, RuleMeta
from kubectl_asm.rules.context import Choices
from kubectl_asm.rules.linting import lint
from kubectl_asm.rules.runner import Selection, Verdicts, run_rules

HEAD = "apiVersion: alibabacloud.com/v1alpha1\nkind: ExternalSecret\nmetadata:\n  name: app\n  namespace: shop\n"


def check(text: str, selection: Selection | None = None, *, file: str = "a.yaml") -> Verdicts:
    return lint([SourceText(file, text.encode("utf-8"))], Choices(), selection)


def places(verdicts: Verdicts) -> list[tuple[str, int, int, int]]:
    return [(one.finding.code, one.finding.span.line, one.finding.span.column, one.finding.span.end_column) for one in
            verdicts.findings if one.finding.span is not None]  # fmt: skip


BAD = HEAD + "spec:\n  data:\n    - {key: a, name: b c}\n"


def test_comment_on_the_line_suppresses() -> None:
    found = check(HEAD + "spec:\n  data:\n    - {key: a, name: b c}  # kubectl-asm: ignore[ASM506]\n")
    assert (found.findings, found.suppressed) == ((), 1)


def test_comment_above_suppresses_by_name_too() -> None:
    found = check(HEAD + "spec:\n  data:\n    # kubectl-asm: ignore[invalid-secret-key, ASM502]\n    - {key: a, name: b c}\n")
    assert (found.findings, found.suppressed) == ((), 1)


def test_comment_with_another_code_suppresses_nothing() -> None:
    assert len(check(BAD.replace("b c}", "b c}  # kubectl-asm: ignore[ASM502]")).findings) == 1


def test_annotation_suppresses_in_the_whole_object() -> None:
    text = BAD.replace("  namespace: shop\n", "  namespace: shop\n  annotations: {kubectl-asm/ignore: ASM506}\n")
    assert check(text).suppressed == 1


def test_severity_is_overridden_by_code_or_name() -> None:
    for word in ("ASM506", "invalid-secret-key"):
        (one,) = check(BAD, Selection(severities={word: Severity.INFO})).findings
        assert one.finding.severity is Severity.INFO


def test_select_and_ignore() -> None:
    assert not check(BAD, Selection(select=frozenset({"ASM502"}))).findings
    assert not check(BAD, Selection(ignore=frozenset({"invalid-secret-key"}))).findings


def test_refused_value_is_not_judged_again() -> None:
    assert [code for code, *_ in places(check(HEAD + "spec:\n  provider: kms\n  data:\n    - {key: a, nam: b c}\n"))] == [
        "ASM203"
    ]


def test_broken_rule_becomes_a_finding_that_names_it() -> None:
    def broken(_subject: object, _ctx: object) -> Iterator[Hit]:
        raise ValueError("secret text")
        yield

    rule = Rule(RuleMeta("ASM999", "broken", Severity.ERROR), broken, "")
    (one,) = run_rules([SourceText("a.yaml", BAD.encode())], [rule], Choices(), Selection()).findings
    assert one.finding.code == "ASM000"
    assert "ASM999" in one.finding.message
    assert "secret text" not in one.finding.message


def template(value: str) -> str:
    return HEAD + f"spec:\n  data: [{{key: a, name: a}}]\n  target:\n    template:\n      data:\n        x: {value}"


def test_places_inside_scalars_of_every_style() -> None:
    cases = {
        "'it''s {{ .b }}'\n": (11, 22, 24),
        '"\\u00e9\\t {{ .b }}"\n': (11, 25, 27),
        '"a\\\n          b {{ .b }}"\n': (12, 16, 18),
        "|\n          one\n\n            {{ .b }}\n": (14, 16, 18),
        ">-\n          one\n          two {{ .b }}\n\n          {{ .a }}\n": (13, 18, 20),
        "one\n          two {{ .b }}\n": (12, 18, 20),
        "|2-\n            {{ .b }}\n": (12, 16, 18),
    }
    for value, (line, column, end) in cases.items():
        assert places(check(template(value))) == [("ASM703", line, column, end)], value


def test_places_in_crlf_files_and_behind_a_byte_order_mark() -> None:
    text = "\ufeff" + template("|\n          é🔑 {{ .b }}\n").replace("\n", "\r\n")
    assert places(check(text)) == [("ASM703", 12, 17, 19)]


def test_place_through_alias_is_the_anchored_text() -> None:
    text = HEAD + "spec:\n  data:\n    - {key: a, name: a, kmsEndpoint: &e x.y}\n    - {key: b, name: b, kmsEndpoint: *e}\n"
    assert places(check(text)) == [("ASM401", 8, 41, 44)]


def test_json_has_places_too() -> None:
    text = '{"apiVersion": "alibabacloud.com/v1alpha1", "kind": "ExternalSecret",\n "metadata": {"name": "\\ud83d\\ude00"},\n'
    text += ' "spec": {"data": [{"key": "a", "naem": "a"}]}}\n'
    assert places(check(text, file="a.json")) == [("ASM209", 2, 23, 37), ("ASM203", 3, 33, 39)]


def test_objects_of_a_list_are_judged_at_their_place() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n" + "- " + BAD.replace("\n", "\n  ").rstrip() + "\n"
    assert places(check(text)) == [("ASM506", 11, 24, 27)]


def test_every_duplicate_is_told_and_the_rest_is_still_judged() -> None:
    text = HEAD + "spec:\n  data:\n    - {key: a, key: b, name: c d}\n    - {key: a, name: one, name: two}\n"
    assert [code for code, *_ in places(check(text))] == ["ASM102", "ASM506", "ASM102"]


def test_carriage_returns_alone_end_lines() -> None:
    text = (BAD + "---\n" + BAD.replace("name: app", "name: web")).replace("\n", "\r")
    assert [place[:3] for place in places(check(text))] == [("ASM506", 8, 22), ("ASM506", 17, 22)]


def test_call_of_a_template_that_nothing_defines_is_reported_at_its_name() -> None:
    text = template('\'{{ define "row" }}x{{ end }}{{ template "rwo" . }}\'\n')
    assert places(check(text)) == [("ASM702", 11, 53, 58)]


def test_template_of_another_value_is_not_visible() -> None:
    text = template("'{{ define \"row\" }}x{{ end }}'\n        y: '{{ template \"row\" }}'\n")
    assert [code for code, *_ in places(check(text))] == ["ASM702"]
