"""Edited text always reads as the object that was meant, whatever the texts look like."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kubectl_asm.adapters import yamledit
from kubectl_asm.manifest.documents import Document, SourceText, parse_documents

SPACED = "on y NO 010 0o10 1e3 1_000 12:30 2026-01-01 ~ null = << # %a @a `a &a *a !a { [ ? | > .inf ' \" -"
WORDS = SPACED.split()
AWKWARD = st.sampled_from([*WORDS, "", "- a", "a: b", "a #b", "\n", "a\nb\n", " lead", "trail ", "\ttab", "é"])
TEXTS = AWKWARD | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
MAPS = st.dictionaries(TEXTS, TEXTS, max_size=4)


def read(text):
    document = next(parse_documents(SourceText("f", text.encode())))
    assert isinstance(document, Document), document
    return document.value


def manifest(data):
    return {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}


@settings(max_examples=150, deadline=None)
@given(MAPS)
def test_a_new_document_reads_back(data):
    assert read(yamledit.new_document(manifest(data))) == manifest(data)


@settings(max_examples=150, deadline=None)
@given(MAPS, MAPS)
@example({"a": "1"}, {"a": "a\nb\n", "<<": "x"})
def test_a_changed_document_reads_as_the_new_object(old, new):
    text = "# head\n" + yamledit.new_document(manifest(old)) + "# tail\n"
    changed = yamledit.change_yaml(text, (), manifest(old), manifest(new))
    assert read(changed) == manifest(new)
    assert changed.startswith("# head\n")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["---\n", "--- # c\n", "a: 1\n", "\n", "...\n", "----\n", "x: |\n  ---\n"]), max_size=12))
def test_splitting_loses_nothing(pieces):
    text = "".join(pieces)
    assert "".join(yamledit.split_parts(text)) == text
