"""Tokens, and the line of Go's syntax errors: that of the token Go has read last, which may lie behind the wrong one."""

from __future__ import annotations

import pytest

from kubectl_asm.gotemplate import TemplateSyntaxError
from kubectl_asm.gotemplate.lexer import Kind, adjacent, tokenize
from tests.unit.gotemplate.rendering import failure


@pytest.mark.parametrize(
    ("inside", "kinds"),
    [
        (".a", [Kind.FIELD]),
        (".é", [Kind.FIELD]),
        (".", [Kind.DOT]),
        ("$", [Kind.VARIABLE]),
        ("$x.a", [Kind.VARIABLE, Kind.FIELD]),
        ("if nil true x", [Kind.KEYWORD, Kind.NIL, Kind.BOOL, Kind.IDENTIFIER]),
        (r'"a\"b" `c` ' + "'d'", [Kind.STRING, Kind.RAW_STRING, Kind.CHAR_CONSTANT]),
        ("1 -1 1.5 .5 1e3 0x_F 1i 1+2i", [Kind.NUMBER] * 7 + [Kind.COMPLEX]),
        (
            "$i,$x := (1)|f",
            ["VARIABLE", "CHAR", "VARIABLE", "DECLARE", "LEFT_PAREN", "NUMBER", "RIGHT_PAREN", "PIPE", "IDENTIFIER"],
        ),
        ("(", [Kind.LEFT_PAREN, Kind.ERROR]),
        (")", [Kind.ERROR]),
        ("a#", [Kind.ERROR]),
    ],
)
@pytest.mark.parametrize("delimiters", ["{{%s}}", "{{ %s }}", "{{- %s -}}", "{{-\n%s\n\n-}}"])
def test_kinds_of_tokens(inside: str, kinds: list[str], delimiters: str) -> None:
    found = [kind for kind, _, _ in tokenize(delimiters % inside)][1:]
    assert found == (kinds if kinds[-1] == Kind.ERROR else [*kinds, Kind.RIGHT, Kind.EOF])


@pytest.mark.parametrize("text", ["a {{ .b }} c", "{{- .a -}}{{/* c */}} x {{ printf `%s`\n1.5 | quote }}\n", "{{ (f .x).y }}"])
def test_a_token_is_the_text_at_its_offset(text: str) -> None:
    assert all(text.startswith(value, pos) for _, pos, value in tokenize(text))


@pytest.mark.parametrize(("text", "is_adjacent"), [("{{ $x.a }}", True), ("{{ $x .a }}", False), ("{{ $x\n.a }}", False)])
def test_white_space_is_the_distance_between_tokens(text: str, is_adjacent: bool) -> None:
    _left, variable, member, *_ = tokenize(text)
    assert adjacent(variable, member) == is_adjacent


@pytest.mark.parametrize(("before", "after"), [("a\n {{-", "}}"), ("a \t{{- ", " -}}\n\nb")])
def test_trim_markers_take_white_space_of_the_text(before: str, after: str) -> None:
    texts = [value for kind, _, value in tokenize(f"{before} 1 {after}") if kind == Kind.TEXT]
    assert texts == ["a", "b"][: len(texts)]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("{{ $x\n.a }}", 2, -1, 'undefined variable "$x"'),
        ("{{ print $x\n.a }}", 1, 9, 'undefined variable "$x"'),
        ('{{ "a".b\n| print }}', 1, 8, 'unexpected . after term "\\"a\\""'),
        ('{{ "a".b\n-}}', 2, 1, 'unexpected . after term "\\"a\\""'),
        ("{{ range $i,\n.a }}{{ end }}", 2, -1, "range can only initialize variables"),
        ("{{ with $i,\n$x := .a }}{{ end }}", 1, 8, "too many declarations in with"),
        ("{{ break\n}}", 2, -1, "{{break}} outside {{range}}"),
        ("{{ print 1 | 2\n}}", 2, 0, "non executable command in pipeline stage 2"),
        ('{{ block "b" . }}\n{{ else }}{{ end }}', 1, 15, "unexpected {{else}} in block clause"),
        ('{{ define "b" }}\n{{ else }}{{ end }}', 2, 8, "unexpected {{else}} in define clause"),
        ("{{ if 1 }}\n{{ else if 1 }}\n", 3, 0, "unexpected EOF"),
        ("{{ if 1 }}{{ else }}\n{{ else }}{{ end }}", 2, 8, "expected end; found {{else}}"),
        ('{{ define "b" }}x{{ end }}{{ define "b" }}y{{\nend }}', 2, 4, 'template: multiple definition of template "b"'),
        ("{{ print\n#", 2, 0, 'unexpected "#" in operand'),
        ('{{ print\n"a', 2, 0, "unterminated quoted string in action started at :1"),
        ("{{ print\n", 2, 0, "unclosed action started at :1"),
    ],
)
def test_syntax_errors_name_gos_line(text: str, line: int, column: int, message: str) -> None:
    error = failure(text)
    assert isinstance(error, TemplateSyntaxError)
    assert (error.line, error.column, error.message) == (line, column, message)
    assert error.go_text == f"template: :{line}: {message}"
