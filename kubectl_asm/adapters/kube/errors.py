"""From HTTP answers and network failures to our ClusterError tree, in one place.

Messages are built from the server's Status text with every quoted value replaced by three stars; bodies that are no
Status are dropped. Tokens, headers and URLs with credentials never appear.
Source: Kubernetes API conventions (Status), apimachinery field errors.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec
import urllib3

from kubectl_asm.errors import (
    AccessError,
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    NotFoundError,
    RejectedError,
    UnavailableError,
)
from kubectl_asm.model.objects import KubeObject, Secret
from kubectl_asm.model.sensitive import MASK

MAX_MESSAGE = 600
UNKNOWN_KIND = "UnknownKind"
BROKEN_CONNECTION = "BrokenConnection"

_VALUED = re.compile(r"\b((?:Invalid|Unsupported|Duplicate) value|Not found): ")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_CHARACTER = re.compile(r"invalid character '(?:\\.[^']*|.)'")  # Go's JSON parser quotes the first one it does not like
_SHORT = 4  # a shorter text in a message proves nothing and masking it would garble words


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request was about, for messages: an RBAC verb, a full resource name, a namespace."""

    verb: str
    resource: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        scope = f' in namespace "{self.namespace}"' if self.namespace else ""
        name = f' "{self.name}"' if self.name else ""
        return f"{self.verb} {self.resource}{name}{scope}"


class _Cause(msgspec.Struct, frozen=True):
    reason: str = ""
    message: str = ""
    field: str = ""


class _Details(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    group: str = ""
    kind: str = ""
    causes: tuple[_Cause, ...] | None = None
    retry_after_seconds: int | None = None


class _Status(msgspec.Struct, frozen=True):
    kind: str = ""
    message: str = ""
    reason: str = ""
    details: _Details | None = None


def error_of_reply(status: int, headers: Mapping[str, str], body: bytes, asked: Asked) -> ClusterError:
    """Return the error of an HTTP answer that is no success."""
    answer = _decode(body)
    details = answer.details or _Details()
    message = _message(answer, details) or f"HTTP {status} from the API server"
    kind, hint = _class_and_hint(status, answer, details, asked)
    if kind is ClusterError and status == 404:
        return ClusterError(
            f"the API server does not know {asked.resource}",
            status=status,
            reason=UNKNOWN_KIND,
            hint="install the custom resource definitions, for example with `kubectl asm manifests`",
        )
    delay = _retry_after(headers, details)
    return kind(message, status=status, reason=answer.reason, hint=hint, retry_after_s=delay)


def _decode(body: bytes) -> _Status:
    try:
        answer = msgspec.json.decode(body, type=_Status)
    except msgspec.MsgspecError:
        return _Status()
    return answer if answer.kind == "Status" else _Status()


def _class_and_hint(status: int, answer: _Status, details: _Details, asked: Asked) -> tuple[type[ClusterError], str | None]:
    if status == 401:
        return AccessError, "the credentials are not valid or have expired; log in again or check the user of this context"
    if status == 403:
        return AccessError, _forbidden_hint(answer, asked)
    if status == 404:
        # a plain 404 page means that the kind is not served, and nothing about the object
        return (NotFoundError, None) if answer.reason == "NotFound" and details.name else (ClusterError, None)
    if status == 409:
        return (AlreadyExistsError if answer.reason == "AlreadyExists" else ConflictError), None
    if status in (408, 429) or status >= 500:
        return UnavailableError, None
    if status in (400, 405, 413, 415, 422):
        return RejectedError, None
    return ClusterError, None


def _forbidden_hint(answer: _Status, asked: Asked) -> str | None:
    if "cannot" not in answer.message:
        return None
    scope = f"--namespace {asked.namespace}" if asked.namespace else "--all-namespaces"
    return f"this needs permission to {asked}; check with: kubectl auth can-i {asked.verb} {asked.resource} {scope}"


def _retry_after(headers: Mapping[str, str], details: _Details) -> float | None:
    text = headers.get("Retry-After", "")
    if text.isdigit():
        return float(text)
    return float(details.retry_after_seconds) if details.retry_after_seconds else None


def _message(answer: _Status, details: _Details) -> str:
    """Return the Status text without any value: an Invalid one is put together from its causes."""
    if answer.reason == "Invalid" and details.causes:
        kind = f"{details.kind}.{details.group}" if details.group else details.kind
        problems = list(dict.fromkeys(f"{cause.field}: {without_values(cause.message)}" for cause in details.causes))
        text = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
        return _cut(f'{kind} "{details.name}" is invalid: {text}')
    return _cut(without_values(answer.message))


def _cut(text: str) -> str:
    text = " ".join(text.splitlines())
    return text if len(text) <= MAX_MESSAGE else f"{text[:MAX_MESSAGE]}..."


def without_values(message: str) -> str:
    """Return a field error text with the offending value masked: `Invalid value: ***: must be ...`."""
    parts: list[str] = []
    rest = message
    while match := _VALUED.search(rest):
        parts += [rest[: match.end()], MASK]
        rest = rest[match.end() :]
        if quoted := _QUOTED.match(rest):
            rest = rest[quoted.end() :]
        else:  # a structure: where it ends is unknown, so only what follows the last colon is kept
            _, colon, detail = rest.rpartition(": ")
            rest = f"{colon}{detail}" if colon else ""
    return _CHARACTER.sub(f"invalid character {MASK}", "".join([*parts, rest]))


def without_contents(error: ClusterError, obj: KubeObject) -> ClusterError:
    """Return the error with every value of obj masked in its message: admission webhooks may quote what they refuse."""
    message = error.message
    for text in sorted(_contents(obj), key=len, reverse=True):
        if len(text) >= _SHORT and text in message:
            message = message.replace(text, MASK)
    if message == error.message:
        return error
    return type(error)(message, status=error.status, reason=error.reason, hint=error.hint, retry_after_s=error.retry_after_s)


def _contents(obj: KubeObject) -> Iterable[str]:
    """Yield every text of an object as it is and as quoted words write it, and the data of a Secret in base64 as well."""
    texts = [*obj.metadata.labels.values(), *obj.metadata.annotations.values()]
    if isinstance(obj, Secret):
        texts += [value.reveal_text() for value in obj.data.values()]
        yield from (base64.b64encode(value.reveal()).decode("ascii") for value in obj.data.values())
    for text in texts:
        yield from (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])


