"""Private keys and X.509 certificates as PEM texts: the work behind the ``gen...`` and ``buildCustomCert`` functions.

The environment gives the instant, serial numbers, and ECDSA and Ed25519 keys; RSA and DSA keys come from the system's
generator inside the cryptography library, which takes no other source. Called by ``crypto.py`` only.
Source: spec/templates.md 6.3; Go crypto/x509, encoding/pem.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa

from kubectl_asm.gotemplate.funcs import der
from kubectl_asm.gotemplate.funcs.signature import Environment, FunctionError
from kubectl_asm.gotemplate.printf import display
from kubectl_asm.gotemplate.quoting import quote
from kubectl_asm.gotemplate.values import Certificate, GoList, wrap

PrivateKey = rsa.RSAPrivateKey | dsa.DSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Signer = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

CA_BITS: Final = 2048
KEY_BITS: Final = 4096
_STEPS_PER_RSA_BIT: Final = 20
_STEPS_OF_DSA: Final = 100_000
_DAY_NS: Final = 24 * 60 * 60 * 10**9


# --- PEM --------------------------------------------------------------------------------------------------


class Block(NamedTuple):
    """A PEM block: the words of its BEGIN line and its bytes."""

    label: str
    content: bytes


_BEGIN: Final = re.compile(r"^-----BEGIN ([^\n]*?)-----[ \t\r]*\n", re.MULTILINE)


def _body(text: str) -> str | None:
    """Return the base64 lines of a block without its headers; None when a dash shows that they are none."""
    head, blank, rest = text.partition("\n\n")
    body = rest if blank and ":" in head else text
    return None if "-" in body else re.sub(r"[ \t\r\n]", "", body)


def decode_pem(text: str) -> Block | None:
    """Return the first sound PEM block of the text, None when there is none; headers are skipped."""
    unfinished: set[str] = set()
    for match in _BEGIN.finditer(text):
        label = match[1]
        end = -1 if label in unfinished else text.find(f"-----END {label}-----", match.end())
        if end < 0:
            unfinished.add(label)
            continue
        body = None if text.startswith("-----BEGIN ", match.end()) else _body(text[match.end() : end])
        try:
            if body is not None:
                return Block(label, base64.b64decode(body, validate=True))
        except (binascii.Error, ValueError):
            continue
    return None


def encode_pem(label: str, content: bytes) -> str:
    """Return a PEM block in lines of 64 characters."""
    digits = base64.b64encode(content).decode()
    lines = [digits[start : start + 64] for start in range(0, len(digits), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


# --- keys -------------------------------------------------------------------------------------------------


def generate_rsa(env: Environment, bits: int) -> rsa.RSAPrivateKey:
    """Return a new RSA key, after charging the time it takes."""
    env.budget.step(bits * _STEPS_PER_RSA_BIT)
    env.budget.check_time()
    return rsa.generate_private_key(65537, bits)


def generate_key(env: Environment, kind: str) -> PrivateKey | None:
    """Return a new key: ``rsa`` (or empty), ``dsa``, ``ecdsa``, ``ed25519``; None for an unknown kind."""
    if kind in ("", "rsa"):
        return generate_rsa(env, KEY_BITS)
    if kind == "dsa":
        env.budget.step(_STEPS_OF_DSA)
        env.budget.check_time()
        return dsa.generate_private_key(2048)
    if kind == "ecdsa":
        order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
        return ec.derive_private_key(env.random.below(order - 1) + 1, ec.SECP256R1())
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(env.random.bytes(32))
    return None


def key_pem(key: PrivateKey) -> str:
    """Return the key as PEM in the form of its kind: PKCS#1, SEC 1, the DSA sequence, or PKCS#8 for Ed25519."""
    pkcs8 = isinstance(key, ed25519.Ed25519PrivateKey)
    form = serialization.PrivateFormat.PKCS8 if pkcs8 else serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


_KEY_LABELS: Final = {"RSA": rsa.RSAPrivateKey, "EC": ec.EllipticCurvePrivateKey, "DSA": dsa.DSAPrivateKey}


