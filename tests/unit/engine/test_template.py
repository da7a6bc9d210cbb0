"""The template phase: which raw data survives, key validation, managed keys, sources (spec/templates.md 1, 4, 5)."""

from __future__ import annotations

import pytest

from kubectl_asm.engine.lookups import Found, Missing
from kubectl_asm.engine.template import TemplateSources, is_metadata_key, is_secret_key, is_template_data_key, render_template
from kubectl_asm.model.externalsecret import Template, TemplateFrom, TemplateItem, TemplateMetadata, TemplateSource
from kubectl_asm.model.objects import MANAGED_KEYS_ANNOTATION, ConfigMap, Meta, Secret
from tests.unit.engine.rounds import NEWEST, SEED, environment, plain, texts

RAW = {"a": "1", "b": "2"}
LITERAL = TemplateFrom(literal="x={{ .a }}")
EMPTY_ELEMENT = TemplateFrom()
LABELS = TemplateFrom(literal="v", target="Labels")


def rendered(template, raw=None, settings=SEED, sources=None):
    return render_template(template, texts(RAW if raw is None else raw), sources or TemplateSources(), settings, environment)


def data(template, **options):
    result = rendered(template, **options)
    assert not result.fatal
    return plain(result.data)


@pytest.mark.parametrize(
    ("fields", "replace", "merge"),
    [
        ({}, RAW, RAW),
        ({"metadata": TemplateMetadata(labels={"x": "y"})}, RAW, RAW),
        ({"data": {"o": "{{ .a }}"}}, {"o": "1"}, {**RAW, "o": "1"}),
        ({"data": {"a": "new"}}, {"a": "new"}, {"a": "new", "b": "2"}),
        ({"data": {"o": "{{ fail `x` }}"}}, {}, RAW),
        ({"template_from": (LITERAL,)}, {"literal": "x=1"}, {**RAW, "literal": "x=1"}),
        ({"template_from": (EMPTY_ELEMENT,)}, {}, RAW),
        ({"template_from": (LABELS,)}, RAW, RAW),
        ({"template_from": (LABELS, EMPTY_ELEMENT)}, {}, RAW),
        ({"template_from": (LITERAL,), "data": {"literal": "inline"}}, {"literal": "x=1"}, {**RAW, "literal": "x=1"}),
    ],
)  # fmt: skip
def test_which_raw_data_survives(fields, replace, merge):
    assert data(Template(**fields)) == replace
    assert data(Template(**fields, merge_policy="Replace")) == replace
    assert data(Template(**fields, merge_policy="Merge")) == merge


def test_managed_keys_are_what_templates_produced_sorted_by_code_point():
    template = Template(data={"b": "1", "B": "1", "a": "{{ fail `x` }}"}, template_from=(LITERAL,), merge_policy="Merge")
    assert rendered(template).annotations == {MANAGED_KEYS_ANNOTATION: "B,b,literal"}


def test_without_produced_keys_there_is_no_managed_keys_annotation():
    assert rendered(Template(template_from=(LABELS,))).annotations == {}


def test_a_template_of_that_annotation_wins():
    metadata = TemplateMetadata(annotations={MANAGED_KEYS_ANNOTATION: "mine"})
    assert rendered(Template(data={"o": "1"}, metadata=metadata)).annotations == {MANAGED_KEYS_ANNOTATION: "mine"}


def test_every_template_has_its_own_copy_of_the_data():
    template = Template(data={"a1": '{{ $_ := set . "a" "changed" }}{{ .a }}', "a2": "{{ .a }}"})
    assert data(template) == {"a1": "changed", "a2": "1"}


def test_names_are_not_shared_between_values():
    result = rendered(Template(data={"d": '{{ define "n" }}x{{ end }}', "u": '{{ template "n" }}'}))
    assert plain(result.data) == {"d": ""}
    assert result.warnings[0].startswith("data template u execution failed: template execution failed: ")


