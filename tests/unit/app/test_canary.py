"""A known value goes through every failure of a round; nothing that people or logs may see holds it in any encoding."""

from __future__ import annotations

import base64
import json
import logging
import traceback
import urllib.parse

import pytest

from kubectl_asm.engine.plan import Decision
from kubectl_asm.errors import UnavailableError
from kubectl_asm.model.backend import BackendError, SecretAnswer
from kubectl_asm.model.externalsecret import ReplaceRule, TemplateFrom, TemplateItem, TemplateMetadata, TemplateSource
from kubectl_asm.model.objects import ConfigMap, Meta, Secret
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.report import plans
from tests.unit.app.passes import World
from tests.unit.engine.rounds import FAILED, external, extract, secret, source, templated, texts

CANARY = 'h2-c4n4ry/"é+x'
JSON = json.dumps({"p": CANARY, "n": {"q": [CANARY]}})


def shapes(value):
    raw = value.encode()
    yield value
    yield base64.b64encode(raw).decode().rstrip("=")
    yield base64.urlsafe_b64encode(raw).decode().rstrip("=")
    yield raw.hex()
    yield urllib.parse.quote(value, safe="")
    yield urllib.parse.quote_plus(value)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    yield raw.decode("latin-1")
    yield value[:9]


def answer(data, **fields):
    return SecretAnswer(SecretBytes(data if isinstance(data, bytes) else data.encode()), **fields)


def keyed(*rules, paths=(), **fields):
    return extract("c", rules=[ReplaceRule(source=pattern, target=target) for pattern, target in rules], paths=paths, **fields)


def from_map(text):
    element = TemplateFrom(config_map=TemplateSource("cm", (TemplateItem("k"),)))
    return external(source("c"), template=templated(template_from=(element,))), ConfigMap(
        metadata=Meta(name="cm", namespace="shop"), data={"k": text}
    )


def from_secret(text):
    element = TemplateFrom(secret=TemplateSource("tpl", (TemplateItem("k"),)))
    return external(source("c"), template=templated(template_from=(element,))), Secret(
        metadata=Meta(name="tpl", namespace="shop"), data=texts({"k": text})
    )


def inline(text):
    return external(source("c"), source("j"), template=templated({"k": text}))


PARSERS = [
    CANARY,
    f"{CANARY}: {CANARY}: x",
    f"{{{CANARY}",
    f'{{"{CANARY[:6]}": 1, "{CANARY[:6]}": 2',
    f"[{CANARY}",
    f"- {CANARY}",
    f"a: *{CANARY}",
    f"a: !{CANARY}",
    f"a: '{CANARY}",
    f"\t{CANARY}: x",
    f"{CANARY}\x00",
    f"{CANARY}\x07",
    f"a: !!int {CANARY}",
    f"%{CANARY}\n---\n",
]
EXECUTION = [
    "{{ fail .c }}",
    "{{ fail (b64enc .c) }}",
    "{{ fail (printf `%x` .c) }}",
    "{{ fail (urlquery .c) }}",
    "{{ fail (toJson .c) }}",
    "{{ fail .j }}",
    "{{ mustToDate `2006` .c }}",
    "{{ mustToDate .c `2006` }}",
    "{{ mustFromJson .c }}",
    "{{ urlParse (printf `http://[%s` .c) }}",
    "{{ regexFind (printf `(%s` .c) `x` }}",
    "{{ semver .c }}",
    "{{ semverCompare .c `1.0.0` }}",
    "{{ range .c }}{{ end }}",
    "{{ .c.x }}",
    "{{ eq (list .c) (list .c) }}",
    "{{ genSelfSignedCert `x` (list .c) nil 1 }}",
    "{{ index .c .c }}",
    "{{ call .c }}",
    "{{ mustDateModify .c now }}",
    "{{ decryptAES `k` .c }}",
    "{{ dig `p` `x` 1 (fromJson .j) }}",
    "{{ (fromJson .j).p.x }}",
    "{{ index (fromJson .j).n.q 9 }}",
    "{{ buildCustomCert .c .c }}",
    "{{ genPrivateKey .c | genCAWithKey .c 1 }}",
    "{{ repeat 99999999 .c }}",
    "{{ mustRegexMatch .c (fromJson .j) }}",
    "{{ .c | divf 1 | fail }}",
]