def _load(content: bytes, complaint: str) -> PrivateKey:
    try:
        key = serialization.load_der_private_key(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise FunctionError(f"{complaint}: {error}") from error
    if isinstance(key, (rsa.RSAPrivateKey, dsa.DSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)):
        return key
    raise FunctionError(f"{complaint}: unsupported key type")


def parse_key(text: str) -> PrivateKey:
    """Return the private key of a PEM text. Raises: FunctionError."""
    block = decode_pem(text)
    if block is None:
        raise FunctionError("no PEM data in input")
    if block.label == "PRIVATE KEY":
        return _load(block.content, "decoding PEM as PKCS#8")
    if not block.label.endswith(" PRIVATE KEY"):
        raise FunctionError(f"no private key data in PEM block of type {block.label}")
    kind = block.label.removesuffix(" PRIVATE KEY")
    if kind not in _KEY_LABELS:
        raise FunctionError(f"invalid private key type {block.label}")
    key = _load(block.content, f"parsing {kind} private key from PEM")
    if not isinstance(key, _KEY_LABELS[kind]):
        raise FunctionError(f"parsing {kind} private key from PEM: wrong key type")
    return key


# --- certificates -----------------------------------------------------------------------------------------


class Subject(NamedTuple):
    """What a certificate is about. addresses: packed; names: DNS names; days: validity from now, may be negative."""

    common_name: str
    addresses: Sequence[bytes]
    names: Sequence[str]
    days: int
    is_ca: bool = False


class Issuer(NamedTuple):
    """Who signs: the encoded name, the key, and the key identifier to refer to (empty for none)."""

    name: bytes
    key: PrivateKey
    key_id: bytes


def packed_addresses(values: GoList) -> list[bytes]:
    """Return the IP addresses of a list in network form. Raises: FunctionError for anything else in it."""
    packed = []
    for value in values:
        if not isinstance(value, str):
            raise FunctionError(f"error parsing ip: {display(value)} is not a string")
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            raise FunctionError(f"error parsing ip: {value}") from None
        if "%" in value:
            raise FunctionError(f"error parsing ip: {value}")
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        packed.append((mapped or address).packed)
    return packed


def dns_names(values: GoList) -> list[str]:
    """Return the texts of a list. Raises: FunctionError for anything else in it."""
    names = []
    for value in values:
        if not isinstance(value, str):
            raise FunctionError(f"error processing alternate dns name: {display(value)} is not a string")
        names.append(value)
    return names


def encoded_name(common_name: str) -> bytes:
    """Return the X.509 name that has this common name only; an empty one has no attribute at all."""
    if not common_name:
        return der.sequence()
    return der.sequence(der.set_of(der.sequence(der.oid("2.5.4.3"), der.text(common_name))))


def _public_info(key: Signer) -> tuple[bytes, bytes]:
    """Return the encoded SubjectPublicKeyInfo and the key identifier Go derives from its bits."""
    public = key.public_key()
    info = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if isinstance(public, rsa.RSAPublicKey):
        content = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        content = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    else:
        content = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return info, hashlib.sha256(content).digest()[:20]


def _extension(identifier: str, content: bytes, *, critical: bool = False) -> bytes:
    return der.sequence(der.oid(identifier), *([der.boolean(True)] if critical else []), der.octets(content))


def _alternative_names(subject: Subject) -> bytes:
    for name in subject.names:
        if not name.isascii():
            raise FunctionError(f"error creating certificate: x509: {quote(name)} cannot be encoded as an IA5String")
    names = [der.context(2, name.encode(), constructed=False) for name in subject.names]
    return der.sequence(*names, *(der.context(7, address, constructed=False) for address in subject.addresses))


def _extensions(subject: Subject, own_key_id: bytes, issuer_key_id: bytes) -> bytes:
    """Return the extensions in Go's order: key usage, extended usage, constraints, key identifiers, names."""
    usage = der.bits(b"\xa4", 2) if subject.is_ca else der.bits(b"\xa0", 5)
    parts = [
        _extension("2.5.29.15", usage, critical=True),
        _extension("2.5.29.37", der.sequence(der.oid("1.3.6.1.5.5.7.3.1"), der.oid("1.3.6.1.5.5.7.3.2"))),
        _extension("2.5.29.19", der.sequence(der.boolean(True)) if subject.is_ca else der.sequence(), critical=True),
    ]
    if subject.is_ca:
        parts.append(_extension("2.5.29.14", der.octets(own_key_id)))
    if issuer_key_id:
        parts.append(_extension("2.5.29.35", der.sequence(der.context(0, issuer_key_id, constructed=False))))
    if subject.names or subject.addresses:
        parts.append(_extension("2.5.29.17", _alternative_names(subject), critical=not subject.common_name))
    return der.context(3, der.sequence(*parts))


def _ecdsa_hash(key: ec.EllipticCurvePrivateKey) -> tuple[str, hashes.HashAlgorithm]:
    if key.curve.key_size > 384:
        return "1.2.840.10045.4.3.4", hashes.SHA512()
    if key.curve.key_size > 256:
        return "1.2.840.10045.4.3.3", hashes.SHA384()
    return "1.2.840.10045.4.3.2", hashes.SHA256()


def _algorithm(key: Signer) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return der.sequence(der.oid("1.2.840.113549.1.1.11"), der.null())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return der.sequence(der.oid(_ecdsa_hash(key)[0]))
    return der.sequence(der.oid("1.3.101.112"))


def _sign(key: Signer, data: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(_ecdsa_hash(key)[1]))
    return key.sign(data)


def _as_signer(key: PrivateKey) -> Signer:
    if isinstance(key, dsa.DSAPrivateKey):
        raise FunctionError("error creating certificate: x509: certificate private key does not implement crypto.Signer")
    return key


def _validity(now: datetime, days: int) -> bytes:
    """Return both ends of the validity. The length overflows like Go's Duration, which keeps it within 292 years."""
    length = timedelta(microseconds=wrap(days * _DAY_NS) // 1000)
    return der.sequence(der.time(now), der.time(now + length))


def issue(env: Environment, subject: Subject, key: PrivateKey, issuer: Issuer | None = None) -> Certificate:
    """Return the certificate for a key, signed by the issuer or by the key itself. Raises: FunctionError."""
    name = encoded_name(_valid_name(subject.common_name))
    signer = _as_signer(issuer.key if issuer else key)
    if isinstance(key, dsa.DSAPrivateKey):
        raise FunctionError("error creating certificate: x509: unsupported public key type: *dsa.PublicKey")
    info, key_id = _public_info(key)
    issuer_key_id = issuer.key_id if issuer and issuer.name != name else b""
    to_sign = der.sequence(
        der.context(0, der.integer(2)),
        der.integer(env.random.below((1 << 128) - 1) + 1),
        _algorithm(signer),
        issuer.name if issuer else name,
        _validity(env.now, subject.days),
        name,
        info,
        _extensions(subject, key_id, issuer_key_id),
    )
    content = der.sequence(to_sign, _algorithm(signer), der.bits(_sign(signer, to_sign)))
    return Certificate(encode_pem("CERTIFICATE", content), key_pem(key))


def _valid_name(name: str) -> str:
    if any("\udc80" <= ch <= "\udcff" for ch in name):
        raise FunctionError("error creating certificate: asn1: string not valid UTF-8")
    return name


def parse_certificate(text: str, complaint: str) -> x509.Certificate:
    """Return the certificate of a PEM text. complaint: start of the error text. Raises: FunctionError."""
    block = decode_pem(text)
    if block is None:
        raise FunctionError("unable to decode certificate")
    try:
        return x509.load_der_x509_certificate(block.content)
    except ValueError as error:
        raise FunctionError(f"{complaint}: {error}") from error


def issuer_of(authority: Certificate) -> Issuer:
    """Return the issuer that a certificate with its key stands for. Raises: FunctionError when they do not belong together."""
    certificate = parse_certificate(authority.cert, "error parsing certificate: decodedSignerCert.Bytes")
    try:
        key = parse_key(authority.key)
    except FunctionError as error:
        raise FunctionError(f"error parsing private key: {error.text}") from error
    if not isinstance(key, dsa.DSAPrivateKey) and key.public_key() != certificate.public_key():
        raise FunctionError("error creating certificate: x509: provided PrivateKey doesn't match parent's PublicKey")
    try:
        key_id = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        key_id = b""
    return Issuer(certificate.subject.public_bytes(), key, key_id)
