"""Identities as output: whose credentials a client has, or why nobody can say. No key, token or signature in any form.

Source: spec/cli.md 3 (whoami), spec/operation.md 5.
"""

from __future__ import annotations

from typing import Any, Final

from kubectl_asm.model.backend import BackendError, Identity, Provider, Tier

HEADER: Final = ("STORE", "SERVICE", "TIER", "ACCOUNT", "IDENTITY", "USED BY")

_WORDS: Final = {
    Tier.SERVICE_ACCOUNT: "the ServiceAccount {account}",
    Tier.TOKEN_FILE: "a token file",
    Tier.AK_ASSUME_ROLE: "an AccessKey and a role",
    Tier.AK: "an AccessKey",
    Tier.WORKER_ROLE: "the role of this machine",
    Tier.LOCAL: "--credentials={source}",
}


def identity_row(
    label: str, provider: Provider | None, identity: Identity | None, used_by: int, who: str, account: str
) -> list[str]:
    """Return one row of the table. who: the ARN, or why there is none."""
    tier = str(identity.tier) if identity else "-"
    return [label, str(provider) if provider else "any", tier, account or "-", who, str(used_by)]


def identity_item(
    client: str,
    store: tuple[str, str] | None,
    provider: Provider | None,
    identity: Identity | None,
    used_by: int,
    *,
    caller: tuple[str, str, str] | None,
    error: BackendError | None,
) -> dict[str, Any]:
    """Return one item of kind WhoAmI. caller: account, ARN and the service's word for its kind."""
    account, arn, kind = caller or (None, None, None)
    return {
        "client": client,
        "store": store_item(store),
        "provider": str(provider) if provider else None,
        "tier": str(identity.tier) if identity else None,
        "roleArn": (identity.role_arn or None) if identity else None,
        "sessionName": (identity.session_name or None) if identity else None,
        "remoteRoleArn": identity.hop.role_arn if identity and identity.hop else None,
        "account": account,
        "arn": arn,
        "type": kind,
        "usedBy": used_by,
        "error": None if error is None else error_item(error),
    }


def store_item(store: tuple[str, str] | None) -> dict[str, str] | None:
    """Return a store's name for JSON from its kind and path."""
    if store is None:
        return None
    namespace, _, name = store[1].rpartition("/")
    return {"kind": store[0], "namespace": namespace, "name": name}


def error_item(error: BackendError) -> dict[str, Any]:
    """Return what failed: code, status and our own sentence."""
    return {
        "class": str(error.error_class),
        "code": error.code or None,
        "status": error.status or None,
        "message": str(error),
        "hint": error.hint,
    }


def identity_line(label: str, identity: Identity, who: str) -> str:
    """Return one line for people: which store reads as whom, and by what."""
    account = "/".join(identity.service_account) if identity.service_account else ""
    return f"{label} reads as {who}, by {_WORDS[identity.tier].format(account=account, source=identity.source)}"
