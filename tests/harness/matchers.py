"""Value matchers of conformance cases (README section 5)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

import bcrypt

from kubectl_asm.model.objects import Secret


def data_problems(wanted: Mapping[str, Any], secret: Secret) -> Iterator[str]:
    """Yield what differs between the exact key set and values of a case and a Secret."""
    got = {key: value.reveal() for key, value in secret.data.items()}
    if set(wanted) != set(got):
        yield f"secret.data: wanted keys {sorted(wanted)}, got {sorted(got)}"
    for key, matcher in wanted.items():
        if key in got and not matches(matcher, got[key]):
            yield f"secret.data[{key}]: wanted {matcher!r}, got {got[key]!r}"


def matches(matcher: Any, value: bytes) -> bool:
    """Return whether a value satisfies a matcher."""
    if not isinstance(matcher, dict):
        return value == str(matcher).encode()
    ((form, argument),) = matcher.items()
    match form:
        case "base64":
            return value == base64.b64decode(argument)
        case "regex":
            return re.search(argument, value.decode("utf-8", "surrogateescape")) is not None
        case "oneOf":
            return value in [str(item).encode() for item in argument]
        case "bcrypt":
            is_of_cost = value.startswith(f"$2a${argument['cost']:02d}$".encode())
            return is_of_cost and bcrypt.checkpw(str(argument["password"]).encode(), value)
        case "htpasswd":
            user, _, digest = value.partition(b":")
            return (
                user == argument["user"].encode()
                and digest.endswith(b"\n")
                and digest.startswith(b"$2a$10$")
                and bcrypt.checkpw(str(argument["password"]).encode(), digest.rstrip(b"\n"))
            )
    raise AssertionError(f"unknown matcher {form}")
