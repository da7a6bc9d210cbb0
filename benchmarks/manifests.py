"""Manifests of benchmarks: ExternalSecrets as teams write them, any number of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

FIXTURES = {
    "apiVersion": "kubectl-asm/v1",
    "kind": "Fixtures",
    "kms": {"doc": '{"name":"tom","age":"14","friends":[{"name":"lili"},{"name":"edf"}]}'},
}


def external_secrets(count: int, *, namespaces: int = 50, secrets: int = 200) -> Iterator[dict[str, Any]]:
    """Yield ExternalSecrets with two plain entries, one query and one extract each."""
    for number in range(count):
        yield {
            "apiVersion": "alibabacloud.com/v1alpha1",
            "kind": "ExternalSecret",
            "metadata": {"name": f"app-{number}", "namespace": f"ns-{number % namespaces}", "labels": {"app": f"a{number}"}},
            "spec": {
                "provider": "kms",
                "rotationInterval": "10m",
                "data": [
                    {"key": f"secret-{number % secrets}", "name": "password"},
                    {"key": f"secret-{(number + 1) % secrets}", "name": "token", "versionStage": "ACSCurrent"},
                    {"key": "doc", "name": "raw", "jmesPath": [{"path": "friends[0].name", "objectAlias": "friend"}]},
                ],
                "dataProcess": [{"extract": {"key": "doc"}, "replaceRule": [{"source": "^n(.*)", "target": "N$1"}]}],
            },
        }


def fixtures(secrets: int = 200) -> dict[str, Any]:
    """Return a fixtures file with as many distinct secrets."""
    values = {f"secret-{number}": f"value-{number}" for number in range(secrets)}
    return {**FIXTURES, "kms": {**FIXTURES["kms"], **values}}
