"""What an account really asked of the API server, from the server's own audit log: verbs as RBAC names them, and refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Right = tuple[str, str, str]
"""API group, resource with its subresource, verb."""


@dataclass(frozen=True)
class Request:
    """One answered request. right: what RBAC was asked for; code: HTTP status."""

    right: Right
    namespace: str
    name: str
    code: int

    def __str__(self) -> str:
        group, resource, verb = self.right
        return f"{self.code} {verb} {resource}{'.' if group else ''}{group} {self.namespace}/{self.name}"


@dataclass(frozen=True)
class Audit:
    """The audit log of an API server that was started with flags. folder: where it is kept."""

    folder: Path

    @property
    def _log(self) -> Path:
        return self.folder / "audit.jsonl"

    def flags(self) -> Sequence[str]:
        """Write the policy and return the flags that make a server log who asked for what, without any body."""
        policy = self.folder / "audit-policy.yaml"
        rule = {"level": "Metadata", "userGroups": ["system:serviceaccounts"], "omitStages": ["RequestReceived"]}
        document = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [rule, {"level": "None"}]}
        policy.write_text(yaml.safe_dump(document))
        return (f"--audit-policy-file={policy}", f"--audit-log-path={self._log}")

    def position(self) -> int:
        """Return where the log ends now."""
        return self._log.stat().st_size if self._log.exists() else 0

    def requests(self, since: int = 0) -> list[Request]:
        """Return what was asked after a position, watches when they began. Discovery is left out."""
        with self._log.open("rb") as log:
            log.seek(since)
            events = [json.loads(line) for line in log.read().splitlines(keepends=True) if line.endswith(b"\n")]
        return [request for event in events for request in _requests(event)]


def _requests(event: dict[str, Any]) -> Iterator[Request]:
    """Yield what an event asked for; an apply that made an object needed the right to create it as well."""
    about = event.get("objectRef")
    if about is None or (event["verb"] == "watch" and event["stage"] == "ResponseComplete" and _code(event) < 400):
        return
    resource = "/".join(filter(None, (about["resource"], about.get("subresource"))))
    verbs = [event["verb"], *(["create"] if event["verb"] == "patch" and _code(event) == 201 else [])]
    for verb in verbs:
        right = (about.get("apiGroup", ""), resource, verb)
        yield Request(right, about.get("namespace", ""), about.get("name", ""), _code(event))


def _code(event: dict[str, Any]) -> int:
    return int(event.get("responseStatus", {}).get("code", 0))
