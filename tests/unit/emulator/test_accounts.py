"""Accounts, policies and sessions of the emulator."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_asm.emulator.accounts import AccountsError, Keys, Principal, decode_accounts, open_accounts
from kubectl_asm.emulator.answers import ServiceFault
from kubectl_asm.emulator.policies import PolicyError, decode_policy, is_allowed, is_trusted

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def policy(*statements: dict) -> dict:
    return {"Version": "1", "Statement": list(statements)}


def allow(action: str | list, resource: str | list) -> dict:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


@pytest.mark.parametrize(
    ("pattern", "resource", "answer"),
    [
        ("*", "acs:kms:r:1:secret/db", True),
        ("acs:kms:*:1:secret/db", "acs:kms:r:1:secret/db", True),
        ("acs:kms:*:*:secret/team/*", "acs:kms:r:1:secret/team/db", True),
        ("acs:kms:*:*:secret/team/*", "acs:kms:r:1:secret/other", False),
        ("acs:kms:r:1:secret/d?", "acs:kms:r:1:secret/db", True),
        ("acs:kms:r:1:secret/db", "acs:kms:r:1:secret/db2", False),
        ("acs:kms:r:1:secret/d.", "acs:kms:r:1:secret/db", False),
    ],
)
def test_resources_match_with_wildcards(pattern, resource, answer):
    assert is_allowed([decode_policy(policy(allow("kms:GetSecretValue", pattern)))], "kms:GetSecretValue", resource) is answer


def test_a_deny_wins_over_every_allow_and_nothing_allows_nothing():
    deny = {"Effect": "Deny", "Action": "kms:*", "Resource": "*/db"}
    both = decode_policy(policy(allow("*", "*"), deny))
    assert not is_allowed([both], "kms:GetSecretValue", "x/db")
    assert is_allowed([both], "kms:GetSecretValue", "x/other")
    assert not is_allowed([], "kms:GetSecretValue", "x")


def test_a_trust_policy_names_principals_and_claims():
    trust = decode_policy(
        policy(
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Federated": ["p"]},
                "Condition": {
                    "StringEquals": {"oidc:aud": "sts.aliyuncs.com"},
                    "StringLike": {"oidc:sub": "system:serviceaccount:ns:*"},
                },
            }
        )
    )
    claims = {"oidc:aud": "sts.aliyuncs.com", "oidc:sub": "system:serviceaccount:ns:app"}
    assert is_trusted(trust, "Federated", ["p"], claims)
    assert not is_trusted(trust, "RAM", ["p"], claims)
    assert not is_trusted(trust, "Federated", ["q"], claims)
    assert not is_trusted(trust, "Federated", ["p"], claims | {"oidc:sub": "system:serviceaccount:other:app"})
    assert not is_trusted(trust, "Federated", ["p"], {})


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"Statement": {}},
        policy({"Effect": "Maybe", "Action": "*", "Resource": "*"}),
        policy({"Effect": "Allow", "Action": 5, "Resource": "*"}),
        policy({**allow("*", "*"), "Condition": {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}}),
        policy({**allow("*", "*"), "Condition": {"StringEquals": {"acs:x": "y"}}}),
        policy({**allow("*", "*"), "NotAction": "x"}),
    ],
)
def test_what_cannot_be_evaluated_is_refused_when_it_is_loaded(document):
    with pytest.raises(PolicyError):
        decode_policy(document)


DOCUMENT = {
    "accounts": [
        {
            "id": "1001",
            "users": [
                {"name": "alice", "accessKeys": [{"id": "AK", "secret": "s"}], "policies": "*"},
                {"name": "bob", "accessKeys": [{"id": "BK", "secret": "t", "disabled": True}]},
            ],
            "roles": [{"name": "reader", "policies": [policy(allow("kms:*", "*"))], "maxSessionDuration": 7200}],
            "oidcProviders": [{"name": "ack", "issuer": "https://issuer"}],
        }
    ],
    "metadata": {"role": "Worker", "httpTokens": "required"},
}


def test_a_file_decodes_to_keys_roles_and_providers():
    accounts = decode_accounts(DOCUMENT)
    assert accounts.keys["AK"].principal.arn == "acs:ram::1001:user/alice"
    assert accounts.keys["BK"].is_disabled
    assert accounts.role("acs:ram::1001:role/reader").max_session_s == 7200
    assert accounts.providers["acs:ram::1001:oidc-provider/ack"].issuer == "https://issuer"
    assert accounts.metadata.is_token_required
    with pytest.raises(ServiceFault, match="EntityNotExist"):
        accounts.role("acs:ram::1001:role/other")


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], ()),
        ({"account": []}, ("account",)),
        ({"accounts": {}}, ("accounts",)),
        ({"accounts": [{"id": 1001}]}, ("accounts", 0, "id")),
        ({"accounts": [{"users": [{}]}]}, ("accounts", 0, "users", 0, "name")),
        ({"accounts": [{"users": [{"name": "a", "policies": [{"x": 1}]}]}]}, ("accounts", 0, "users", 0, "policies", 0)),
        ({"accounts": [{"roles": [{"name": "a", "maxSessionDuration": 5}]}]}, ("accounts", 0, "roles", 0, "maxSessionDuration")),
        ({"metadata": {"httpTokens": "no"}}, ("metadata", "httpTokens")),
        ({"metadata": {"status": 200}}, ("metadata", "status")),
        ({"sts": {"fail": [{"role": "*", "fail": {"status": 1}}]}}, ("sts", "fail", 0, "fail", "status")),
        ({"sts": {"life": 0}}, ("sts", "life")),
        (
            {"accounts": [{"users": [{"name": "a", "accessKeys": [{"id": "x", "secret": "1"}] * 2}]}]},
            ("accounts", 0, "users", 0, "accessKeys", 1, "id"),
        ),
    ],
)
def test_a_problem_in_a_file_names_its_path(document, path):
    with pytest.raises(AccountsError) as caught:
        decode_accounts(document)
    assert caught.value.path == path


NAMES = st.sampled_from(["accounts", "users", "roles", "accessKeys", "id", "secret", "name", "policies", "metadata", "Statement"])
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=4),
)


@given(JSON)
def test_arbitrary_documents_decode_or_are_refused(document):
    with contextlib.suppress(AccountsError):
        decode_accounts(document)


def test_without_a_file_one_key_may_do_everything_and_every_role_exists():
    accounts = open_accounts()
    assert list(accounts.keys) == ["emulator"]
    assert accounts.role("acs:ram::5:role/any").arn == "acs:ram::5:role/any"
    with pytest.raises(ServiceFault):
        accounts.role("nonsense")


def test_sessions_are_numbered_by_role_and_sign_until_they_end():
    now = [NOW]
    keys = Keys(open_accounts, lambda: now[0], bytes)
    who = Principal("1", "session", role_arn="role")
    names = [keys.issue("reader", who, NOW + timedelta(seconds=5))[0] for _ in range(3)]
    assert names == ["STS.reader", "STS.reader.2", "STS.reader.3"]
    token = "00" * 48
    assert keys.secret_of("STS.reader", token)
    now[0] += timedelta(seconds=5)
    with pytest.raises(ServiceFault, match="Expired"):
        keys.secret_of("STS.reader", token)


def test_no_secret_shows_in_a_repr():
    assert "canary" not in repr(
        decode_accounts({"accounts": [{"users": [{"name": "a", "accessKeys": [{"id": "x", "secret": "canary"}]}]}]})
    )