def test_bytes_survive_unchanged():
    from kubectl_asm.model.sensitive import SecretBytes

    raw = {"k": SecretBytes(b"\xff\x00\xfe")}
    result = render_template(Template(data={"o": "{{ .k }}"}), raw, TemplateSources(), SEED, environment)
    assert result.data["o"].reveal() == b"\xff\x00\xfe"


def test_bytes_in_a_label_become_what_json_can_hold():
    from kubectl_asm.model.sensitive import SecretBytes

    metadata = TemplateMetadata(labels={"l": "x{{ .k }}"})
    result = render_template(Template(metadata=metadata), {"k": SecretBytes(b"\xff")}, TemplateSources(), SEED, environment)
    assert result.labels == {"l": "x\ufffd"}


def test_all_fatal_errors_of_inline_data_and_sources_are_collected():
    template = Template(data={"p": "{{", "q": "{{ .a", "r": "ok"}, template_from=(TemplateFrom(literal="{{ nope }}"),))
    assert [text.partition(": ")[0] for text in rendered(template).fatal] == [
        "data template p parse failed",
        "data template q parse failed",
        "TemplateFrom processing failed",
    ]
    assert rendered(template).data == {}


def test_an_execution_error_is_a_warning_inline_and_fatal_in_a_source():
    text = "{{ .a.b }}"
    assert rendered(Template(data={"o": text})).warnings
    assert rendered(Template(template_from=(TemplateFrom(literal=text),))).fatal


def test_metadata_errors_are_warnings_of_both_kinds():
    metadata = TemplateMetadata(labels={"a": "{{", "b": "{{ .a.x }}", "c": "ok"}, annotations={"d": "{{"})
    result = rendered(Template(metadata=metadata))
    assert [text.partition(" processing")[0] for text in result.warnings] == [
        "metadata label template a",
        "metadata label template b",
        "metadata annotation template d",
    ]
    assert result.labels == {"c": "ok"}


# -- sources


def config_map(name="cm", **values):
    return TemplateSources(config_maps={name: Found(ConfigMap(metadata=Meta(name=name), data=values))})


def source_of(*items, secret=False, **fields):
    source = TemplateSource("cm", tuple(TemplateItem(key, how) for key, how in items))
    return TemplateFrom(**({"secret": source} if secret else {"config_map": source}), **fields)


def from_source(element, sources):
    return rendered(Template(template_from=(element,)), sources=sources)


def test_keys_and_values_are_split_at_the_first_equals_sign():
    text = "\n  URL=http://x?a={{ .a }} \r\n\n# note=1\nexport A=1\nno equals\n=empty\nURL2 = a=b\nURL2=last\n\x1fX=1\n"
    result = from_source(source_of(("k", "KeysAndValues")), config_map(k=text))
    assert plain(result.data) == {"URL": "http://x?a=1", "URL2": "last"}
    assert len(result.dropped) == 3, "a comment, an export and a control character that Go does not trim"


def test_items_merge_in_order_and_the_later_wins():
    sources = config_map(one="A=1\nB=1", two="B=2")
    result = from_source(source_of(("one", "KeysAndValues"), ("two", "KeysAndValues"), ("one", "Values")), sources)
    assert plain(result.data) == {"A": "1", "B": "2", "one": "A=1\nB=1"}


def test_a_missing_object_and_a_missing_key_are_fatal():
    assert "failed to get ConfigMap cm" in from_source(source_of(("k", "Values")), TemplateSources()).fatal[0]
    gone = TemplateSources(secrets={"cm": Missing()})
    assert "failed to get Secret cm" in from_source(source_of(("k", "Values"), secret=True), gone).fatal[0]
    assert "key k not found in ConfigMap cm" in from_source(source_of(("k", "Values")), config_map(x="1")).fatal[0]


