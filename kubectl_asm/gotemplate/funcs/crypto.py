"""Keys, certificates, derived passwords and AES. Called through the table in ``funcs/__init__.py``.

Randomness comes from the Environment, except for RSA and DSA keys (see ``certificates.py``).
Source: spec/templates.md sections 6.3 and 6.4; the Master Password algorithm for ``derivePassword``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from kubectl_asm.gotemplate.funcs.encoding import EncodedTextError, decode_base64
from kubectl_asm.gotemplate.funcs.signature import LIST, Environment, Function, FunctionError, Purity
from kubectl_asm.gotemplate.values import raw, text_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

GROUP = "crypto"
CERTIFICATE: Final = "sprig.certificate"

# --- AES --------------------------------------------------------------------------------------------------

_BLOCK: Final = 16
_KEY_BYTES: Final = 32


def _cipher(password: str, vector: bytes) -> Cipher[modes.CBC]:
    """Return AES-256-CBC with the password's first 32 bytes, filled up with zeros, as the key."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415 - see _issuing

    return Cipher(algorithms.AES(raw(password)[:_KEY_BYTES].ljust(_KEY_BYTES, b"\0")), modes.CBC(vector))


def encrypt_aes(env: Environment, password: str, text: str) -> str:
    """Return the encrypted text in base64, initialization vector first; an empty text stays empty."""
    if text == "":
        return ""
    data = raw(text)
    fill = _BLOCK - len(data) % _BLOCK
    vector = env.random.bytes(_BLOCK)
    encryptor = _cipher(password, vector).encryptor()
    return base64.b64encode(vector + encryptor.update(data + bytes([fill]) * fill) + encryptor.finalize()).decode()


