"""validate --live, with a folder as the cluster: what it holds is known, what it lacks is told, and no value is shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kubectl_asm.cli.main import main
from kubectl_asm.errors import AccessError
from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.model.objects import KubeObject
from kubectl_asm.rules.context import Choices
from kubectl_asm.rules.linting import lint
from kubectl_asm.wiring.surroundings import surroundings

GROUP = "apiVersion: alibabacloud.com/v1alpha1\n"
EXTERNAL = GROUP + "kind: ExternalSecret\nmetadata: {name: app, namespace: shop}\nspec:\n  data: [{key: a, name: a%s}]\n"
KEYS = "accessKey: {name: ak, key: %s}, accessKeySecret: {name: ak, key: secret}"
STORE = GROUP + "kind: SecretStore\nmetadata: {name: kms, namespace: shop}\nspec: {KMS: {KMSAuth: {" + KEYS + "}}}\n"
CLUSTER_WIDE = GROUP + "kind: ClusterExternalSecret\nmetadata: {name: app}\nspec:\n  externalSecretSpec: {data: [{key: a}]}\n"
CLUSTER_WIDE += "  conditions: [{namespaces: [shop]}]\n"
AK = "apiVersion: v1\nkind: Secret\nmetadata: {name: ak, namespace: shop}\nstringData: {id: hunter2, secret: hunter3}\n"
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
REF = ", secretStoreRef: {name: kms}"


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(manifest: str, cluster: Sequence[str], *arguments: str) -> list[tuple[str, str]]:
        folder = tmp_path / "cluster"
        folder.mkdir()
        (folder / "all.yaml").write_text("---\n".join([NAMESPACE, *cluster]))
        (tmp_path / "in.yaml").write_text(manifest)
        main(
            [
                "kubectl-asm",
                "validate",
                str(tmp_path / "in.yaml"),
                "--live",
                "--cluster-dir",
                str(folder),
                "-o",
                "json",
                *arguments,
            ]
        )
        told = capsys.readouterr()
        assert "hunter" not in told.out + told.err
        found = json.loads(told.out)["findings"]
        return [(one["code"], one["severity"]) for one in found if one["severity"] != "info"]

    return run


def test_reference_that_only_the_cluster_satisfies_is_fine(check: Any) -> None:
    assert check(EXTERNAL % REF, [STORE % "id", AK], "--closed-world") == []


def test_reference_that_files_and_cluster_satisfy_together_is_fine(check: Any) -> None:
    assert check(EXTERNAL % REF + "---\n" + STORE % "id", [AK], "--closed-world") == []


def test_object_that_neither_has_is_a_warning_and_an_error_in_a_closed_world(check: Any) -> None:
    assert check(EXTERNAL % REF, []) == [("ASM301", "warning")]


def test_object_that_neither_has_is_an_error_in_a_closed_world(check: Any) -> None:
    assert check(EXTERNAL % REF, [], "--closed-world") == [("ASM301", "error")]


def test_key_that_a_live_secret_lacks_is_told_without_its_values(check: Any) -> None:
    assert check(STORE % "idd", [AK]) == [("ASM302", "warning")]


def test_object_of_the_files_comes_before_its_live_twin(check: Any) -> None:
    assert check(STORE % "id" + "---\n" + AK, [STORE % "other", AK.replace("id:", "x:")]) == []


def test_template_of_a_live_configmap_is_judged_where_it_is_referred_to(check: Any) -> None:
    shape = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shape, namespace: shop}\ndata: {line: '{{ toUpper .a }}'}\n"
    template = "  target: {template: {templateFrom: [{configMap: {name: shape, items: [{key: line}]}}]}}\n"
    assert check(EXTERNAL % "" + template, [shape]) == [("ASM702", "error")]


def test_secret_that_exists_before_its_externalsecret_would_be_taken_over(check: Any) -> None:
    secret = AK.replace("name: ak", "name: app")
    assert check(EXTERNAL % "", [secret]) == [("ASM509", "warning")]


def test_secret_of_an_externalsecret_that_exists_is_its_own(check: Any) -> None:
    assert check(EXTERNAL % "", [AK.replace("name: ak", "name: app"), EXTERNAL % ""]) == []


def test_child_that_replaces_a_live_object_is_told_and_its_own_child_is_not(check: Any) -> None:
    assert check(CLUSTER_WIDE, [EXTERNAL % ""]) == [("ASM509", "warning")]


def test_own_child_is_no_takeover(check: Any) -> None:
    owner = "ownerReferences: [{apiVersion: alibabacloud.com/v1alpha1, kind: ClusterExternalSecret, name: app, uid: u}]"
    assert check(CLUSTER_WIDE, [(EXTERNAL % "").replace("namespace: shop}", "namespace: shop, " + owner + "}")]) == []


def test_folder_as_cluster_without_live_could_not_run(tmp_path: Path) -> None:
    (tmp_path / "in.yaml").write_text(EXTERNAL % "")
    assert main(["kubectl-asm", "validate", str(tmp_path / "in.yaml"), "--cluster-dir", str(tmp_path)]) == 2


class Refusing:
    """A cluster that lets nobody read."""

    def get(self, kind: type[KubeObject], namespace: str, name: str) -> KubeObject:
        raise AccessError("forbidden", status=403)

    def list(self, kind: type[KubeObject], namespace: str = "", *, label_selector: str = "") -> list[KubeObject]:
        raise AccessError("forbidden", status=403)


def test_what_may_not_be_read_is_noted_and_not_judged() -> None:
    sources = [SourceText("in.yaml", (EXTERNAL % REF).encode())]
    choices = Choices(closed_world=True)
    found = surroundings(Refusing(), sources, (), choices)  # type: ignore[arg-type]  # only reads are asked for
    assert "SecretStore objects in namespace shop may not be read: one reference is not judged" in found.notes()
    assert lint(sources, found.judged(choices), known=found.documents).findings == ()
