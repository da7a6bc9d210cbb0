"""A certificate authority that lives as long as the emulator and signs the cloud's host names, and nothing else.

The key of the authority never leaves memory; its certificate is what clients are told to trust, and its name constraints
keep that trust to the names below. Leaf certificates are made when a client names a host, because a wildcard covers one
label and the production names have two variable ones.
"""

from __future__ import annotations

import ipaddress
import ssl
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLOUD_DOMAIN: Final = "aliyuncs.com"
LOCAL_NAMES: Final = ("localhost",)
LOCAL_ADDRESSES: Final = ("127.0.0.1", "::1")
# Long on both sides: the key dies with the process, and clients of tests live at other times than their emulator.
_BEFORE: Final = timedelta(days=2 * 365)
_LIFE: Final = timedelta(days=10 * 365)
_MAX_CONTEXTS: Final = 256


class Authority:
    """Signs leaf certificates and gives one TLS context a host name. folder: a private one, for the leaf keys."""

    def __init__(self, now: datetime, folder: Path, extra_addresses: tuple[str, ...] = ()) -> None:
        self._start = now - _BEFORE
        self._folder = folder
        self._addresses = tuple(dict.fromkeys((*LOCAL_ADDRESSES, *extra_addresses)))
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._sign_authority()
        self._lock = threading.Lock()
        self._contexts: dict[str, ssl.SSLContext] = {}

    @property
    def pem(self) -> bytes:
        """The certificate of the authority."""
        return self._certificate.public_bytes(Encoding.PEM)

    def server_context(self) -> ssl.SSLContext:
        """Return the context for connections: it answers the local names until a client names a cloud host."""
        context = self._context_for("")

        def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            if name and _is_cloud_host(name):
                connection.context = self._context_for(name.lower())

        context.sni_callback = choose
        return context

    def _context_for(self, name: str) -> ssl.SSLContext:
        with self._lock:
            context = self._contexts.get(name)
            if context is None:
                if len(self._contexts) >= _MAX_CONTEXTS:
                    self._contexts = {"": self._contexts[""]}
                context = self._contexts[name] = self._build(name)
            return context

    def _build(self, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        path = self._folder / f"{name or 'default'}.pem"
        key = self._leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.touch(mode=0o600)
        path.write_bytes(key + self._sign_leaf(name).public_bytes(Encoding.PEM) + self.pem)
        context.load_cert_chain(path)
        path.unlink()
        return context

    def _sign_authority(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubectl-asm emulator CA")])
        permitted = [x509.DNSName(domain) for domain in (CLOUD_DOMAIN, *LOCAL_NAMES)]
        networks = [x509.IPAddress(ipaddress.ip_network(address)) for address in self._addresses]
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        return (
            self._builder(name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.NameConstraints([*permitted, *networks], None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .issuer_name(name)
            .sign(self._key, SHA256())
        )

    def _sign_leaf(self, name: str) -> x509.Certificate:
        local: list[x509.GeneralName] = [x509.DNSName(item) for item in (*LOCAL_NAMES, f"*.{CLOUD_DOMAIN}")]
        local += [x509.IPAddress(ipaddress.ip_address(address)) for address in self._addresses]
        names = [x509.DNSName(name)] if name else local
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, (name or "kubectl-asm emulator")[:64])])
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            self._builder(subject, self._leaf_key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(issuer_key, critical=False)
            .issuer_name(self._certificate.subject)
            .sign(self._key, SHA256())
        )

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._start)
            .not_valid_after(self._start + _LIFE)
        )


def _is_cloud_host(name: str) -> bool:
    labels = name.lower().split(".")
    is_sound = all(label and label.isascii() and label.replace("-", "").isalnum() for label in labels)
    return is_sound and len(name) <= 200 and name.lower().endswith(f".{CLOUD_DOMAIN}")