CASES = {
    **{f"extract-{number}": (external(extracts=[keyed()]), answer(text)) for number, text in enumerate(PARSERS)},
    **{f"query-{number}": (external(source("c", paths=[("a", "x")])), answer(text)) for number, text in enumerate(PARSERS)},
    "extract-bytes": (external(extracts=[keyed()]), answer(CANARY.encode() + b"\xff")),
    "extract-deep": (external(extracts=[keyed()]), answer('{"a":' * 600 + json.dumps(CANARY) + "}" * 600)),
    "binary": (external(source("c")), answer(CANARY, is_binary=True)),
    "binary-extract": (external(extracts=[keyed()]), answer(base64.b64encode(CANARY.encode()), is_binary=True)),
    "rule": (external(extracts=[keyed(("(", "x"))]), answer(JSON)),
    "rule-growth": (external(extracts=[keyed(*[("(.*)", "$1$1$1")] * 40)]), answer(JSON)),
    "query-growth": (external(source("c", paths=[("|".join(["[@,@]"] * 40), "x")])), answer(JSON)),
    "query-types": (external(source("c", paths=[("sum(p)", "x"), ("abs(p)", "y"), ("sort_by(n.q,&@.x)", "z")])), answer(JSON)),
    **{f"inline-{number}": (inline(text), answer(CANARY)) for number, text in enumerate(EXECUTION)},
    **{f"map-{number}": (*from_map(text), answer(CANARY)) for number, text in enumerate(EXECUTION)},
    "secret-template": (*from_secret(f"{{{{ if `{CANARY}` }}}}"), answer("x")),
    "secret-template-fails": (*from_secret(f"{{{{ fail `{CANARY}` }}}}"), answer("x")),
    "secret-template-unknown": (*from_secret("{{ " + "h2c4n4ry" + " }}"), answer("x")),
    "metadata": (
        external(
            source("c"), template=templated({"k": "1"}, metadata=TemplateMetadata({"l": "{{ fail .c }}"}, {"a": "{{ fail .c }}"}))
        ),
        answer(CANARY),
    ),
    "member-names": (external(extracts=[keyed()]), answer(json.dumps({"bad/key": CANARY}))),
    "retained": (external(source("c"), source("gone")), secret({"gone": CANARY, "c": CANARY}), answer(CANARY)),
    "skipped": (external(source("gone")), secret({"gone": CANARY}), answer("x")),
    "guard": (external(), secret({"gone": CANARY}), answer("x")),
}


def world(name):
    obj, *objects, value = CASES[name]
    return World(obj, *objects, values={"c": value, "j": JSON, "gone": FAILED})


def said(run, plan, caplog):
    records = "".join(f"{record.getMessage()} {record.args!r}" for record in caplog.records)
    status = repr(run.external().status)
    texts_of = [entry.error for entry in plan.entries] + [line.text for line in plan.trace]
    shown = [
        plans.entry_items(plan),
        plans.trace_text(plan),
        plans.headline(plan),
        plans.sync_item(plan, 1),
        plans.sync_row(plan),
    ]
    return "\n".join((repr(plan), status, records, *texts_of, json.dumps(shown), json.dumps(shown, ensure_ascii=False)))


def leaks(text):
    return [shape for shape in (*shapes(CANARY), "h2c4n4ry") if shape in text]


@pytest.mark.parametrize("name", CASES)
def test_no_failure_tells_a_value(name, caplog):
    run = world(name)
    with caplog.at_level(logging.DEBUG):
        plan = run.run()
    assert leaks(said(run, plan, caplog)) == []


@pytest.mark.parametrize("name", ["binary-extract", "member-names", "retained"])
@pytest.mark.parametrize("verb", ["create", "update", "set_status"])
def test_no_refused_write_tells_a_value(name, verb, caplog):
    run = world(name)
    run.fail(verb, UnavailableError("refused", status=500))
    with caplog.at_level(logging.DEBUG):
        plan = run.run()
    assert leaks(said(run, plan, caplog)) == []


def test_a_label_made_of_a_value_is_the_author_s_wish_but_its_refusal_does_not_quote_it(caplog):
    metadata = TemplateMetadata(labels={"l": "{{ .c }}"})
    run = World(external(source("c"), template=templated({"k": "1"}, metadata=metadata)), values={"c": CANARY})
    with caplog.at_level(logging.DEBUG):
        plan = run.run()
    assert plan.decision is Decision.REJECTED
    assert leaks(said(run, plan, caplog)) == []


def test_a_backend_error_is_told_in_the_service_s_words_only():
    run = World(
        external(source("c")), values={"c": BackendError("denied", code="Forbidden.NoPermission", status=403, request_id="r")}
    )
    assert run.run().entries[0].error == "client env.client get data failed: Forbidden.NoPermission, HTTP 403, denied (request r)"


def test_a_crash_inside_a_round_shows_no_value_in_its_traceback(monkeypatch):
    run = World(external(source("c")), values={"c": CANARY})

    def crash(*_):
        raise RuntimeError("unexpected")

    monkeypatch.setattr("kubectl_asm.engine.decide.contract.count", crash)
    try:
        run.rounds().plan(run.external())
    except RuntimeError as error:
        frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    ours = [frame for frame in frames if "kubectl_asm" in frame.filename]
    assert ours
    assert not [frame for frame in ours if frame.locals and leaks(repr(frame.locals))]
