"""The verifier: correct requests of both schemes pass, and every single fault has its own code."""

import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_asm.adapters.cloud.signing import acs3_signature, rpc_signature
from kubectl_asm.emulator.accounts import Accounts, Key, Keys, Principal
from kubectl_asm.emulator.answers import ServiceFault
from kubectl_asm.emulator.verify import NonceCache, verify
from kubectl_asm.emulator.wire import Request

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EMPTY = hashlib.sha256(b"").hexdigest()
ALICE = Principal("1", "acs:ram::1:user/alice")
ACCOUNTS = Accounts(
    {
        "AK": Key(b"SECRET", ALICE),
        "OFF": Key(b"SECRET", ALICE, is_disabled=True),
        "STS.x": Key(b"SECRET", ALICE, "token+/=", NOW + timedelta(hours=1)),
        "STS.old": Key(b"SECRET", ALICE, "token+/=", NOW),
    }
)


def check(request: Request, nonces: NonceCache | None = None):
    keys = Keys(lambda: ACCOUNTS, lambda: NOW, bytes)
    return verify(request, keys, nonces or NonceCache(), NOW)


def acs3(
    query="SecretName=db%2Fpass+word~%2A",
    *,
    key="AK",
    secret=b"SECRET",
    token="",
    body=b"",
    change=None,
    extra=(),
    names=None,
    signature="",
) -> Request:
    """A signed request; change: headers altered after signing; extra: unsigned headers."""
    headers = {
        "accept": "application/json",
        "host": "kms.cn-hangzhou.aliyuncs.com",
        "x-acs-action": "GetSecretValue",
        "x-acs-content-sha256": EMPTY,
        "x-acs-date": "2026-01-02T03:04:05Z",
        "x-acs-signature-nonce": "n1",
        "x-acs-version": "2016-01-20",
    }
    if token:
        headers |= {"x-acs-accesskey-id": key, "x-acs-security-token": token}
    headers |= {name: value for name, value in (change or {}).items() if name.startswith("=")}
    signed = names or sorted(headers)
    pairs = [("SecretName", "db/pass word~*")]
    made = acs3_signature(secret, method="POST", path="/", query=pairs, headers=headers.items(), names=signed, body_sha256=EMPTY)
    headers |= change or {}
    headers["authorization"] = f"ACS3-HMAC-SHA256 Credential={key},SignedHeaders={';'.join(signed)},Signature={signature or made}"
    return Request("POST", f"/?{query}", (*headers.items(), *extra), body)


def rpc(*, key="AK", secret=b"SECRET", method="GET", change=None, in_body=False, **params) -> Request:
    form = {
        "Action": "GetCallerIdentity",
        "Version": "2015-04-01",
        "AccessKeyId": key,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": "n1",
        "Timestamp": "2026-01-02T03:04:05Z",
    } | params
    form["Signature"] = rpc_signature(secret, method=method, params=form.items())
    form |= change or {}
    text = urlencode(form)
    if in_body:
        return Request(method, "/", (("content-type", "application/x-www-form-urlencoded"),), text.encode())
    return Request(method, f"/?{text}", ())


def code_of(request: Request) -> str:
    with pytest.raises(ServiceFault) as caught:
        check(request)
    return caught.value.code


def test_an_acs3_request_passes_and_its_parameters_are_decoded():
    call = check(acs3())
    assert (call.action, call.version, call.caller, call.params) == (
        "GetSecretValue",
        "2016-01-20",
        "AK",
        {"SecretName": "db/pass word~*"},
    )


@pytest.mark.parametrize("spelling", ["db/pass%20word~*", "db%2Fpass+word%7E%2A", "db/pass+word~%2a"])
def test_any_spelling_of_the_query_is_the_same_query(spelling):
    assert check(acs3(f"SecretName={spelling}")).params["SecretName"] == "db/pass word~*"


def test_session_credentials_pass_with_their_token():
    assert check(acs3(key="STS.x", token="token+/=")).caller == "STS.x"
    assert check(rpc(key="STS.x", SecurityToken="token+/=")).caller == "STS.x"


def test_an_rpc_request_passes_in_query_and_in_form():
    assert check(rpc(Note="a b*~ü")).params["Note"] == "a b*~ü"
    assert check(rpc(method="POST", in_body=True, Note="a b*~ü")).params["Note"] == "a b*~ü"


