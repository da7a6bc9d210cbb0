"""Who signed a call, and is the signature right: both schemes of the cloud, step by step.

Source: spec/cloud-apis.md 5.5.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from urllib.parse import unquote_plus

from kubectl_asm.adapters.cloud.signing import ACS3, acs3_signature, rpc_signature
from kubectl_asm.emulator.answers import ServiceFault
from kubectl_asm.emulator.wire import Request

SKEW: Final = timedelta(seconds=900)
ANONYMOUS: Final = ""
UNSIGNED_ACTIONS: Final = frozenset({"AssumeRoleWithOIDC"})

_REQUIRED = frozenset({"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A verified call. caller: the AccessKey id, empty when the operation is served without a signature."""

    action: str
    version: str
    params: Mapping[str, str] = field(repr=False)
    caller: str
    is_rpc: bool = False


class KeyTable(Protocol):
    """The AccessKeys that exist."""

    def secret_of(self, key_id: str, token: str) -> bytes:
        """Return the secret; raises ServiceFault for an unknown, disabled, expired or mismatched key."""


class NonceCache:
    """Nonces seen within the allowed skew."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, datetime] = OrderedDict()

    def use(self, nonce: str, now: datetime) -> None:
        """Remember a nonce; raises ServiceFault when it is empty or was used before."""
        with self._lock:
            while self._seen and next(iter(self._seen.values())) < now - SKEW:
                self._seen.popitem(last=False)
            if not nonce or nonce in self._seen:
                raise ServiceFault("SignatureNonceUsed", 400, "Specified signature nonce was used already.")
            self._seen[nonce] = now


def verify(request: Request, keys: KeyTable, nonces: NonceCache, now: datetime) -> Call:
    """Return the call of a correctly signed request; raises ServiceFault."""
    query = decode_pairs(request.raw_query)
    authorization = request.header("authorization")
    if authorization.startswith(f"{ACS3} "):
        return _verify_acs3(request, query, authorization[len(ACS3) + 1 :], keys, nonces, now)
    return _verify_rpc(request, query + _form(request), keys, nonces, now)


def _verify_acs3(request: Request, query: Pairs, rest: str, keys: KeyTable, nonces: NonceCache, now: datetime) -> Call:
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    key_id, listed, given = (fields.get(name, "") for name in ("Credential", "SignedHeaders", "Signature"))
    names = listed.split(";")
    if not key_id or not listed or not given or not _covers(names, request):
        raise _incomplete()
    digest = hashlib.sha256(request.body).hexdigest()
    if digest != request.header("x-acs-content-sha256"):
        raise _mismatch()
    check_date(request.header("x-acs-date"), now)
    secret = keys.secret_of(key_id, request.header("x-acs-security-token"))
    wanted = acs3_signature(
        secret,
        method=request.method,
        path=request.path,
        query=query,
        headers=request.headers,
        names=names,
        body_sha256=digest,
    )
    if not _equal(wanted, given):
        raise _mismatch()
    nonces.use(request.header("x-acs-signature-nonce"), now)
    return Call(request.header("x-acs-action"), request.header("x-acs-version"), unique(query + _form(request)), key_id)


def _covers(names: list[str], request: Request) -> bool:
    """Return whether a list of signed names is well-formed and holds all that must be signed."""
    needed = _REQUIRED | {name for name, _ in request.headers if name.startswith("x-acs-")}
    is_canonical = names == sorted(set(names)) and all(name == name.lower() for name in names)
    return is_canonical and needed <= set(names)


def _verify_rpc(request: Request, pairs: Pairs, keys: KeyTable, nonces: NonceCache, now: datetime) -> Call:
    params = unique(pairs)
    action, version = params.get("Action", ""), params.get("Version", "")
    given = params.get("Signature", "")
    if action in UNSIGNED_ACTIONS and not given:
        return Call(action, version, params, ANONYMOUS, is_rpc=True)
    if not given or params.get("SignatureMethod") != "HMAC-SHA1" or params.get("SignatureVersion") != "1.0":
        raise _incomplete()
    check_date(params.get("Timestamp", ""), now)
    key_id = params.get("AccessKeyId", "")
    secret = keys.secret_of(key_id, params.get("SecurityToken", ""))
    signed = [(name, value) for name, value in pairs if name != "Signature"]
    if not _equal(rpc_signature(secret, method=request.method, params=signed), given):
        raise _mismatch()
    nonces.use(params.get("SignatureNonce", ""), now)
    return Call(action, version, params, key_id, is_rpc=True)


def decode_pairs(text: str) -> Pairs:
    """Return the decoded pairs of a query or form."""
    pairs = (part.partition("=") for part in text.split("&") if part)
    return tuple((_decode(name), _decode(value)) for name, _, value in pairs)


def unique(pairs: Pairs) -> dict[str, str]:
    """Return the pairs as a mapping; a name that occurs twice is refused, so that nobody wins by being last."""
    params = dict(pairs)
    if len(params) != len(pairs):
        raise ServiceFault("InvalidParameter", 400, "A parameter is given twice.")
    return params


def check_date(text: str, now: datetime) -> None:
    """Refuse a time stamp that is malformed or too far from now."""
    try:
        date = datetime.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        date = None
    if date is None:
        raise ServiceFault("InvalidTimeStamp.Format", 400, "Specified time stamp is not well formatted.")
    if abs(now - date.astimezone(UTC)) > SKEW:
        raise ServiceFault("InvalidTimeStamp.Expired", 400, "Specified time stamp is expired.")


def _form(request: Request) -> Pairs:
    is_form = request.header("content-type").lower().startswith("application/x-www-form-urlencoded")
    return decode_pairs(request.body.decode("latin-1")) if is_form and request.body else ()


def _decode(text: str) -> str:
    # Heads and forms are read as Latin-1: bytes above ASCII become themselves again before they are UTF-8.
    raw = text.encode("latin-1", "replace").decode("utf-8", "surrogateescape") if not text.isascii() else text
    return unquote_plus(raw, errors="surrogateescape")


def _equal(wanted: str, given: str) -> bool:
    return hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace"))


def _incomplete() -> ServiceFault:
    return ServiceFault("IncompleteSignature", 400, "The request signature does not conform to the standards.")


def _mismatch() -> ServiceFault:
    # The real service echoes its canonical request, security token included; nothing is gained by repeating that.
    return ServiceFault("SignatureDoesNotMatch", 400, "Specified signature does not match our calculation.")
