"""Signatures: published examples, and the official signers as oracles."""

import hashlib
from urllib.parse import parse_qsl, urlsplit

import pytest
from alibabacloud_tea_openapi.utils import Utils
from darabonba.request import DaraRequest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_asm.adapters.cloud.signing import acs3_signature, canonical_query, rpc_signature

EMPTY = hashlib.sha256(b"").hexdigest()


def test_the_published_acs3_example():
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": EMPTY,
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    query = [("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"), ("RegionId", "cn-shanghai")]
    signature = acs3_signature(
        b"YourAccessKeySecret",
        method="POST",
        path="/",
        query=query,
        headers=headers.items(),
        names=sorted(headers),
        body_sha256=EMPTY,
    )
    assert signature == "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"


def test_an_acs3_request_with_a_token_and_odd_characters():
    headers = {
        "accept": "application/json",
        "content-type": "application/x-www-form-urlencoded",
        "host": "kms.cn-hangzhou.aliyuncs.com",
        "user-agent": "asm-test/1",
        "x-acs-accesskey-id": "STS.TESTAK",
        "x-acs-action": "GetSecretValue",
        "x-acs-content-sha256": EMPTY,
        "x-acs-date": "2026-01-02T03:04:05Z",
        "x-acs-security-token": "tok+/=",
        "x-acs-signature-nonce": "0123456789abcdef0123456789abcdef",
        "x-acs-version": "2016-01-20",
    }
    signature = acs3_signature(
        b"TESTSECRET",
        method="POST",
        path="/",
        query=[("SecretName", "db/pass word~*"), ("VersionStage", "ACSCurrent")],
        headers=headers.items(),
        names=sorted(headers),
        body_sha256=EMPTY,
    )
    assert signature == "a5330689f44c3ce420e5998fdb6f7f43b235ae8fad82a9b4b791263febbb2575"


def test_the_published_rpc_example():
    params = {
        "AccessKeyId": "testid",
        "Action": "DescribeRegions",
        "Format": "XML",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
        "SignatureVersion": "1.0",
        "Timestamp": "2016-02-23T12:46:24Z",
        "Version": "2014-05-26",
    }
    assert rpc_signature(b"testsecret", method="GET", params=params.items()) == "OLeaidS1JvxuMvnyHOwuJ+uX5qY="


ASSUME_ROLE = {
    "Action": "AssumeRole",
    "Format": "JSON",
    "Version": "2015-04-01",
    "DurationSeconds": "3600",
    "RoleArn": "acs:ram::1234567890123456:role/reader",
    "RoleSessionName": "asm",
    "SignatureMethod": "HMAC-SHA1",
    "SignatureVersion": "1.0",
    "Timestamp": "2026-01-02T03:04:05Z",
    "SignatureNonce": "n-1",
    "AccessKeyId": "TESTAK",
}


@pytest.mark.parametrize(
    ("more", "signature"),
    [({}, "kk8NGXlQXD3HVU0wf/N3VZZw6vs="), ({"Policy": '{"Version": "1"}'}, "BgPBVKl610gandXXZQNq3pA9V7Q=")],
)
def test_rpc_requests_of_the_official_signer_and_the_correct_form_of_a_space(more, signature):
    assert rpc_signature(b"TESTSECRET", method="GET", params=(ASSUME_ROLE | more).items()) == signature


@given(st.dictionaries(st.from_regex(r"[A-Za-z][A-Za-z0-9.]{0,7}", fullmatch=True), st.text(max_size=12), max_size=5))
def test_the_sdk_signs_arbitrary_values_as_we_do(params):
    request = DaraRequest()
    request.method, request.pathname, request.query = "POST", "/", dict(params)
    request.headers = {
        "host": "kms.cn-hangzhou.aliyuncs.com",
        "x-acs-date": "2026-01-02T03:04:05Z",
        "x-acs-content-sha256": EMPTY,
    }
    header = Utils.get_authorization(request, "ACS3-HMAC-SHA256", EMPTY, "AK", "SECRET")
    signature = acs3_signature(
        b"SECRET",
        method="POST",
        path="/",
        query=params.items(),
        headers=request.headers.items(),
        names=sorted(request.headers),
        body_sha256=EMPTY,
    )
    assert header.endswith(f"Signature={signature}")


@given(st.lists(st.tuples(st.text(max_size=6), st.text(max_size=6)), max_size=4))
def test_a_canonical_query_decodes_to_what_it_was_made_of(pairs):
    decoded = parse_qsl(urlsplit("/?" + canonical_query(pairs)).query, keep_blank_values=True, separator="&")
    assert sorted(decoded) == sorted(pairs) or ("", "") in pairs
