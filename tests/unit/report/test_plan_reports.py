"""Tables, YAML and JSON documents, Plans as output: stable bytes, and no trace of values where they are masked."""

from __future__ import annotations

import base64
import io
import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_asm.engine.drift import drift_of
from kubectl_asm.engine.plan import Decision, Done, Plan
from kubectl_asm.errors import InputError
from kubectl_asm.manifest.documents import SourceText, parse_documents
from kubectl_asm.manifest.scalars import Dialect
from kubectl_asm.model.externalsecret import TemplateMetadata
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.report import documents, markdown, plans, tables
from tests.unit.engine.rounds import FAILED, external, extract, round_of, secret, source, templated

CANARY = "hunter2-canary"


def table(*rows, header=("NAME", "X"), **options):
    out = io.StringIO()
    tables.write_table(out, header, rows, **options)
    return out.getvalue()


# -- tables


def test_columns_are_padded_and_the_last_one_is_not():
    assert table(("a", "1"), ("long-name", "22")) == "NAME        X\na           1\nlong-name   22\n"


def test_the_header_can_be_left_out_and_an_empty_table_is_its_header():
    assert table(("a", "1"), has_header=False) == "a   1\n"
    assert table() == "NAME   X\n"
    assert table(has_header=False) == ""


def test_a_cell_stays_on_its_line_and_cannot_command_a_terminal():
    shown = table(("a\nb", "\x1b[31mred\r\x07\u2028x"))
    assert shown.splitlines() == ["NAME   X", "a b     [31mred   x"]
    assert "\x1b" not in shown


def test_no_line_ends_with_blanks():
    assert not [line for line in table(("a", ""), ("b", " ")).splitlines() if line != line.rstrip()]


# -- documents


def test_documents_are_written_byte_for_byte_alike_every_time():
    document = documents.envelope("Render", items=[{"b": 1, "a": ["x", None, True]}])
    for form in ("json", "yaml"):
        texts = set()
        for _ in range(3):
            out = io.StringIO()
            documents.write_object(out, document, form)
            texts.add(out.getvalue())
        assert len(texts) == 1
        loaded = json.loads(texts.pop()) if form == "json" else document
        assert list(loaded) == ["apiVersion", "kind", "items"]


@pytest.mark.parametrize(
    "text",
    ["y", "n", "on", "yes", "1e3", "08", "0o17", "1_000", ".5", "0x1F", "2024-01-01", "", "~", "null", "true", "-", "a: b", "#x",
     "<<", "=", "1:30", "multi\nline\n", " a ", "é", "\U0001f600", "\t", "'", '"', "%x", "*a", "&a", "!x", "{", "{{ .a }}", "@"],
)  # fmt: skip
def test_every_text_comes_back_as_itself_from_both_loaders(text):
    for dialect in Dialect:
        found = next(iter(parse_documents(SourceText("f", documents.yaml_text({"k": text, text: "v"}).encode()), dialect)))
        assert not isinstance(found, InputError)
        assert found.value == {"k": text, text: "v"}


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=40), max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_mapping_of_texts_comes_back_from_kubectl_s_loader(mapping):
    mapping = {key: value for key, value in mapping.items() if "\x00" not in key + value}
    found = next(iter(parse_documents(SourceText("f", documents.yaml_text({"data": mapping}).encode()))))
    assert not isinstance(found, InputError)
    assert found.value == {"data": mapping}


def test_a_secret_that_slips_into_a_document_is_refused_not_printed():
    for write in (documents.yaml_text, documents.json_text):
        with pytest.raises((yaml.YAMLError, TypeError)) as caught:
            write({"a": SecretBytes.of_text(CANARY)})
        assert CANARY not in str(caught.value)


def test_texts_in_a_stream_become_comments_on_every_line():
    out = io.StringIO()
    documents.write_stream(out, [{"a": 1}, "two\r\nlines\u2028and: more"])
    assert out.getvalue() == "---\na: 1\n# two\n# lines\n# and: more\n"


