"""Private keys and certificates as templates ask for them: new ones, ones for a given key, ones an authority signs.

Loaded by crypto.py when a template calls one of these functions.
Source: spec/templates.md section 6.3.
"""

from __future__ import annotations

from kubectl_asm.gotemplate.funcs import certificates
from kubectl_asm.gotemplate.funcs.certificates import PrivateKey, Subject
from kubectl_asm.gotemplate.funcs.encoding import EncodedTextError, decode_base64
from kubectl_asm.gotemplate.funcs.signature import Environment, FunctionError
from kubectl_asm.gotemplate.values import Certificate, GoList, text_of


def gen_private_key(env: Environment, kind: str) -> str:
    """Return a new private key as PEM: ``rsa`` (or empty), ``dsa``, ``ecdsa``, ``ed25519``; anything else gives a text."""
    key = certificates.generate_key(env, kind)
    return f"Unknown type {kind}" if key is None else certificates.key_pem(key)


def _new_key(env: Environment) -> PrivateKey:
    return certificates.generate_rsa(env, certificates.CA_BITS)


def _given_key(text: str) -> PrivateKey:
    try:
        return certificates.parse_key(text)
    except FunctionError as error:
        raise FunctionError(f"parsing private key: {error.text}") from error


def _subject(name: str, addresses: GoList, names: GoList, days: int) -> Subject:
    return Subject(name, certificates.packed_addresses(addresses), certificates.dns_names(names), days)


def gen_ca(env: Environment, name: str, days: int) -> Certificate:
    """Return a certificate authority with a new RSA key of 2048 bits."""
    return certificates.issue(env, Subject(name, (), (), days, is_ca=True), _new_key(env))


def gen_ca_with_key(env: Environment, name: str, days: int, key: str) -> Certificate:
    """Return a certificate authority with the PEM key. Raises: FunctionError."""
    return certificates.issue(env, Subject(name, (), (), days, is_ca=True), _given_key(key))


def gen_self_signed(env: Environment, name: str, addresses: GoList, names: GoList, days: int) -> Certificate:
    """Return a self-signed certificate with a new RSA key. Raises: FunctionError for a bad address or name."""
    subject = _subject(name, addresses, names, days)
    return certificates.issue(env, subject, _new_key(env))


def gen_self_signed_with_key(env: Environment, name: str, addresses: GoList, names: GoList, days: int, key: str) -> Certificate:
    """Return a self-signed certificate with the PEM key. Raises: FunctionError."""
    parsed = _given_key(key)
    return certificates.issue(env, _subject(name, addresses, names, days), parsed)


def gen_signed(env: Environment, name: str, addresses: GoList, names: GoList, days: int, authority: Certificate) -> Certificate:
    """Return a certificate signed by the authority, with a new RSA key. Raises: FunctionError."""
    issuer = certificates.issuer_of(authority)
    subject = _subject(name, addresses, names, days)
    return certificates.issue(env, subject, _new_key(env), issuer)


def gen_signed_with_key(
    env: Environment, name: str, addresses: GoList, names: GoList, days: int, authority: Certificate, key: str
) -> Certificate:
    """Return a certificate signed by the authority, with the PEM key. Raises: FunctionError."""
    parsed, issuer = _given_key(key), certificates.issuer_of(authority)
    return certificates.issue(env, _subject(name, addresses, names, days), parsed, issuer)


def _decoded(text: str, what: str) -> str:
    try:
        return text_of(decode_base64(text))
    except EncodedTextError:
        raise FunctionError(f"unable to decode base64 {what}") from None


def build_custom_cert(certificate: str, key: str) -> Certificate:
    """Return certificate and key from base64 of their PEM texts, after checking both. Raises: FunctionError."""
    certificate_pem, pem_key = _decoded(certificate, "certificate"), _decoded(key, "private key")
    certificates.parse_certificate(certificate_pem, "error parsing certificate: decodedCert.Bytes")
    try:
        certificates.parse_key(pem_key)
    except FunctionError as error:
        raise FunctionError(f"error parsing private key: {error.text}") from error
    return Certificate(certificate_pem, pem_key)
