"""OIDC tokens: shape, RS256 signature, audience, issuer and time of a ServiceAccount token.

Source: spec/cloud-apis.md 3.2 (order of the checks).
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from kubectl_asm.emulator.accounts import OidcProvider
from kubectl_asm.emulator.answers import ServiceFault

Jwks = Mapping[str, RSAPublicKey]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. All empty for a token that is taken unread."""

    subject: str = ""
    issuer: str = ""
    audiences: tuple[str, ...] = ()
    expires_at: int = 0
    issued_at: int = 0

    def conditions(self) -> dict[str, str]:
        """Return the claims under the names trust policies use."""
        pairs = {"oidc:sub": self.subject, "oidc:iss": self.issuer, "oidc:aud": self.audiences[0] if self.audiences else ""}
        return {name: value for name, value in pairs.items() if value}


def decode_jwks(document: Any) -> dict[str, RSAPublicKey]:
    """Return the RSA keys of a JWK set by key id. Raises ValueError."""
    items = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(items, list):
        raise ValueError("a JWK set has a list of keys")
    keys: dict[str, RSAPublicKey] = {}
    for item in items:
        if isinstance(item, Mapping) and item.get("kty") == "RSA":
            modulus, exponent = (int.from_bytes(_base64url(str(item.get(name, "")))) for name in ("n", "e"))
            keys[str(item.get("kid", ""))] = RSAPublicNumbers(exponent, modulus).public_key()
    if not keys:
        raise ValueError("the JWK set holds no RSA key")
    return keys


@dataclass(frozen=True, slots=True)
class TokenChecker:
    """Checks tokens against a key set. jwks returns None: no set was given, tokens are taken as they come."""

    jwks: Callable[[], Jwks | None]
    now: Callable[[], datetime] = field(repr=False)

    def check(self, token: str, provider: OidcProvider) -> Claims:
        """Return the claims of a good token; raises ServiceFault in the service's order."""
        keys = self.jwks()
        if keys is None:
            return _unverified(token)
        header, payload, signed, signature = _parts(token)
        if header.get("alg") != "RS256":
            raise _fault("OIDCToken.Invalid", "the algorithm is not supported")
        _verify(keys, str(header.get("kid", "")), signed, signature)
        claims = _claims(payload)
        if provider.issuer and claims.issuer != provider.issuer:
            raise _fault("OIDCToken.IssuerNotMatch", "the issuer is not that of the provider")
        if not set(claims.audiences) & set(provider.client_ids):
            raise _fault("OIDCToken.AudienceNotMatch", "the audience is none of the provider's client ids")
        if claims.expires_at <= self.now().timestamp():
            raise _fault("OIDCToken.Expired", "the token is expired")
        return claims


def _verify(keys: Jwks, key_id: str, signed: bytes, signature: bytes) -> None:
    key = keys.get(key_id) or (next(iter(keys.values())) if len(keys) == 1 and not key_id else None)
    if key is None:
        raise _fault("OIDCToken.InvalidSignature", "no key of the set has the token's key id")
    try:
        key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        raise _fault("OIDCToken.InvalidSignature", "the signature is wrong") from None


def _unverified(token: str) -> Claims:
    try:
        return _claims(_parts(token)[1])
    except ServiceFault:
        return Claims()


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """Return header, payload, signed bytes and signature of a compact token."""
    pieces = token.split(".")
    try:
        if len(pieces) != 3:
            raise ValueError
        header, payload = (json.loads(_base64url(piece)) for piece in pieces[:2])
        signature = _base64url(pieces[2])
    except (ValueError, RecursionError):
        raise _fault("OIDCToken.Invalid", "the token is malformed") from None
    if not isinstance(header, dict) or not isinstance(payload, dict):
        raise _fault("OIDCToken.Invalid", "the token is malformed")
    return header, payload, f"{pieces[0]}.{pieces[1]}".encode("utf-8", "replace"), signature


def _claims(payload: Mapping[str, Any]) -> Claims:
    audience = payload.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    return Claims(
        subject=str(payload.get("sub", "")),
        issuer=str(payload.get("iss", "")),
        audiences=tuple(str(item) for item in audiences),
        expires_at=_seconds(payload.get("exp")),
        issued_at=_seconds(payload.get("iat")),
    )


def _seconds(value: Any) -> int:
    is_number = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    return int(value) if is_number else 0


def _base64url(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("not base64url") from None


def _fault(code: str, message: str) -> ServiceFault:
    return ServiceFault(f"AuthenticationFail.{code}", 401, f"This JWT Token is refused: {message}.")
