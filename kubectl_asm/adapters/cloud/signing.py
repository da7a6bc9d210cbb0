"""The two signature schemes of the cloud's interfaces, as pure functions over text and bytes.

Used by our own STS client (RPC v1) and by the emulator's verifier (both schemes); KMS and OOS calls are signed by the
official SDK, which is the oracle of the tests.
Source: spec/cloud-apis.md 5.2, 5.3.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

Pairs = Iterable[tuple[str, str]]

ACS3: Final = "ACS3-HMAC-SHA256"


def encode(text: str) -> str:
    """Percent-encode: `A-Z a-z 0-9 - _ . ~` stay, everything else becomes upper-case hex of its UTF-8 bytes."""
    return quote(text, safe="-_.~", errors="surrogateescape")


def canonical_query(pairs: Pairs) -> str:
    """Return sorted `name=value` pairs, encoded, joined by `&`. An empty value keeps its `=`."""
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in sorted(pairs))


def canonical_headers(names: Sequence[str], headers: Pairs) -> str:
    """Return `name:value` lines in the order of names. headers: lower-case names, repeats allowed; values are trimmed."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value.strip())
    return "".join(f"{name}:{','.join(sorted(values.get(name, [''])))}\n" for name in names)


def acs3_signature(
    secret: bytes, *, method: str, path: str, query: Pairs, headers: Pairs, names: Sequence[str], body_sha256: str
) -> str:
    """Return the lower-case hex signature of an ACS3 request. names: the signed header names, sorted."""
    request = "\n".join(
        [
            method,
            path or "/",
            canonical_query(query),
            canonical_headers(names, headers),
            ";".join(names),
            body_sha256,
        ]
    )
    digest = hashlib.sha256(request.encode("utf-8", "surrogateescape")).hexdigest()
    return hmac.new(secret, f"{ACS3}\n{digest}".encode(), hashlib.sha256).hexdigest()


def rpc_signature(secret: bytes, *, method: str, params: Pairs) -> str:
    """Return the base64 signature of an RPC v1 request. params: all of them except Signature."""
    text = f"{method}&%2F&{encode(canonical_query(params))}"
    # SHA-1 is what the interface demands; a keyed digest is not hurt by its collisions.
    return base64.b64encode(hmac.new(secret + b"&", text.encode(), hashlib.sha1).digest()).decode()
