"""Values to typed objects and back: nulls, wrong types, stringData, Lists, own-group problems, namespaces."""

from __future__ import annotations

import pytest

from kubectl_asm.manifest.decode import FieldError, decode_object, list_items
from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.manifest.encode import encode_object
from kubectl_asm.manifest.load import load_manifests
from kubectl_asm.manifest.placing import placed
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import ConfigMap, Secret

GROUP = "alibabacloud.com/v1alpha1"
CANARY = "hunter2-canary"


def external(**spec):
    return {"apiVersion": GROUP, "kind": "ExternalSecret", "metadata": {"name": "a"}, "spec": spec}


def refused(value):
    with pytest.raises(FieldError) as caught:
        decode_object(value)
    return caught.value


def load(*texts):
    return load_manifests(SourceText(f"f{number}.yaml", text.encode()) for number, text in enumerate(texts))


def test_null_equals_absent_at_every_depth():
    value = external(
        data=[{"key": "k", "name": None, "jmesPath": None, "secretStoreRef": None}],
        dataProcess=None,
        target={"template": None},
        type=None,
    )
    assert decode_object(value) == decode_object(external(data=[{"key": "k"}]))


def test_an_empty_template_is_there_and_a_null_one_is_not():
    assert decode_object(external(target={"template": {}})).template is not None
    assert decode_object(external(target={"template": None})).template is None


def test_unknown_fields_are_left_to_the_linter():
    assert decode_object(external(data=[{"key": "k", "keyy": 1}], nope=1)).spec.data[0].key == "k"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (external(data=[{"key": "k"}, {"key": 5}]), ("spec", "data", 1, "key")),
        (external(data={"key": "k"}), ("spec", "data")),
        (external(data=[{"key": "k", "jmesPath": [{"path": ["x"]}]}]), ("spec", "data", 0, "jmesPath", 0, "path")),
        (external(data=[None]), ("spec", "data", 0)),
        (external(target={"template": {"data": {"a": 1}}}), ("spec", "target", "template", "data")),
        (external(rotationInterval=90), ("spec", "rotationInterval")),
        ({**external(), "spec": []}, ("spec",)),
        ({**external(), "metadata": "x"}, ("metadata",)),
    ],
)
def test_a_wrong_type_is_refused_with_its_path(value, path):
    error = refused(value)
    assert error.path == path
    assert "expected" in error.message


@pytest.mark.parametrize("data", [{"a": CANARY}, {"a": 5}, {"a": [CANARY]}, CANARY, {"a": f"{CANARY}="}])
def test_secret_data_that_is_not_base64_is_refused_without_quoting_it(data):
    error = refused({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": data})
    assert CANARY not in error.message + repr(error.path)


def test_string_data_wins_over_data_and_base64_may_be_wrapped():
    value = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "aGVs\nbG8=", "b": "eA=="}, "stringData": {"b": "new", "c": ""}}
    assert {key: item.reveal() for key, item in decode_object(value).data.items()} == {"a": b"hello", "b": b"new", "c": b""}


def test_string_data_of_a_wrong_type_does_not_hide_the_rest():
    value = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "eA=="}, "stringData": {"b": 5}}
    assert list(decode_object(value).data) == ["a"]


def test_other_kinds_are_not_ours():
    assert decode_object({"apiVersion": "apps/v1", "kind": "Deployment"}) is None
    assert decode_object({"apiVersion": "v2", "kind": "Secret"}) is None


@pytest.mark.parametrize("kind", ["List", "ExternalSecretList", "ConfigMapList"])
def test_items_of_lists_are_objects_of_their_own(kind):
    assert list(list_items({"kind": kind, "items": [1, 2]})) == [(("items", 0), 1), (("items", 1), 2)]


def test_a_list_without_items_is_one_object():
    value = {"kind": "List", "items": None}
    assert list(list_items(value)) == [((), value)]


def test_objects_of_a_list_know_their_place():
    manifests = load(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n"
        "- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: b}\n  data: {x: z}\n"
    )
    assert [loaded.obj.name for loaded in manifests.objects] == ["a", "b"]
    assert (manifests.objects[1].span(("data", "x")).line, manifests.objects[1].span(("data", "x")).column) == (10, 13)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("apiVersion: alibabacloud.com/v1\nkind: ExternalSecret\nmetadata: {name: a}", 'unknown version "alibabacloud.com/v1"'),
        (f"apiVersion: {GROUP}\nkind: externalsecret\nmetadata: {{name: a}}", 'unknown kind "externalsecret"'),
        (f"apiVersion: {GROUP}\nkind: ExternalSecret\nmetadata: {{}}", "ExternalSecret without metadata.name"),
        (f"apiVersion: {GROUP}\nkind: ExternalSecret\nmetadata: {{name: a}}\nspec: {{data: x}}", "spec.data: expected list"),
    ],
)
def test_problems_of_our_group(text, message):
    manifests = load(text)
    assert not manifests.objects
    assert message in manifests.problems[0].message
    assert manifests.problems[0].line


def test_objects_of_other_groups_and_no_objects_are_skipped_silently():
    manifests = load("apiVersion: apps/v1\nkind: Deployment\n---\njust text\n---\n[1]\n---\nalibabacloud: 1")
    assert (manifests.objects, manifests.problems, manifests.documents) == ((), (), 4)


def test_one_bad_file_does_not_hide_the_others():
    manifests = load("a: [", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}")
    assert (len(manifests.objects), len(manifests.problems)) == (1, 1)
    assert manifests.problems[0].file == "f0.yaml"


# -- namespaces


def test_namespaced_objects_get_a_namespace_and_others_do_not():
    config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}"
    store = f"apiVersion: {GROUP}\nkind: ClusterSecretStore\nmetadata: {{name: a}}"
    manifests = placed(load(config_map, store), "shop")
    assert [loaded.obj.namespace for loaded in manifests.objects] == ["shop", ""]


def test_an_object_given_twice_is_a_problem_that_names_both_places():
    one = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}"
    manifests = placed(load(one, one + "\n---\n" + one.replace("{name: a}", "{name: a, namespace: shop}")), "shop")
    assert len(manifests.objects) == 1
    assert [problem.file for problem in manifests.problems] == ["f1.yaml", "f1.yaml"]
    assert "f0.yaml:3:18" in manifests.problems[0].message


# -- back again


def test_what_was_read_is_written_again_without_defaults():
    value = external(data=[{"key": "k"}], target={"template": {}})
    assert encode_object(decode_object(value), reveal=True) == value


def test_secrets_are_written_only_when_asked_by_name():
    obj = Secret(data=decode_object({"apiVersion": "v1", "kind": "Secret", "data": {"a": "aGVsbG8="}}).data)
    assert encode_object(obj, reveal=False)["data"] == {"a": "***"}
    assert encode_object(obj, reveal=True)["data"] == {"a": "aGVsbG8="}


def test_kinds_of_kind():
    manifests = load("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}")
    assert [obj.name for obj in manifests.of_kind(ConfigMap)] == ["a"]
    assert list(manifests.of_kind(ExternalSecret)) == []