def error_of_network(error: Exception, server: str, timeout_s: float | None) -> UnavailableError:
    """Return the error of a request that got no HTTP answer. server: URL without credentials."""
    if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason is not None:
        return error_of_network(error.reason, server, timeout_s)
    text = str(error)
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return _unreachable(f"the name of {server} does not resolve", "check the server of this context, DNS and VPN")
    if isinstance(error, urllib3.exceptions.ProxyError):
        return _unreachable(f"the proxy does not lead to {server}", "check HTTPS_PROXY, NO_PROXY and proxy-url of the cluster")
    if "Connection refused" in text:
        return _unreachable(f"{server} refuses the connection", "is the cluster running? check the server of this context")
    if isinstance(error, urllib3.exceptions.NewConnectionError):  # a kind of time-out to urllib3, whatever its reason
        return _unreachable(f"{server} cannot be reached", "check network and VPN")
    if isinstance(error, urllib3.exceptions.TimeoutError):
        within = f" within {timeout_s:g} s" if timeout_s else ""
        return _unreachable(f"no answer from {server}{within}", "check network and VPN, or give --request-timeout more time")
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verify failed" in text:
        return _untrusted(text, server)
    if isinstance(error, urllib3.exceptions.SSLError) or "SSLError" in text:
        return _unreachable(
            f"no TLS connection with {server}", "check that the server speaks TLS and accepts the client certificate"
        )
    return UnavailableError(f"the connection to {server} broke: {type(error).__name__}", reason=BROKEN_CONNECTION)


def _untrusted(text: str, server: str) -> UnavailableError:
    if "Hostname mismatch" in text or "IP address mismatch" in text:
        return _unreachable(f"the certificate of {server} is for another name", "give the name it is for with --tls-server-name")
    if "expired" in text:
        return _unreachable(f"the certificate of {server} has expired", "renew it, or check the clock of this machine")
    return _unreachable(
        f"the certificate of {server} is signed by an unknown authority", "give its CA with --certificate-authority"
    )


def _unreachable(message: str, hint: str) -> UnavailableError:
    return UnavailableError(message, hint=hint)
