"""What objects refer to, and which changes can matter to anybody."""

import msgspec
import pytest

from kubectl_asm.engine.triggers import matters, selection_changed
from kubectl_asm.engine.uses import target_of, uses_of
from kubectl_asm.model.objects import ROLE_ARN_ANNOTATION, TRIGGER_ANNOTATION
from kubectl_asm.model.settings import Settings
from tests.unit.engine.worlds import cluster_store, external, key_refs, key_secret, obj, store

KINDS = [external(), store(), cluster_store(), obj("ClusterExternalSecret", "p", spec={})]


def changed(one, **meta):
    return msgspec.structs.replace(one, metadata=msgspec.structs.replace(one.metadata, **meta))


def words(refs):
    return {str(ref) for ref in refs}


# -- uses


def test_an_external_secret_uses_its_namespace_its_stores_and_the_sources_of_its_template():
    template = {"templateFrom": [{"configMap": {"name": "cm", "items": []}}, {"secret": {"name": "sec", "items": []}}]}
    one = obj(
        "ExternalSecret",
        "demo",
        "shop",
        spec={
            "data": [
                {"key": "a", "secretStoreRef": {"name": "own", "kind": "SecretStore"}},
                {"key": "b", "secretStoreRef": {"name": "far", "kind": "SecretStore", "namespace": "other"}},
                {"key": "c"},
            ],
            "dataProcess": [{"extract": {"key": "d", "secretStoreRef": {"name": "wide", "kind": "ClusterSecretStore"}}}],
            "target": {"name": "out", "template": template},
        },
    )
    assert words(uses_of(one)) == {
        "Namespace shop",
        "SecretStore shop/own",
        "SecretStore other/far",
        "ClusterSecretStore wide",
        "ConfigMap shop/cm",
        "Secret shop/sec",
    }
    assert str(target_of(one)) == "Secret shop/out"


def test_the_target_has_the_name_of_the_object_when_none_is_given():
    assert str(target_of(external(namespace="shop"))) == "Secret shop/demo"


def test_a_store_uses_the_secrets_and_accounts_of_both_sections_in_its_own_namespace_unless_another_is_named():
    refs = {**key_refs(), "serviceAccountRef": {"name": "sa", "namespace": "other"}}
    both = obj("SecretStore", "s", "shop", spec={"KMS": {"KMSAuth": refs}, "OOS": {"OOSAuth": key_refs(name="oos")}})
    assert words(uses_of(both)) == {"Secret shop/ak", "Secret shop/oos", "ServiceAccount other/sa"}


def test_a_reference_of_a_cluster_store_without_namespace_leads_nowhere():
    assert uses_of(cluster_store(**key_refs())) == frozenset()
    assert words(uses_of(cluster_store(**key_refs(namespace="ns")))) == {"Secret ns/ak"}


def test_a_cluster_external_secret_uses_the_cluster_stores_of_its_children():
    refs = [{"name": "cs", "kind": "ClusterSecretStore"}, {"name": "s", "kind": "SecretStore"}]
    data = [{"key": "k", "secretStoreRef": ref} for ref in refs]
    parent = obj("ClusterExternalSecret", "p", spec={"externalSecretSpec": {"data": data}})
    assert words(uses_of(parent)) == {"ClusterSecretStore cs"}


@pytest.mark.parametrize("one", [key_secret(), obj("Namespace", "n"), obj("ConfigMap", "c", "n")])
def test_other_kinds_use_nothing(one):
    assert uses_of(one) == frozenset()


# -- triggers


@pytest.mark.parametrize("one", [*KINDS, key_secret(), obj("Namespace", "n"), obj("ServiceAccount", "sa", "n")])
def test_appearing_vanishing_and_being_replaced_always_matter_and_nothing_never_does(one):
    assert matters(None, one)
    assert matters(one, None)
    assert matters(changed(one, uid="1"), changed(one, uid="2"))
    assert not matters(None, None)
    assert not matters(one, one)


@pytest.mark.parametrize("one", KINDS)
@pytest.mark.parametrize(
    "meta",
    [{"labels": {"a": "b"}}, {"annotations": {"a": "b"}}, {"finalizers": ("f",)}, {"resource_version": "9"}],
)
def test_bookkeeping_of_our_kinds_matters_to_nobody(one, meta):
    assert not matters(one, changed(one, **meta))


@pytest.mark.parametrize("one", KINDS)
@pytest.mark.parametrize("meta", [{"generation": 9}, {"deletion_timestamp": "2026-03-01T12:00:00Z"}])
def test_a_new_generation_and_a_deletion_of_our_kinds_matter(one, meta):
    assert matters(one, changed(one, **meta))


@pytest.mark.parametrize("one", [store(), cluster_store()])
@pytest.mark.parametrize(
    ("before", "after", "is_so"), [("", "1", True), ("1", "2", True), ("1", "1", False), ("1", "", False), ("", "", False)]
)
def test_a_trigger_matters_when_it_gets_a_new_value(one, before, after, is_so):
    old = changed(one, annotations={TRIGGER_ANNOTATION: before} if before else {})
    new = changed(one, annotations={TRIGGER_ANNOTATION: after} if after else {})
    assert matters(old, new) is is_so


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_any_new_version_of_contents_that_are_not_watched_may_matter(kind):
    one = changed(obj(kind, "x", "n"), resource_version="1")
    assert matters(one, changed(one, resource_version="2"))
    assert not matters(one, changed(one, resource_version="1", labels={"a": "b"}))


def test_of_a_service_account_only_the_role_matters():
    one = obj("ServiceAccount", "sa", "n", {"annotations": {ROLE_ARN_ANNOTATION: "acs:ram::1:role/r"}})
    assert matters(one, changed(one, annotations={}))
    assert matters(one, changed(one, annotations={ROLE_ARN_ANNOTATION: "acs:ram::1:role/s"}))
    assert not matters(one, changed(one, resource_version="9", labels={"a": "b"}))


def test_of_a_namespace_labels_and_termination_matter():
    one = obj("Namespace", "n", metadata={"labels": {"a": "b"}})
    assert matters(one, changed(one, labels={}))
    assert matters(one, changed(one, deletion_timestamp="2026-03-01T12:00:00Z"))
    assert not matters(one, changed(one, annotations={"a": "b"}, resource_version="9"))


def test_a_parent_is_concerned_by_namespaces_it_selects_now_or_selected_before():
    parent = obj("ClusterExternalSecret", "p", spec={"namespaceSelectors": [{"matchLabels": {"t": "x"}}]})
    yes, no = (obj("Namespace", "n", metadata={"labels": {"t": value}}) for value in "xy")
    for pair, is_so in [((None, yes), True), ((yes, no), True), ((no, yes), True), ((yes, None), True), ((no, None), False)]:
        assert selection_changed(parent, *pair, Settings()) is is_so
