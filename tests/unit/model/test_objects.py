"""Names of objects and their order."""

from __future__ import annotations

from kubectl_asm.model.externalsecret import ExternalSecret, ExternalSecretSpec, Target
from kubectl_asm.model.objects import Meta, Namespace, NamespaceStatus, ObjectRef, OwnerReference, Secret


def test_references_sort_by_namespace_then_kind_then_name():
    refs = [ObjectRef("B", "y", "a"), ObjectRef("A", "y", "b"), ObjectRef("Z", "", "z"), ObjectRef("A", "x", "c")]
    assert [str(ref) for ref in sorted(refs)] == ["Z z", "A x/c", "A y/b", "B y/a"]


def test_resources_are_addressed_by_group():
    assert ExternalSecret.RESOURCE.full_name == "externalsecrets.alibabacloud.com"
    assert Secret.RESOURCE.full_name == "secrets"


def test_the_target_is_named_like_the_object_unless_it_has_a_name():
    assert ExternalSecret(metadata=Meta(name="a")).target_name == "a"
    assert ExternalSecret(metadata=Meta(name="a"), spec=ExternalSecretSpec(target=Target("b"))).target_name == "b"


def test_only_the_reference_marked_as_controller_is_the_controller():
    owners = (OwnerReference(name="a"), OwnerReference(name="b", controller=True))
    assert Meta(owner_references=owners).controller.name == "b"
    assert Meta(owner_references=owners[:1]).controller is None


def test_a_namespace_terminates_by_phase_or_by_deletion():
    assert Namespace(status=NamespaceStatus("Terminating")).is_terminating
    assert Namespace(metadata=Meta(deletion_timestamp="2026-01-01T00:00:00Z")).is_terminating
    assert not Namespace().is_terminating
