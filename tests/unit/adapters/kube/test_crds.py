"""The shipped custom resource definitions: one source, and the same fields as the models."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import msgspec
import pytest
import yaml

from kubectl_asm.manifest.decode import KINDS
from kubectl_asm.model.objects import API_VERSION

DEPLOY = Path(__file__).parents[4] / "deploy" / "crds"
PACKAGED = Path(str(files("kubectl_asm.manifest") / "crds"))
OURS = [kind for (version, _), kind in sorted(KINDS.items()) if version == API_VERSION]


def schema(kind):
    text = (PACKAGED / f"alibabacloud.com_{kind.RESOURCE.plural}.yaml").read_text()
    return yaml.safe_load(text)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def test_deploy_holds_the_packaged_files_byte_for_byte():
    packaged = {path.name: path.read_bytes() for path in PACKAGED.glob("*.yaml")}
    assert {path.name: path.read_bytes() for path in DEPLOY.glob("*.yaml")} == packaged
    assert len(packaged) == 4


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.RESOURCE.kind)
def test_the_definition_names_the_resource_of_the_model(kind):
    manifest = yaml.safe_load((PACKAGED / f"alibabacloud.com_{kind.RESOURCE.plural}.yaml").read_text())
    assert manifest["metadata"]["name"] == kind.RESOURCE.full_name
    assert manifest["spec"]["names"]["kind"] == kind.RESOURCE.kind
    assert (manifest["spec"]["scope"] == "Namespaced") is kind.RESOURCE.namespaced
    assert manifest["spec"]["versions"][0]["subresources"] == {"status": {}}


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.RESOURCE.kind)
@pytest.mark.parametrize("part", ["spec", "status"])
def test_every_declared_field_is_read_by_the_model_and_none_is_missing(kind, part):
    model = next(field.type for field in msgspec.structs.fields(kind) if field.name == part)
    missing = list(differences(schema(kind)["properties"][part], model, part))
    assert missing == []


def differences(declared, model, path):
    known = {field.encode_name: field.type for field in msgspec.structs.fields(model)}
    # conditions of a namespaced store and the removed dedicatedKMSAuth are read to be reported, never declared;
    # a ClusterExternalSecret's conditions have fewer fields than a store's and share its model
    read_only = {"conditions", "dedicatedKMSAuth", "reason", "observedGeneration"}
    for name in known.keys() ^ declared["properties"].keys():
        if name not in read_only:
            yield f"{path}.{name}"
    for name, below in declared["properties"].items():
        inner = struct_in(known.get(name))
        below = below.get("items", below)
        if inner is not None and "properties" in below:
            yield from differences(below, inner, f"{path}.{name}")


def struct_in(annotation):
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    return next((found for part in getattr(annotation, "__args__", ()) if (found := struct_in(part))), None)
