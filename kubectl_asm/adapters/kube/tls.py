"""TLS settings of a kubeconfig as an SSL context, built in memory.

Python loads certificate chains from files only. Keys that a kubeconfig or a plugin gives as data go through pipes, so they
are never written to a disk; where the platform has no names for descriptors, through a private file that is gone before
this module returns.
"""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubectl_asm.errors import UsageError

_PIPE_CAPACITY = 16 * 1024
_DESCRIPTORS = Path("/dev/fd")


@dataclass(frozen=True, slots=True, repr=False)
class KeyPair:
    """A client certificate chain and its key, PEM."""

    certificate: bytes
    key: bytes


def context(cluster: Mapping[str, Any], folder: Path | None, pair: KeyPair | None) -> ssl.SSLContext:
    """Return the context for a cluster entry; raises UsageError for files and data that cannot be used."""
    result = ssl.create_default_context()
    if cluster.get("insecure-skip-tls-verify"):
        result.check_hostname = False
        result.verify_mode = ssl.CERT_NONE
    elif (authority := _content(cluster, "certificate-authority", folder)) is not None:
        result = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            result.load_verify_locations(cadata=authority.decode("ascii", "ignore"))
        except ssl.SSLError:
            raise UsageError("certificate-authority holds no PEM certificate") from None
    # the CAs of clusters predate the strict profile newer Pythons switch on
    result.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    if pair is not None:
        _load(result, pair)
    return result


def key_pair(user: Mapping[str, Any], folder: Path | None) -> KeyPair | None:
    """Return the client certificate of a user entry, None when it has none."""
    certificate, key = _content(user, "client-certificate", folder), _content(user, "client-key", folder)
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise UsageError("client-certificate and client-key are needed together")
    return KeyPair(certificate, key)


def resolve(path: str, folder: Path | None) -> Path:
    """Return the path of a file named in a kubeconfig, relative to the folder of that kubeconfig."""
    return (folder or Path()) / Path(path).expanduser()


def _content(entry: Mapping[str, Any], field: str, folder: Path | None) -> bytes | None:
    if data := entry.get(f"{field}-data"):
        try:
            return base64.b64decode(str(data), validate=True)
        except ValueError:
            raise UsageError(f"{field}-data of the kubeconfig is not base64") from None
    if not (path := entry.get(field)):
        return None
    file = resolve(str(path), folder)
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{field} {file} cannot be read: {error.strerror}") from None


def _load(result: ssl.SSLContext, pair: KeyPair) -> None:
    with ExitStack() as stack:
        names = [stack.enter_context(_named(content)) for content in (pair.certificate, pair.key)]
        try:
            # a key with a pass phrase must not stop and ask on the terminal
            result.load_cert_chain(names[0], names[1], password=lambda: "")
        except (ssl.SSLError, ValueError):
            raise UsageError("the client certificate and its key do not fit together or are not PEM") from None


@contextmanager
def _named(content: bytes) -> Iterator[str]:
    """Give content a file name for as long as the block runs."""
    if not _DESCRIPTORS.exists() or len(content) > _PIPE_CAPACITY:
        with tempfile.TemporaryDirectory() as folder:  # mode 0700
            file = Path(folder) / "pem"
            file.write_bytes(content)
            yield str(file)
        return
    reader, writer = os.pipe()
    try:
        os.write(writer, content)
        os.close(writer)
        yield f"{_DESCRIPTORS}/{reader}"
    finally:
        os.close(reader)