def decrypt_aes(password: str, text: str) -> str:
    """Return the text that encryptAES encrypted; the padding is trusted, as upstream does.

    Raises: FunctionError for bad base64, and with the texts of Go's panics for data of a wrong length.
    """
    if text == "":
        return ""
    try:
        data = decode_base64(text)
    except EncodedTextError as error:
        raise FunctionError(str(error)) from error
    if len(data) < _BLOCK:
        raise _too_short(data, len(raw(text)) // 4 * 3)
    body = data[_BLOCK:]
    if len(body) % _BLOCK:
        raise FunctionError("crypto/cipher: input not full blocks")
    decryptor = _cipher(password, data[:_BLOCK]).decryptor()
    return text_of(_without_fill(decryptor.update(body) + decryptor.finalize()))


def _too_short(data: bytes, capacity: int) -> FunctionError:
    """Return Go's panic for data without a whole vector; the decoder's buffer can be larger than its content."""
    if capacity < _BLOCK:
        return FunctionError(f"runtime error: slice bounds out of range [:{_BLOCK}] with capacity {capacity}")
    return FunctionError(f"runtime error: slice bounds out of range [{_BLOCK}:{len(data)}]")


def _without_fill(data: bytes) -> bytes:
    if not data:
        raise FunctionError("runtime error: index out of range [-1]")
    end = len(data) - data[-1]
    if end < 0:
        raise FunctionError(f"runtime error: slice bounds out of range [:{end}]")
    return data[:end]


# --- derived passwords ------------------------------------------------------------------------------------

_SCRYPT_STEPS: Final = 20_000
_NAMESPACE: Final = b"com.lyndir.masterpassword"
_LONG_SHAPES: Final = (
    "CvcvnoCvcvCvcv CvcvCvcvnoCvcv CvcvCvcvCvcvno CvccnoCvcvCvcv CvccCvcvnoCvcv CvccCvcvCvcvno CvcvnoCvccCvcv "
    "CvcvCvccnoCvcv CvcvCvccCvcvno CvcvnoCvcvCvcc CvcvCvcvnoCvcc CvcvCvcvCvccno CvccnoCvccCvcv CvccCvccnoCvcv "
    "CvccCvccCvcvno CvcvnoCvccCvcc CvcvCvccnoCvcc CvcvCvccCvccno CvccnoCvcvCvcc CvccCvcvnoCvcc CvccCvcvCvccno"
)
_TEMPLATES: Final = {
    "maximum": ("anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"),
    "long": _LONG_SHAPES.split(),
    "medium": ("CvcnoCvc", "CvcCvcno"),
    "short": ("Cvcn",),
    "basic": ("aaanaaan", "aannaaan", "aaannaaa"),
    "pin": ("nnnn",),
}
"""The shapes of each password type: one letter names the class of one character."""

_LETTERS: Final = "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
_CLASSES: Final = {
    "V": "AEIOU",
    "C": "BCDFGHJKLMNPQRSTVWXYZ",
    "v": "aeiou",
    "c": "bcdfghjklmnpqrstvwxyz",
    "a": _LETTERS,
    "n": "0123456789",
    "o": "@&%?,=[]_:-+*$#!'^~;()/.",
    "x": _LETTERS + "0123456789!@#$%^&*()",
}


def _counted(text: str) -> bytes:
    """Return the text's bytes after their number in 32 bits."""
    data = raw(text)
    return len(data).to_bytes(4) + data


def derive_password(env: Environment, counter: int, kind: str, password: str, user: str, site: str) -> str:
    """Return the password that follows from the master password, the user, the site and a counter.

    kind: ``maximum long medium short basic pin``; any other gives a text that says so.
    """
    shapes = _TEMPLATES.get(kind)
    if shapes is None:
        return f"cannot find password template {kind}"
    env.budget.step(_SCRYPT_STEPS)
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt  # noqa: PLC0415 - see _issuing

    key = Scrypt(salt=_NAMESPACE + _counted(user), length=64, n=32768, r=8, p=2).derive(raw(password))
    seed = hmac.new(key, _NAMESPACE + _counted(site) + int(counter).to_bytes(4), hashlib.sha256).digest()
    shape = shapes[seed[0] % len(shapes)]
    classes = [_CLASSES[letter] for letter in shape]
    return "".join(chars[number % len(chars)] for chars, number in zip(classes, seed[1:], strict=False))


# --- keys and certificates --------------------------------------------------------------------------------


def _issuing(name: str) -> Callable[..., object]:
    """Return a function of issuing.py, which loads the library of certificates, once a template calls it."""

    def call(*arguments: object) -> object:
        from kubectl_asm.gotemplate.funcs import issuing  # noqa: PLC0415 - reading a template needs none of it

        return getattr(issuing, name)(*arguments)

    return call


def _random(name: str, call: Callable[..., object], params: tuple[str, ...], summary: str, result: str = CERTIFICATE) -> Function:
    return Function(name, GROUP, call, params, result, needs_env=True, purity=Purity.RANDOM, summary=summary)


_SUBJECT: Final = ("string", LIST, LIST, "int")

FUNCTIONS: tuple[Function, ...] = (
    Function(
        "buildCustomCert",
        GROUP,
        _issuing("build_custom_cert"),
        ("string", "string"),
        CERTIFICATE,
        summary="Certificate from base64 PEM texts.",
    ),
    Function("decryptAES", GROUP, decrypt_aes, ("string", "string"), summary="Text that encryptAES encrypted."),
    Function(
        "derivePassword",
        GROUP,
        derive_password,
        ("uint32", "string", "string", "string", "string"),
        needs_env=True,
        summary="Password that follows from a master password, user and site.",
    ),
    _random("encryptAES", encrypt_aes, ("string", "string"), "Text encrypted with AES-256-CBC, in base64.", "string"),
    _random("genCA", _issuing("gen_ca"), ("string", "int"), "New certificate authority."),
    _random("genCAWithKey", _issuing("gen_ca_with_key"), ("string", "int", "string"), "New certificate authority for a PEM key."),
    _random("genPrivateKey", _issuing("gen_private_key"), ("string",), "New private key as PEM.", "string"),
    _random("genSelfSignedCert", _issuing("gen_self_signed"), _SUBJECT, "New self-signed certificate."),
    _random(
        "genSelfSignedCertWithKey",
        _issuing("gen_self_signed_with_key"),
        (*_SUBJECT, "string"),
        "New self-signed certificate for a PEM key.",
    ),
    _random("genSignedCert", _issuing("gen_signed"), (*_SUBJECT, CERTIFICATE), "New certificate signed by an authority."),
    _random(
        "genSignedCertWithKey",
        _issuing("gen_signed_with_key"),
        (*_SUBJECT, CERTIFICATE, "string"),
        "New certificate for a PEM key, signed.",
    ),
)
