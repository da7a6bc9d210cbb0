"""One cause gives one finding: what a field was meant to say is not guessed once it is told as wrong."""

from __future__ import annotations

import pytest

from kubectl_asm.diagnostics import Severity
from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.rules.context import Choices
from kubectl_asm.rules.linting import lint

HEAD = "apiVersion: alibabacloud.com/v1alpha1\nkind: ExternalSecret\nmetadata: {name: app, namespace: shop}\nspec:\n"
STORE = "apiVersion: alibabacloud.com/v1alpha1\nkind: %s\nmetadata: {name: kms%s}\nspec:\n  %s\n"
CLUSTER_STORE = STORE % ("ClusterSecretStore", "", "{KMS: {KMSAuth: {}}, conditions: [{namespaces: ['team-*']}]}")
OOS_STORE = STORE % ("SecretStore", ", namespace: shop", "OOS: {OOSAuth: {}}")
USER = HEAD + "  data: [{key: a, name: a, secretStoreRef: {name: kms%s}}]\n"
ACROSS = HEAD + "  data: [{key: a, name: a, secretStoreRef: {name: kms, namespace: shop}}]\n"
TEMPLATE = "  target: {template: {data: {x: '{{ .db }}'}}}\n"

CAUSES = {
    "key of a wrong form": (HEAD + "  data: [{key: [a], name: a}]\n", "ASM207"),
    "name of a store of a wrong form": (HEAD + "  data: [{key: a, secretStoreRef: {name: {a: b}}}]\n", "ASM207"),
    "name of a wrong form beside a key that is no Secret key": (HEAD + "  data: [{key: a/b, name: [a]}]\n", "ASM207"),
    "name of a wrong form that a template uses": (HEAD + "  data: [{key: a, name: [db]}]\n" + TEMPLATE, "ASM207"),
    "entries of a wrong form that a template uses": (HEAD + "  data: {db: a}\n" + TEMPLATE, "ASM207"),
    "missing alias that a template uses": (HEAD + "  data: [{key: a, jmesPath: [{path: db}]}]\n" + TEMPLATE, "ASM206"),
    "provider of a wrong form beside its store": (OOS_STORE + "---\n" + (USER % "") + "  provider: [oos]\n", "ASM207"),
    "misspelt metadata": (ACROSS.replace("metadata", "metadta"), "ASM203"),
    "misspelt namespace": (ACROSS.replace("namespace: shop}\n", "namespce: shop}\n", 1), "ASM203"),
    "namespace that cannot exist": (ACROSS.replace("shop}\n", "Shop}\n", 1), "ASM209"),
    "pattern where a namespace belongs": (CLUSTER_STORE + "---\n" + USER % ", kind: ClusterSecretStore", "ASM209"),
    "rule without source": (HEAD + "  dataProcess: [{extract: {key: a}, replaceRule: [{target: '$1'}]}]\n", "ASM206"),
    "kind of a wrong form": (HEAD.replace("ExternalSecret", "[ExternalSecret]") + "  data: [{key: a}]\n", "ASM202"),
    "misspelt kind": (HEAD.replace("kind", "knd") + "  data: [{key: a}]\n", "ASM202"),
}


@pytest.mark.parametrize(("text", "code"), CAUSES.values(), ids=CAUSES)
def test_cause_is_told_once(text: str, code: str) -> None:
    found = [one.finding for one in lint([SourceText("in.yaml", text.encode())], Choices()).findings]
    assert [one.code for one in found if one.severity is not Severity.INFO] == [code]
