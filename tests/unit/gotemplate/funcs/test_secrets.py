"""Keys, certificates, passwords and random texts: their shape, their checks, and where their randomness comes from."""

import base64
import ipaddress
import re
from datetime import UTC, timedelta

import bcrypt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kubectl_asm.gotemplate.budget import BudgetExceeded
from kubectl_asm.gotemplate.funcs.signature import FunctionError
from kubectl_asm.gotemplate.values import Certificate, GoList, Uint32, strings

NO_LIST = GoList(is_nil=True)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def parsed(certificate: Certificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate.cert.encode())


@pytest.fixture
def key(call) -> str:
    return call("genPrivateKey", "ecdsa")


def test_authority_signs_a_certificate_that_verifies(call, env, key):
    authority = call("genCAWithKey", "my ca", 10, key)
    leaf = call("genSignedCertWithKey", "svc", GoList(["10.0.0.1", "::1"]), GoList(["a.local"]), 30, authority, key)
    signed, issuer = parsed(leaf), parsed(authority)
    signed.verify_directly_issued_by(issuer)
    names = signed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.local"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("10.0.0.1"), ipaddress.ip_address("::1")]
    assert issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is True
    assert signed.not_valid_after_utc - signed.not_valid_before_utc == timedelta(days=30)
    assert signed.not_valid_before_utc == env.now.astimezone(UTC).replace(microsecond=0)


def test_new_rsa_key_belongs_to_its_certificate(call):
    made = call("genSelfSignedCert", "svc", NO_LIST, NO_LIST, 1)
    private = load_pem_private_key(made.key.encode(), None)
    assert private.public_key() == parsed(made).public_key()
    assert made.key.startswith("-----BEGIN RSA PRIVATE KEY-----\n")


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("ecdsa", "EC PRIVATE KEY"),
        ("ed25519", "PRIVATE KEY"),
        ("rsa", "RSA PRIVATE KEY"),
        ("", "RSA PRIVATE KEY"),
        ("dsa", "DSA PRIVATE KEY"),
    ],
)
def test_private_key_has_the_form_of_its_kind(call, kind, label):
    assert re.fullmatch(
        rf"-----BEGIN {label}-----\n([A-Za-z0-9+/=]{{1,64}}\n)+-----END {label}-----\n", call("genPrivateKey", kind)
    )


def test_unknown_kind_of_key_is_said_in_the_text(call):
    assert call("genPrivateKey", "x") == "Unknown type x"


def test_certificate_of_the_past_and_without_a_name_can_be_made(call, key):
    made = call("genSelfSignedCertWithKey", "", GoList(["1.2.3.4"]), NO_LIST, -5, key)
    subject = parsed(made)
    assert subject.not_valid_after_utc < subject.not_valid_before_utc
    assert list(subject.subject) == []
    assert subject.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical is True


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("genSelfSignedCert", ("a", GoList(["bad"]), NO_LIST, 1), "error parsing ip: bad"),
        ("genSelfSignedCert", ("a", GoList([1]), NO_LIST, 1), "error parsing ip: 1 is not a string"),
        ("genSelfSignedCert", ("a", NO_LIST, GoList([1]), 1), "error processing alternate dns name: 1 is not a string"),
        ("genSignedCert", ("a", NO_LIST, NO_LIST, 1, Certificate("", "")), "unable to decode certificate"),
        ("genCAWithKey", ("a", 1, ""), "parsing private key: no PEM data in input"),
        ("buildCustomCert", ("!", "!"), "unable to decode base64 certificate"),
        ("buildCustomCert", ("aGk=", "!"), "unable to decode base64 private key"),
        ("buildCustomCert", ("aGk=", "aGk="), "unable to decode certificate"),
    ],
)
def test_unusable_argument_is_an_error(call, name, arguments, text):
    with pytest.raises(FunctionError) as failure:
        call(name, *arguments)
    assert failure.value.text == text


def test_dsa_key_cannot_certify(call):
    with pytest.raises(FunctionError, match=r"certificate private key does not implement crypto\.Signer"):
        call("genCAWithKey", "a", 1, call("genPrivateKey", "dsa"))


def test_custom_certificate_is_checked_and_returned_as_given(call, key):
    made = call("genCAWithKey", "ca", 1, key)
    built = call("buildCustomCert", encoded(made.cert), encoded(made.key))
    assert (built.cert, built.key) == (made.cert, made.key)


def test_key_of_another_certificate_cannot_sign(call, key):
    authority = call("genCAWithKey", "ca", 1, key)
    stranger = Certificate(authority.cert, call("genPrivateKey", "ed25519"))
    with pytest.raises(FunctionError, match="provided PrivateKey doesn't match parent's PublicKey"):
        call("genSignedCertWithKey", "a", NO_LIST, NO_LIST, 1, stranger, key)


def test_costly_work_asks_the_budget_first(call):
    with pytest.raises(BudgetExceeded):
        call("bcrypt", "x", 31)


def test_many_keys_exceed_the_budget(call, env):
    env.budget.steps_left = 50_000
    call("genCA", "first", 1)
    with pytest.raises(BudgetExceeded):
        call("genCA", "second", 1)


