"""Errors of templates in statuses: what the author typed is quoted, what was fetched is not."""

from __future__ import annotations

import json

import pytest

from kubectl_asm.engine.template import TemplateSources, render_template
from kubectl_asm.engine.template_errors import HIDDEN
from kubectl_asm.model.externalsecret import Template
from kubectl_asm.model.sensitive import MASK
from tests.unit.engine.rounds import SEED, environment, texts

CANARY = "hunter2-canary/x+y"
RAW = {
    "c": CANARY,
    "j": json.dumps({"p": CANARY, "n": 42424242, "l": [CANARY], "m": {"k": CANARY}}),
    "pin": "73917391",
}


def warning(text):
    result = render_template(Template(data={"o": text}), texts(RAW), TemplateSources(), SEED, environment)
    assert len(result.warnings) == 1, result
    return result.warnings[0]


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ .c.x }}", "can't evaluate field x in type interface {}"),
        ("{{ .absent | upper }}", "invalid value; expected string"),
        ("{{ trunc .c 1 }}", "wrong type for value; expected int; got string"),
        ("{{ div 1 0 }}", "error calling div: runtime error: integer divide by zero"),
        ('{{ fail "set host first" }}', "error calling fail: set host first"),
        ("{{ index (list 1) 77 }}", "error calling index: index out of range: 77"),
        ('{{ regexFind "(" "x" }}', "error parsing regexp: missing closing ): `(`"),
        ('{{ template "nope" }}', 'template "nope" not defined'),
        ("{{ upper }}", "wrong number of args for upper: want 1 got 0"),
        ("{{ eq .c 1 }}", "incompatible types for comparison: string and int"),
        ('{{ mustToDate "2006-01-02" .c }}', f'parsing time "{MASK}" as "2006-01-02": cannot parse "{MASK}" as "2006"'),
        ("{{ range .c }}{{ end }}", f"range can't iterate over {MASK}"),
        ("{{ index (list 1) (int .pin) }}", f"index out of range: {MASK}"),
        ("{{ mustFromJson .c }}", f"invalid character '{MASK}' looking for beginning of value"),
        ("{{ fail .c }}", f"error calling fail: {HIDDEN}"),
        ('{{ fail (printf "bad %s" .c) }}', f"error calling fail: {HIDDEN}"),
        ("{{ semverCompare .c `1.2.3` }}", f"improper constraint: {MASK}"),
    ],
)
def test_reasons(template, reason):
    assert warning(template).endswith(reason)


@pytest.mark.parametrize(
    "template",
    [
        "{{ mustToDate .c `2006` }}", "{{ urlParse (printf `%%zz%s` .c) }}",
        "{{ mustRegexMatch (printf `(%s` .c) `x` }}", "{{ regexFind (printf `[%s` .c) `x` }}", "{{ semver .c }}",
        "{{ semverCompare `^1` .c }}", "{{ range (fromJson .j).p }}{{ end }}", "{{ range $a, $b := (fromJson .j).p }}{{ end }}",
        "{{ eq (fromJson .j).l (fromJson .j).l }}", "{{ genSelfSignedCert `x` (list .c) nil 1 }}", "{{ call .c }}",
        "{{ dig `p` `z` `d` (fromJson .j) }}", "{{ decryptAES `k` .c }}", "{{ mustDateModify .c now }}", "{{ get .c `x` }}",
        "{{ fail (b64enc .c) }}", "{{ fail (toJson (dict `a` .c)) }}", "{{ fail ((fromJson .j).m.k) }}", "{{ fail .j }}",
        "{{ mustFromJson (printf `{\"%s` .c) }}", "{{ mustToDate `2006-01-02` (fromJson .j).p }}", "{{ template `x` .c.c }}",
        "{{ urlJoin (dict `host` 1) }}{{ fail .c }}", "{{ buildCustomCert .c .c }}", "{{ slice .c 1 2 }}",
    ],
)  # fmt: skip
def test_nothing_that_was_fetched_is_quoted_in_any_form(template):
    import base64
    import urllib.parse

    text = warning(template)
    shapes = (CANARY, base64.b64encode(CANARY.encode()).decode(), CANARY.encode().hex(), urllib.parse.quote(CANARY, safe=""))
    assert not [shape for shape in (*shapes, json.dumps(CANARY)[1:-1], "hunter2", "73917391") if shape in text]


def test_a_typed_text_that_equals_a_value_is_not_shown_as_a_quotation():
    assert f'parsing time "{MASK}"' in warning(f'{{{{ if eq .pin "x" }}}}{CANARY}{{{{ end }}}}{{{{ mustToDate "2006" .c }}}}')


def test_what_is_not_known_is_hidden():
    from kubectl_asm.engine.template_errors import shown
    from kubectl_asm.gotemplate import TemplateError

    error = TemplateError("surprise s3cret", go_text="template: :1:3: executing at <x>: surprise s3cret", line=1)
    assert shown(error, "{{ x }}", []) == f"template: :1:3: executing at <x>: {HIDDEN}"