def test_only_the_oidc_call_is_served_unsigned():
    call = check(Request("POST", f"/?Action=AssumeRoleWithOIDC&Version=2015-04-01&OIDCToken={quote('a.b.c')}", ()))
    assert (call.caller, call.params["OIDCToken"]) == ("", "a.b.c")
    assert code_of(Request("POST", "/?Action=AssumeRole&Version=2015-04-01", ())) == "IncompleteSignature"


SKEWED = {"x-acs-date": "2026-01-02T02:47:25Z"}


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (acs3(secret=b"other"), "SignatureDoesNotMatch"),
        (rpc(secret=b"other"), "SignatureDoesNotMatch"),
        (acs3("SecretName=other"), "SignatureDoesNotMatch"),
        (acs3(change={"x-acs-action": "ListSecrets"}), "SignatureDoesNotMatch"),
        (rpc(change={"Action": "AssumeRole"}), "SignatureDoesNotMatch"),
        (acs3(body=b"added"), "SignatureDoesNotMatch"),
        (acs3(key="NOBODY"), "InvalidAccessKeyId.NotFound"),
        (rpc(key="NOBODY"), "InvalidAccessKeyId.NotFound"),
        (acs3(key="OFF"), "InvalidAccessKeyId.Inactive"),
        (acs3(key="STS.x"), "MissingSecurityToken"),
        (acs3(key="STS.x", token="other"), "InvalidSecurityToken.Malformed"),
        (acs3(token="surplus"), "InvalidSecurityToken.Malformed"),
        (acs3(key="STS.old", token="token+/="), "InvalidSecurityToken.Expired"),
        (acs3(change=SKEWED), "InvalidTimeStamp.Expired"),
        (acs3(change={"x-acs-date": "yesterday"}), "InvalidTimeStamp.Format"),
        (acs3(change={"x-acs-date": "2026-13-02T03:04:05Z"}), "InvalidTimeStamp.Format"),
        (rpc(Timestamp="2026-01-02T03:30:05Z"), "InvalidTimeStamp.Expired"),
        (rpc(Timestamp="now"), "InvalidTimeStamp.Format"),
        (rpc(SignatureNonce=""), "SignatureNonceUsed"),
        (rpc(SignatureMethod="HMAC-MD5"), "IncompleteSignature"),
        (acs3(names=["x-acs-version", "host"]), "IncompleteSignature"),
        (acs3(names=["accept", "host", "x-acs-action", "x-acs-content-sha256", "x-acs-version"]), "IncompleteSignature"),
        (acs3(extra=[("x-acs-extra", "1")]), "IncompleteSignature"),
        (acs3("SecretName=db%2Fpass+word~%2A&SecretName=x"), "SignatureDoesNotMatch"),
        (Request("POST", "/?SecretName=x", ()), "IncompleteSignature"),
        (Request("POST", "/?A=1&A=2&Action=AssumeRoleWithOIDC", ()), "InvalidParameter"),
        (Request("POST", "/", (("authorization", "ACS3-HMAC-SHA256 "),)), "IncompleteSignature"),
        (Request("POST", "/", (("authorization", "Bearer x"),)), "IncompleteSignature"),
    ],
)
def test_every_fault_has_its_code(request_, code):
    assert code_of(request_) == code


def test_a_nonce_serves_once_and_is_forgotten_after_the_skew():
    nonces = NonceCache()
    nonces.use("n", NOW)
    with pytest.raises(ServiceFault, match="nonce"):
        nonces.use("n", NOW + timedelta(seconds=899))
    nonces.use("n", NOW + timedelta(seconds=901))


def test_a_signature_fault_does_not_repeat_the_request():
    with pytest.raises(ServiceFault) as caught:
        check(acs3(key="STS.x", token="token+/=", secret=b"other"))
    assert "token" not in str(caught.value)


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=60),
    st.lists(
        st.tuples(st.sampled_from(["authorization", "x-acs-date", "host", "content-type"]), st.text(max_size=60)), max_size=5
    ),
    st.binary(max_size=60),
)
def test_arbitrary_requests_are_refused_and_never_crash(query, headers, body):
    request = Request("POST", f"/?{query}", (("authorization", "ACS3-HMAC-SHA256 Credential=AK,Signature=x"), *headers), body)
    for one in (request, Request("POST", f"/?{query}", tuple(headers), body)):
        with pytest.raises(ServiceFault):
            check(one)
