"""Failures below HTTP: from whatever a library raised to one Network word and a safe sentence.

Texts are made of the host name and fixed words only; library messages hold URLs, which hold secret names and tokens.
Source: spec/data.md 8.1.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from typing import Final

import urllib3.exceptions as u

from kubectl_asm.errors import AsmError
from kubectl_asm.model.backend import Network

_WORDS: Final = {
    Network.TIMEOUT: "no answer in time",
    Network.RESET: "the connection was cut",
    Network.BROKEN_PIPE: "the connection broke while sending",
    Network.DNS_TEMPORARY: "its name could not be looked up just now",
    Network.DNS_NO_SUCH_HOST: "its name does not exist",
    Network.PERMISSION_DENIED: "this machine forbids the connection",
    Network.REFUSED: "the connection was refused",
    Network.TLS: "the TLS handshake failed",
    Network.OTHER: "the connection failed",
}

_DNS_TEMPORARY: Final = {socket.EAI_AGAIN}
_DNS_ABSENT: Final = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


class TransportError(OSError):
    """An exchange that did not end with a complete reply. An OSError, so that the SDK lets it through as a cause."""

    def __init__(self, network: Network, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.network = network
        self.message = message
        self.hint = hint


def classify(error: BaseException, host: str) -> TransportError:
    """Return the TransportError for what a library raised while talking to host."""
    if isinstance(error, TransportError):
        return error
    network = network_of(error)
    detail = _tls_detail(error) if network is Network.TLS else ""
    return TransportError(network, f"{host}: {_WORDS[network]}{detail}", hint=_hint(network, host))


def network_of(error: BaseException) -> Network:
    """Return the Network word of an exception and everything it wraps; the innermost known cause decides."""
    words = [word for cause in causes(error) if (word := _word(cause)) is not None]
    return words[-1] if words else Network.OTHER


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all it wraps (args, reason, original error, cause, context), outermost first."""
    seen: set[int] = set()
    pending = [error]
    while pending:
        current = pending.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, TransportError | AsmError):
            continue  # ours are complete, and what they were raised during may be an earlier, unrelated failure
        context = None if current.__suppress_context__ else current.__context__
        inner = [*current.args, getattr(current, "reason", None), getattr(current, "original_error", None)]
        inner += [getattr(current, "inner_exception", None), current.__cause__, context]
        pending += [item for item in inner if isinstance(item, BaseException)]


def _word(error: BaseException) -> Network | None:
    """Return the word of one exception by itself, None when its class says too little."""
    if isinstance(error, socket.gaierror):
        return _dns_word(error.errno)
    if isinstance(error, u.NameResolutionError | u.NewConnectionError):
        return None  # both are wrappers, and a subclass of the connect time-out at that: their cause decides
    for kinds, word in _BY_CLASS:
        if isinstance(error, kinds):
            return word
    return _BY_ERRNO.get(error.errno or 0) if isinstance(error, OSError) else None


def _dns_word(number: int | None) -> Network:
    if number in _DNS_TEMPORARY:
        return Network.DNS_TEMPORARY
    return Network.DNS_NO_SUCH_HOST if number in _DNS_ABSENT else Network.OTHER


# A reply that ends too early is a cut connection: the server may well answer in full the next time.
_BY_CLASS: Final[tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Network], ...]] = (
    ((u.ConnectTimeoutError, u.ReadTimeoutError, TimeoutError), Network.TIMEOUT),
    (BrokenPipeError, Network.BROKEN_PIPE),
    ((ConnectionResetError, ConnectionAbortedError, u.IncompleteRead, u.InvalidChunkLength), Network.RESET),
    (ConnectionRefusedError, Network.REFUSED),
    (PermissionError, Network.PERMISSION_DENIED),
    ((ssl.SSLEOFError, ssl.SSLZeroReturnError), Network.RESET),
    ((ssl.SSLError, u.SSLError), Network.TLS),
)
_BY_ERRNO: Final = {errno.ETIMEDOUT: Network.TIMEOUT, errno.EPERM: Network.PERMISSION_DENIED}


def _tls_detail(error: BaseException) -> str:
    for cause in causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            message = str(getattr(cause, "verify_message", ""))
            return f" ({message.rstrip('.')})" if message else ""
    return ""


def _hint(network: Network, host: str) -> str:
    if network is Network.TLS and host.endswith(".cryptoservice.kms.aliyuncs.com"):
        return "a dedicated KMS instance has a CA of its own: set --kms-ca-file or --kms-ca-dir"
    if network in (Network.TIMEOUT, Network.DNS_NO_SUCH_HOST) and "-vpc." in host:
        return "this host answers inside the VPC only: --network=public uses the public hosts"
    return ""