# -- Plans


def plan_of(value, *, current=None, template=None):
    obj = external(source("a", "u"), source("b"), extracts=[extract("d")], template=template)
    return round_of(
        obj, value, FAILED if current is not None and template is None else value, json.dumps({"m": value}), current=current
    )


def everything_said(plan):
    drift = drift_of(plan)
    parts = [
        plans.entry_items(plan), plans.status_items(plan), plans.trace_items(plan), plans.trace_text(plan), plans.headline(plan),
        plans.diff_item(plan, drift), list(plans.diff_lines("Secret shop/es", drift, "")), plans.sync_item(plan, 1.0),
        plans.sync_row(plan), plans.secret_document(plan, reveal=False),
    ]  # fmt: skip
    out = io.StringIO()
    markdown.write_diff(out, [plans.diff_item(plan, drift)])
    return json.dumps(parts, indent=1) + out.getvalue() + repr(plan)


def test_nothing_but_a_revealed_secret_holds_a_value():
    for plan in (plan_of(CANARY), plan_of(CANARY, current=secret({"u": CANARY + "-old", "z": CANARY}))):
        said = everything_said(plan)
        for shape in (CANARY, base64.b64encode(CANARY.encode()).decode(), CANARY.encode().hex()):
            assert shape not in said
    revealed = plans.secret_document(plan_of(CANARY), reveal=True)
    assert base64.b64decode(revealed["data"]["u"]).decode() == CANARY


VALUES = st.text(min_size=1, max_size=60).filter(lambda text: "\x00" not in text)


@given(VALUES, VALUES, VALUES)
@settings(max_examples=100, deadline=None)
def test_equal_shaped_input_gives_equal_output_whatever_the_values_are(first, second, old):
    fixed = templated({"k": "{{ .u }}"}, metadata=TemplateMetadata(labels={"l": "fixed"}))
    for template in (None, fixed):
        said = set()
        for value in (first, second):
            held = secret({"u": "x" + value + old, "gone": old, "m": "old" + value})
            said.add(everything_said(plan_of(value, current=held, template=template)))
        assert len(said) == 1


def test_a_masked_secret_says_that_it_is_masked():
    masked = plans.secret_document(plan_of("v"), reveal=False)
    assert masked["metadata"]["annotations"] == {"kubectl-asm/masked": "true"}
    assert set(masked["data"].values()) == {"***"}
    assert list(masked["data"]) == sorted(masked["data"])


def test_server_fields_are_no_part_of_a_rendered_secret():
    held = secret({"a": "old"}, meta={"labels": {"x": "y"}})
    shown = plans.secret_document(round_of(external(source("a")), "v", current=held), reveal=True)
    assert shown["metadata"] == {"name": "es", "namespace": "shop", "labels": {"x": "y"}}


def test_a_secret_in_sync_is_shown_and_a_skipped_one_is_not():
    assert plans.secret_document(round_of(external(source("a")), "v", current=secret({"a": "v"})), reveal=False) is not None
    assert plans.secret_document(round_of(external(source("a")), FAILED, current=secret({"a": "v"})), reveal=False) is None


def test_diff_lines():
    held = secret({"b": "1", "c": "2", "same": "3"})
    obj = external(source("a"), source("b"), source("same"))
    lines = list(plans.diff_lines("Secret shop/es", drift_of(round_of(obj, "x", "y", "3", current=held)), "note"))
    assert lines == ["Secret shop/es: update (note)", "  + data.a ***", "  ~ data.b ***", "  - data.c", "    data.same ***"]


def test_a_markdown_cell_cannot_leave_its_table():
    assert markdown.cell("a|b`c\n<x>") == "a\\|b'c &lt;x>"


def test_a_headline_names_object_decision_and_reason():
    plan = Plan(external(), Decision.GUARD, Done(), reason="because")
    assert plans.headline(plan) == "ExternalSecret shop/es -> guard: because"
