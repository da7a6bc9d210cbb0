"""Instance metadata, versions 1 and 2: a session token, the role's name, its credentials, and a few facts.

Source: spec/cloud-apis.md 4.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from kubectl_asm.emulator.accounts import Accounts, Keys, Principal
from kubectl_asm.emulator.options import DEFAULT_ACCOUNT, World
from kubectl_asm.emulator.wire import Request, Response

TOKEN_PATH: Final = "/latest/api/token"  # noqa: S105  # a path
_META: Final = "/latest/meta-data/"
_ROLES: Final = f"{_META}ram/security-credentials/"
_TTL_HEADER: Final = "x-aliyun-ecs-metadata-token-ttl-seconds"
_TOKEN_HEADER: Final = "x-aliyun-ecs-metadata-token"  # noqa: S105  # a header name
_LIFE: Final = timedelta(hours=6)


def is_metadata(request: Request) -> bool:
    """Return whether a request is for the metadata service."""
    return request.path == TOKEN_PATH or request.path.startswith(_META)


def action_of(request: Request) -> str:
    """Return the word the record has for a request."""
    if request.path == TOKEN_PATH:
        return "Token"
    if request.path.rstrip("/") == _ROLES.rstrip("/"):
        return "RoleName"
    return "RoleCredentials" if request.path.startswith(_ROLES) else "Fact"


class MetadataService:
    """Answers metadata requests. Session keys enter the key table of the other services."""

    def __init__(self, world: World, accounts: Callable[[], Accounts], keys: Keys, region: str) -> None:
        self._world = world
        self._accounts = accounts
        self._keys = keys
        self._facts = {
            "region-id": region,
            "zone-id": f"{region}-a",
            "instance-id": "i-emulator",
            "owner-account-id": DEFAULT_ACCOUNT,
        }
        self._lock = threading.Lock()
        self._tokens: dict[str, datetime] = {}

    def handle(self, request: Request) -> Response:
        """Return the answer to a request under /latest/."""
        if request.path == TOKEN_PATH:
            return self._token(request) if request.method == "PUT" else _text(405, "")
        if request.method != "GET":
            return _text(405, "")
        status = self._refusal(request)
        return _text(status, "") if status else self._read(request.path)

    def _token(self, request: Request) -> Response:
        if request.header("x-forwarded-for"):
            return _text(403, "")
        ttl = request.header(_TTL_HEADER)
        if not ttl.isascii() or not ttl.isdigit() or len(ttl) > 5 or not 1 <= int(ttl) <= 21600:
            return _text(400, "")
        token = self._world.token(24).hex()
        now = self._world.now()
        with self._lock:
            self._tokens = {old: end for old, end in self._tokens.items() if end > now}
            self._tokens[token] = now + timedelta(seconds=int(ttl))
        return _text(200, token)

    def _refusal(self, request: Request) -> int:
        """Return the status of a refused read, 0 when it is allowed."""
        token = request.header(_TOKEN_HEADER)
        if not token:
            return 403 if self._accounts().metadata.is_token_required else 0
        with self._lock:
            expires_at = self._tokens.get(token)
        return 0 if expires_at is not None and expires_at > self._world.now() else 401

    def _read(self, path: str) -> Response:
        metadata = self._accounts().metadata
        role = metadata.role
        if path.rstrip("/") == _ROLES.rstrip("/"):
            status = metadata.status or (200 if role else 404)
            return _text(status, role if status == 200 else "")
        if path.startswith(_ROLES):
            return self._credentials(role) if role and path == _ROLES + role else _text(404, "")
        fact = self._facts.get(path.removeprefix(_META))
        return _text(404, "") if fact is None else _text(200, fact)

    def _credentials(self, name: str) -> Response:
        arn = f"acs:ram::{DEFAULT_ACCOUNT}:role/{name}"
        role = self._accounts().roles.get(arn)
        now = self._world.now().replace(microsecond=0)
        session = f"acs:ram::{DEFAULT_ACCOUNT}:assumed-role/{name}/i-emulator"
        principal = (
            Principal(DEFAULT_ACCOUNT, session, role.policies, arn) if role else Principal(DEFAULT_ACCOUNT, session, role_arn=arn)
        )
        key_id, key = self._keys.issue(name, principal, now + _LIFE)
        document = {
            "AccessKeyId": key_id,
            "AccessKeySecret": key.secret.decode(),
            "SecurityToken": key.token,
            "Expiration": f"{now + _LIFE:%Y-%m-%dT%H:%M:%SZ}",
            "LastUpdated": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "Code": "Success",
        }
        return Response(200, json.dumps(document).encode())


def _text(status: int, text: str) -> Response:
    return Response(status, text.encode(), "text/plain")