def test_the_config_map_wins_over_the_secret_and_the_literal():
    element = TemplateFrom(
        config_map=TemplateSource("cm", (TemplateItem("k"),)), secret=TemplateSource("gone", (TemplateItem("k"),)), literal="l"
    )
    assert plain(from_source(element, config_map(k="cm")).data) == {"k": "cm"}


def test_the_last_literal_of_a_target_wins():
    result = rendered(Template(template_from=(TemplateFrom(literal="1"), TemplateFrom(literal="2"))))
    assert plain(result.data) == {"literal": "2"}


def test_targets_other_than_data():
    elements = (source_of(("a", "Values"), target="Labels"), source_of(("a", "Values"), target="Annotations"))
    result = rendered(Template(template_from=elements), sources=config_map(a="{{ .a }}"))
    assert (result.labels, result.annotations) == ({"a": "1"}, {"a": "1"})
    assert plain(result.data) == RAW


def test_a_template_kept_in_a_secret_is_never_quoted():
    text = '{{ if eq .a "hunter2" }}{{ .a.b }}'
    for template in (text, text + "{{ end }}", "{{ fail `hunter2` }}", "{{ hunter2 }}", "{{/* hunter2"):
        secret = Secret(metadata=Meta(name="cm"), data=texts({"k": template.replace('eq .a "hunter2"', 'ne .a "hunter2"')}))
        result = from_source(source_of(("k", "Values"), secret=True), TemplateSources(secrets={"cm": Found(secret)}))
        assert "Secret cm key k" in result.fatal[0]
        assert "hunter2" not in result.fatal_text


# -- keys


@pytest.mark.parametrize("key", ["a", "A.b_c-1", "...", "é", "日本", "٣", "x" * 300])
def test_data_keys_from_sources_that_are_kept(key):
    assert is_template_data_key(key)


@pytest.mark.parametrize("key", ["", "a b", "# x", "a/b", "a\n", "½", "a=b", "😀", "\udcff", "a\u0301"])
def test_data_keys_from_sources_that_are_dropped(key):
    assert not is_template_data_key(key)


@pytest.mark.parametrize("key", ["a", "a-b", "app.kubernetes.io/version", "A.B-1/x", "x" * 63, "p" * 189 + "/" + "x" * 63, "a/1"])
def test_metadata_keys_that_are_kept(key):
    assert is_metadata_key(key)


@pytest.mark.parametrize(
    "key",
    ["", "App", "my_label", "example.com", "-a", "a-", "x" * 64, "a/", "/a", "a/b/c", "-p/x", "p./x", "p" * 190 + "/" + "x" * 63],
)
def test_metadata_keys_that_are_dropped(key):
    assert not is_metadata_key(key)


@pytest.mark.parametrize("key", ["", ".", "..", "..a", "a b", "a/b", "é", "a" * 254, "a\n"])
def test_keys_no_secret_can_have(key):
    assert not is_secret_key(key)


@pytest.mark.parametrize("key", [".a", "a..b", "-", "_", "A1", "a" * 253])
def test_keys_a_secret_can_have(key):
    assert is_secret_key(key)


def test_the_seed_profile_drops_invalid_inline_keys_and_takes_dns_names_as_annotations():
    template = Template(data={"a b": "1", "ok": "2"}, metadata=TemplateMetadata(annotations={"example.com": "x", "a_b": "y"}))
    seed = rendered(template)
    assert plain(seed.data) == {"ok": "2"}
    assert seed.annotations == {"example.com": "x", MANAGED_KEYS_ANNOTATION: "ok"}
    newest = rendered(template, settings=NEWEST)
    assert plain(newest.data) == {"a b": "1", "ok": "2"}
    assert newest.annotations == {MANAGED_KEYS_ANNOTATION: "a b,ok"}


def test_the_functions_of_the_readme_exist_in_the_seed_profile_only():
    template = Template(data={"o": '{{ regexReplace .a "1" "x" }}'})
    assert data(template) == {"o": "x"}
    assert 'function "regexReplace" not defined' in rendered(template, settings=NEWEST).fatal[0]
