"""The accounts of an emulator: keys, users, roles, OIDC providers, and the sessions its own STS handed out.

Where no account is written down there is one with one key that may do everything, every role exists, and every OIDC
token is taken. Source: spec/cli.md 3 (emulator), spec/cloud-apis.md 3, 5.5 lines 32 to 37.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from kubectl_asm.adapters.cloud.values import Failure, ValueFormError, decode_value
from kubectl_asm.emulator.answers import ServiceFault
from kubectl_asm.emulator.options import DEFAULT_ACCOUNT, DEFAULT_KEY_ID
from kubectl_asm.emulator.policies import ALLOW_ALL, Policy, PolicyError, decode_policy

_ROLE_ARN = re.compile(r"acs:ram::(\d+|[A-Za-z0-9.-]+):role/([A-Za-z0-9._-]{1,64})", re.ASCII)
DEFAULT_WORKER_ROLE: Final = "EmulatorWorkerRole"


class AccountsError(Exception):
    """An accounts file that cannot be used. path: keys and indices from the top of the document."""

    def __init__(self, path: tuple[str | int, ...], message: str) -> None:
        super().__init__(f"{'.'.join(str(part) for part in path) or 'document'}: {message}")
        self.path = path
        self.message = message


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a key belongs to. arn: of the user or the role session. role_arn: of the role behind a session."""

    account: str
    arn: str
    policies: tuple[Policy, ...] = field(default=(ALLOW_ALL,), repr=False)
    role_arn: str = ""

    @property
    def identity_type(self) -> str:
        """The word of GetCallerIdentity."""
        return "AssumedRoleUser" if self.role_arn else "RAMUser"

    @property
    def display_name(self) -> str:
        """Return `role:session`, or the name of the user."""
        _, _, name = self.arn.partition("/")
        return name.replace("/", ":") if self.role_arn else name


@dataclass(frozen=True, slots=True)
class Key:
    """A long-term or a session key."""

    secret: bytes = field(repr=False)
    principal: Principal
    token: str = field(default="", repr=False)
    expires_at: datetime | None = None
    is_disabled: bool = False