@pytest.mark.parametrize("text", ["x", "héllo", "exactly 16 bytes", "a" * 100])
def test_encrypted_text_decrypts(call, text):
    assert call("decryptAES", "pw", call("encryptAES", "pw", text)) == text


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x", "illegal base64 data at input byte 0"),
        ("aGk=", "runtime error: slice bounds out of range [:16] with capacity 3"),
        ("A" * 22 + "==", "runtime error: index out of range [-1]"),
        ("A" * 24, "crypto/cipher: input not full blocks"),
    ],
)
def test_undecryptable_text_is_an_error(call, text, error):
    with pytest.raises(FunctionError) as failure:
        call("decryptAES", "pw", text)
    assert failure.value.text == error
    assert call("decryptAES", "pw", "") == ""


@pytest.mark.parametrize(
    ("kind", "password"),
    [
        ("maximum", "B4=4oNJgiPmKdv9w)^iH"),
        ("long", "NusaWavi1)Kixe"),
        ("medium", "Nus0_Zed"),
        ("short", "Nus0"),
        ("basic", "Bt70XNJ7"),
        ("pin", "0470"),
    ],
)
def test_derived_password_is_always_the_same(call, kind, password):
    assert call("derivePassword", Uint32(1), kind, "pw", "us\udcffér", "site1") == password


def test_unknown_kind_of_password_is_said_in_the_text(call):
    assert call("derivePassword", Uint32(1), "x", "", "", "") == "cannot find password template x"


def test_bcrypt_hash_verifies_and_takes_its_salt_from_the_environment(call):
    hashed = call("bcrypt", "p\0w", 4)
    assert hashed.startswith("$2a$04$..CA.uOD/eaGAOmJB.yMBu")
    assert bcrypt.checkpw(b"p\0w", hashed.encode())


@pytest.mark.parametrize(("password", "cost"), [("x", 32), ("a" * 73, 4)])
def test_unusable_bcrypt_argument_gives_an_empty_text(call, password, cost):
    assert call("bcrypt", password, cost) == ""


def test_low_cost_counts_as_the_default(call):
    assert call("bcrypt", "x", 3).startswith("$2a$10$")


def test_htpasswd_line_ends_with_a_newline(call):
    assert re.fullmatch(r"u:x:\$2a\$10\$[./A-Za-z0-9]{53}\n", call("htpasswd", "u:x", "p"))
    assert call("htpasswd", "u", "a" * 73) == ""


def test_random_functions_draw_from_the_environment_only(call):
    assert call("randAlpha", 3) == "abc"
    assert call("randNumeric", 2) == "34"
    assert call("randAlphaNum", 1) == "f"
    assert call("randAscii", 1) == "&"
    assert call("randInt", 10, 20) == 17
    assert call("randBytes", 2) == "CAk="
    assert call("uuidv4") == "0a0b0c0d-0e0f-4011-9213-141516171819"
    assert sorted(call("shuffle", "abc")) == ["a", "b", "c"]
    assert call("randAlpha", -1) == ""


def test_empty_random_range_is_an_error(call):
    with pytest.raises(FunctionError, match="invalid argument to Intn"):
        call("randInt", 5, 5)
    with pytest.raises(FunctionError, match="makeslice: len out of range"):
        call("randBytes", -1)


JSON = '{"name":"ada","n":3,"nul":null,"tags":["x","y"],"nested":{"k":"v"}}'


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", "ada"),
        ("n", 3.0),
        ("nul", None),
        ("tags.1", "y"),
        ("tags.2", ""),
        ("tags.-1", ""),
        ("nested.k", "v"),
        ("name.x", ""),
        ("x", ""),
    ],
)
def test_json_path_walks_members_and_indexes(call, path, value):
    assert call("jsonPath", JSON, path) == value


def test_json_path_of_bad_json_is_empty(call):
    assert call("jsonPath", "{", "a") == ""
    assert call("jsonPath", "[1]", "") == [1.0]


@pytest.mark.parametrize(
    ("base", "override", "merged"),
    [
        ('{"a":1,"b":{"x":1}}', '{"b":{"y":[2]},"c":null}', '{"a":1,"b":{"x":1,"y":[2]},"c":null}'),
        ('{"a":{"b":1}}', '{"a":2}', '{"a":2}'),
        ("null", '{"a":"<"}', '{"a":"\\u003c"}'),
        ("[1]", "{}", "[1]"),
        ('{ "a": 1 }', "x", '{ "a": 1 }'),
    ],
)
def test_json_objects_merge_or_the_base_stays(call, base, override, merged):
    assert call("mergeJson", base, override) == merged


def test_lines_of_text(call):
    assert call("parseKeyValue", "# c\nA=1\n B = x=y \nnoeq\n=e\n") == {"A": "1", "B": "x=y", "": "e"}
    assert call("toLines", "") == strings([])
    assert call("toLines", " \n ") == strings([""])
    assert call("toLines", "a\r\n\n b\n") == strings(["a\r", "", " b"])


def test_readme_functions_never_fail(call):
    assert call("regexReplace", "a1", r"\d", "<$0>") == "a<1>"
    assert call("regexReplace", "a1", "(", "x") == "a1"
    assert call("b64decSafe", "aGk=") == "hi"
    assert call("b64decSafe", "aGk") == ""


def test_fail_ends_with_its_text(call):
    with pytest.raises(FunctionError) as failure:
        call("fail", "no way")
    assert failure.value.text == "no way"
