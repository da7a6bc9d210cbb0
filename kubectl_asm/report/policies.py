"""Policies as output: documents to attach with their placeholders, manifests to apply, hosts to allow.

Source: spec/cli.md 3 (explain --policy).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any

from kubectl_asm.engine.policies import Policy
from kubectl_asm.engine.policies_egress import Destination
from kubectl_asm.report.documents import envelope, write_object, write_stream
from kubectl_asm.report.plans import ref_item


def write_policies(out: IO[str], kind: str, policies: Sequence[Policy], form: str) -> None:
    """Write RAM or trust policies."""
    write_object(out, envelope("Policy", policy=kind, items=[policy_item(one) for one in policies]), form)


def policy_item(policy: Policy) -> dict[str, Any]:
    """Return one policy: whose it is, the document, what has to be filled in, and which objects need it."""
    return {
        "principal": {"kind": policy.principal.kind, "name": policy.principal.name},
        "document": dict(policy.document),
        "placeholders": [{"text": text, "meaning": meaning} for text, meaning in sorted(policy.placeholders.items())],
        "objects": [ref_item(ref) for ref in policy.objects],
    }


def write_roles(out: IO[str], roles: Sequence[dict[str, Any]], form: str) -> None:
    """Write Role and ClusterRole manifests as kubectl takes them: a stream, or a List in JSON."""
    if form == "json":
        write_object(out, {"apiVersion": "v1", "kind": "List", "items": list(roles)}, "json")
    else:
        write_stream(out, roles)


def write_destinations(out: IO[str], found: Sequence[Destination], form: str) -> None:
    """Write the egress list."""
    items = [
        {
            "host": one.host,
            "port": one.port,
            "services": list(one.services),
            "objects": [ref_item(ref) for ref in one.objects],
        }
        for one in found
    ]
    write_object(out, envelope("Policy", policy="network", items=items), form)