@dataclass(frozen=True, slots=True)
class Role:
    """A role that can be assumed. trust None: by anyone."""

    arn: str
    policies: tuple[Policy, ...] = (ALLOW_ALL,)
    trust: Policy | None = None
    max_session_s: int = 3600


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """A registered identity provider."""

    arn: str
    issuer: str = ""
    client_ids: tuple[str, ...] = ("sts.aliyuncs.com",)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The instance. role empty: none is attached. is_token_required: version 2 only. status: of a failing role name."""

    role: str = DEFAULT_WORKER_ROLE
    is_token_required: bool = False
    status: int = 0


@dataclass(frozen=True, slots=True)
class Accounts:
    """What an accounts file says. is_open: it names no account, so there is the default key and every role exists.

    failures: role ARN or `*` to what STS answers for that role. session_s: the life of every session, whatever is asked for.
    """

    keys: Mapping[str, Key] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    providers: Mapping[str, OidcProvider] = field(default_factory=dict)
    metadata: Metadata = field(default_factory=Metadata)
    is_open: bool = False
    failures: Mapping[str, Failure] = field(default_factory=dict)
    session_s: int | None = None

    def failure(self, role_arn: str) -> Failure | None:
        """Return what STS is told to answer for a role instead of a session."""
        return self.failures.get(role_arn) or self.failures.get("*")

    def role(self, arn: str) -> Role:
        """Return a role; raises ServiceFault EntityNotExist.Role."""
        known = self.roles.get(arn)
        if known is not None:
            return known
        if self.is_open and _ROLE_ARN.fullmatch(arn):
            return Role(arn, max_session_s=43200)
        raise ServiceFault("EntityNotExist.Role", 404, f"The role not exists: {arn}.")


def open_accounts() -> Accounts:
    """Return the accounts of an emulator without an accounts file."""
    return Accounts(_default_keys(), is_open=True)


def _default_keys() -> dict[str, Key]:
    user = Principal(DEFAULT_ACCOUNT, f"acs:ram::{DEFAULT_ACCOUNT}:user/{DEFAULT_KEY_ID}")
    return {DEFAULT_KEY_ID: Key(DEFAULT_KEY_ID.encode(), user)}


def decode_accounts(document: Any) -> Accounts:
    """Return the accounts of a parsed file; raises AccountsError with the path of the first problem."""
    keys: dict[str, Key] = {}
    roles: dict[str, Role] = {}
    providers: dict[str, OidcProvider] = {}
    top = _fields(document, (), ("apiVersion", "kind", "accounts", "metadata", "sts"))
    for index, raw in enumerate(_items(top.get("accounts"), ("accounts",))):
        path: tuple[str | int, ...] = ("accounts", index)
        account = _fields(raw, path, ("id", "users", "roles", "oidcProviders"))
        number = _text(account.get("id", DEFAULT_ACCOUNT), (*path, "id"))
        _decode_users(account, number, path, keys)
        _decode_roles(account, number, path, roles)
        _decode_providers(account, number, path, providers)
    is_open = top.get("accounts") is None
    metadata = _decode_metadata(top.get("metadata"), ("metadata",))
    failures, session_s = _decode_sts(top.get("sts"), ("sts",))
    return Accounts(_default_keys() if is_open else keys, roles, providers, metadata, is_open, failures, session_s)


def _decode_sts(raw: Any, path: tuple[str | int, ...]) -> tuple[dict[str, Failure], int | None]:
    section = _fields(raw or {}, path, ("fail", "life"))
    failures: dict[str, Failure] = {}
    for index, item in enumerate(_items(section.get("fail"), (*path, "fail"))):
        here = (*path, "fail", index)
        entry = _fields(item, here, ("role", "fail"))
        try:
            failure = decode_value({"fail": entry.get("fail")}, path=here)
        except ValueFormError as error:
            raise AccountsError(error.path, error.message) from None
        assert isinstance(failure, Failure)
        failures[_text(entry.get("role", "*"), (*here, "role"))] = failure
    life = section.get("life")
    if life is not None and (isinstance(life, bool) or not isinstance(life, int) or not 1 <= life <= 43200):
        raise AccountsError((*path, "life"), "a number of seconds from 1 to 43200 is expected")
    return failures, life


def _decode_users(account: Mapping[str, Any], number: str, path: tuple[str | int, ...], keys: dict[str, Key]) -> None:
    for index, raw in enumerate(_items(account.get("users"), (*path, "users"))):
        here = (*path, "users", index)
        user = _fields(raw, here, ("name", "accessKeys", "policies"))
        name = _text(user.get("name"), (*here, "name"))
        principal = Principal(number, f"acs:ram::{number}:user/{name}", _policies(user.get("policies", []), here))
        for position, item in enumerate(_items(user.get("accessKeys"), (*here, "accessKeys"))):
            place = (*here, "accessKeys", position)
            key = _fields(item, place, ("id", "secret", "disabled"))
            key_id = _text(key.get("id"), (*place, "id"))
            if key_id in keys:
                raise AccountsError((*place, "id"), "this AccessKey id is given twice")
            secret = _text(key.get("secret"), (*place, "secret")).encode()
            keys[key_id] = Key(secret, principal, is_disabled=key.get("disabled") is True)


def _decode_roles(account: Mapping[str, Any], number: str, path: tuple[str | int, ...], roles: dict[str, Role]) -> None:
    for index, raw in enumerate(_items(account.get("roles"), (*path, "roles"))):
        here = (*path, "roles", index)
        role = _fields(raw, here, ("name", "policies", "trust", "maxSessionDuration"))
        arn = f"acs:ram::{number}:role/{_text(role.get('name'), (*here, 'name'))}"
        longest = role.get("maxSessionDuration", 3600)
        if isinstance(longest, bool) or not isinstance(longest, int) or not 3600 <= longest <= 43200:
            raise AccountsError((*here, "maxSessionDuration"), "a number of seconds from 3600 to 43200 is expected")
        trust = None if role.get("trust") is None else _policy(role["trust"], (*here, "trust"))
        roles[arn] = Role(arn, _policies(role.get("policies", []), here), trust, longest)


def _decode_providers(
    account: Mapping[str, Any], number: str, path: tuple[str | int, ...], providers: dict[str, OidcProvider]
) -> None:
    for index, raw in enumerate(_items(account.get("oidcProviders"), (*path, "oidcProviders"))):
        here = (*path, "oidcProviders", index)
        provider = _fields(raw, here, ("name", "issuer", "clientIds"))
        arn = f"acs:ram::{number}:oidc-provider/{_text(provider.get('name'), (*here, 'name'))}"
        issuer = _text(provider.get("issuer", ""), (*here, "issuer"))
        ids = _items(provider.get("clientIds", ["sts.aliyuncs.com"]), (*here, "clientIds"))
        providers[arn] = OidcProvider(arn, issuer, tuple(_text(item, (*here, "clientIds")) for item in ids))


def _decode_metadata(raw: Any, path: tuple[str | int, ...]) -> Metadata:
    metadata = _fields(raw or {}, path, ("role", "httpTokens", "status"))
    tokens = metadata.get("httpTokens", "optional")
    if tokens not in ("optional", "required"):
        raise AccountsError((*path, "httpTokens"), "optional or required is expected")
    status = metadata.get("status", 0)
    if isinstance(status, bool) or not isinstance(status, int) or not (status == 0 or 400 <= status <= 599):
        raise AccountsError((*path, "status"), "an HTTP status from 400 to 599 is expected")
    return Metadata(_text(metadata.get("role", DEFAULT_WORKER_ROLE), (*path, "role")), tokens == "required", status)


class Keys:
    """verify.KeyTable: the long-term keys of the accounts and the sessions handed out since the start."""

    def __init__(self, accounts: Callable[[], Accounts], now: Callable[[], datetime], token: Callable[[int], bytes]) -> None:
        self._accounts = accounts
        self._now = now
        self._token = token
        self._lock = threading.Lock()
        self._sessions: dict[str, Key] = {}
        self._issued: Counter[str] = Counter()

    def secret_of(self, key_id: str, token: str) -> bytes:
        """Return the secret of a key that may sign now."""
        key = self._find(key_id)
        if key.is_disabled:
            raise ServiceFault("InvalidAccessKeyId.Inactive", 400, "Specified access key is disabled.")
        if key.token and not token:
            raise ServiceFault("MissingSecurityToken", 400, "SecurityToken is required for this access key.")
        if token != key.token:
            raise ServiceFault("InvalidSecurityToken.Malformed", 400, "Specified SecurityToken is malformed.")
        if key.expires_at is not None and self._now() >= key.expires_at:
            raise ServiceFault("InvalidSecurityToken.Expired", 400, "Specified SecurityToken is expired.")
        return key.secret

    def principal_of(self, key_id: str) -> Principal:
        """Return whose key it is."""
        return self._find(key_id).principal

    def issue(self, name: str, principal: Principal, expires_at: datetime) -> tuple[str, Key]:
        """Make a session key `STS.<name>`, from the second of a name on `STS.<name>.2`, `.3` ..."""
        key = Key(self._token(20).hex().encode(), principal, self._token(48).hex(), expires_at)
        with self._lock:
            self._issued[name] += 1
            count = self._issued[name]
            key_id = f"STS.{name}" if count == 1 else f"STS.{name}.{count}"
            self._sessions[key_id] = key
        return key_id, key

    def _find(self, key_id: str) -> Key:
        with self._lock:
            key = self._sessions.get(key_id)
        key = key or self._accounts().keys.get(key_id)
        if key is None:
            raise ServiceFault("InvalidAccessKeyId.NotFound", 404, "Specified access key is not found.")
        return key


def _policies(raw: Any, path: tuple[str | int, ...]) -> tuple[Policy, ...]:
    if raw == "*":
        return (ALLOW_ALL,)
    here = (*path, "policies")
    return tuple(_policy(item, (*here, index)) for index, item in enumerate(_items(raw, here)))


def _policy(raw: Any, path: tuple[str | int, ...]) -> Policy:
    try:
        return decode_policy(raw)
    except PolicyError as error:
        raise AccountsError(path, str(error)) from None


def _fields(raw: Any, path: tuple[str | int, ...], known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise AccountsError(path, "a mapping is expected")
    for name in raw:
        if name not in known:
            raise AccountsError((*path, str(name)), f"unknown field; known are {', '.join(known)}")
    return raw


def _items(raw: Any, path: tuple[str | int, ...]) -> list[Any]:
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise AccountsError(path, "a list is expected")
    return raw


def _text(raw: Any, path: tuple[str | int, ...]) -> str:
    if not isinstance(raw, str):
        raise AccountsError(path, "text is expected; put it in quotes")
    return raw
