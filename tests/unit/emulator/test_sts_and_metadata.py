"""STS and instance metadata of the emulator: roles, trust, OIDC tokens with real signatures, and both metadata versions."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_asm.adapters.cloud.transport import Transport
from kubectl_asm.adapters.credentials.base import Credentials
from kubectl_asm.adapters.credentials.static import StaticCredentials
from kubectl_asm.adapters.credentials.sts import RoleCall, StsClient
from kubectl_asm.adapters.system import SystemRandom, utc_now
from kubectl_asm.emulator.accounts import OidcProvider
from kubectl_asm.emulator.answers import ServiceFault
from kubectl_asm.emulator.jwt import TokenChecker, decode_jwks
from kubectl_asm.model.backend import BackendError
from kubectl_asm.model.sensitive import SecretBytes
from tests.unit.emulator.worlds import CLOCK, cloud, key_pair, plan, read, running, transport_options

PRIVATE = rsa.generate_private_key(65537, 2048)
ISSUER = "https://oidc-ack-cn-hangzhou.example/c1"
PROVIDER_ARN = "acs:ram::1001:oidc-provider/ack-rrsa-c1"
POD_ROLE, FAR_ROLE, PLAIN_ROLE = (f"acs:ram::1001:role/{name}" for name in ("pod", "far", "plain"))

ACCOUNTS = {
    "accounts": [
        {
            "id": "1001",
            "users": [
                {"name": "alice", "accessKeys": [{"id": "ALICE", "secret": "a"}], "policies": "*"},
                {
                    "name": "bob",
                    "accessKeys": [{"id": "BOB", "secret": "b"}],
                    "policies": [
                        {
                            "Statement": [
                                {
                                    "Effect": "Allow",
                                    "Action": "kms:GetSecretValue",
                                    "Resource": "acs:kms:cn-hangzhou:1001:secret/mine",
                                },
                                {"Effect": "Allow", "Action": "oos:GetSecretParameter", "Resource": "*"},
                            ]
                        }
                    ],
                },
            ],
            "roles": [
                {
                    "name": "pod",
                    "policies": [{"Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}],
                    "trust": {
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Action": "sts:AssumeRole",
                                "Principal": {"Federated": [PROVIDER_ARN]},
                                "Condition": {"StringEquals": {"oidc:sub": "system:serviceaccount:ns:app"}},
                            }
                        ]
                    },
                },
                {
                    "name": "far",
                    "trust": {
                        "Statement": [
                            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": ["acs:ram::1001:user/alice"]}}
                        ]
                    },
                },
                {"name": "plain"},
            ],
            "oidcProviders": [{"name": "ack-rrsa-c1", "issuer": ISSUER}],
        }
    ],
    "metadata": {"role": "plain", "httpTokens": "required"},
}


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def jwks() -> dict:
    numbers = PRIVATE.public_key().public_numbers()
    modulus, exponent = (base64url(number.to_bytes((number.bit_length() + 7) // 8)) for number in (numbers.n, numbers.e))
    return {"keys": [{"kty": "RSA", "kid": "k1", "n": modulus, "e": exponent, "alg": "RS256"}, {"kty": "EC", "kid": "other"}]}


def token(key=PRIVATE, header=None, **claims) -> str:
    payload = {
        "iss": ISSUER,
        "aud": ["sts.aliyuncs.com"],
        "sub": "system:serviceaccount:ns:app",
        "exp": int((utc_now() + timedelta(hours=1)).timestamp()),
    } | claims
    head = base64url(json.dumps({"alg": "RS256", "kid": "k1"} | (header or {})).encode())
    signed = f"{head}.{base64url(json.dumps(payload).encode())}"
    return f"{signed}.{base64url(key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sts")
    (folder / "accounts.json").write_text(json.dumps(ACCOUNTS))
    (folder / "jwks.json").write_text(json.dumps(jwks()))
    with running(
        {"kms": {"mine": "1", "other": "2"}, "oos": {"p": "3"}}, accounts=folder / "accounts.json", oidc_jwks=folder / "jwks.json"
    ) as one:
        yield one


@pytest.fixture
def sts(emulator):
    return StsClient(Transport(transport_options(emulator), CLOCK), "sts.aliyuncs.com", utc_now, SystemRandom())


def user(name: str) -> Credentials:
    return StaticCredentials(key_pair(name.upper(), name[0])).credentials()


def federate(sts, text: str, provider: str = PROVIDER_ARN, role: str = POD_ROLE) -> Credentials:
    return sts.assume_role_with_oidc(provider, SecretBytes.of_text(text), RoleCall(role, "session"))


def code_of(call, *arguments) -> str:
    with pytest.raises(BackendError) as caught:
        call(*arguments)
    return caught.value.code


class Given:
    """A provider of given credentials."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def credentials(self) -> Credentials:
        return self._credentials


def test_a_pod_with_a_signed_token_becomes_its_role_and_reads_what_the_role_may(emulator, sts):
    session = federate(sts, token())
    assert sts.get_caller_identity(session).arn == "acs:ram::1001:assumed-role/pod/session"
    router = cloud(emulator, Given(session))
    assert router.read(read("other")).data.reveal() == b"2"
    assert code_of(router.read, read("p", plan_of("oos"))) == "NoPermission"


def plan_of(word: str):
    from kubectl_asm.model.backend import Provider

    return Provider(word)


def test_the_life_of_a_session_is_what_was_asked_for(sts):
    session = sts.assume_role(user("alice"), RoleCall(FAR_ROLE, "session", 900))
    assert timedelta(seconds=890) < session.expires_at - utc_now() <= timedelta(seconds=900)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "MissingOIDCToken"),
        ("abc", "AuthenticationFail.OIDCToken.Invalid"),
        ("not-a-token", "AuthenticationFail.OIDCToken.Invalid"),
        ("a.b.c", "AuthenticationFail.OIDCToken.Invalid"),
        (lambda: token(header={"alg": "HS256"}), "AuthenticationFail.OIDCToken.Invalid"),
        (lambda: token(header={"kid": "k9"}), "AuthenticationFail.OIDCToken.InvalidSignature"),
        (lambda: token(rsa.generate_private_key(65537, 2048)), "AuthenticationFail.OIDCToken.InvalidSignature"),
        (lambda: token(iss="https://other"), "AuthenticationFail.OIDCToken.IssuerNotMatch"),
        (lambda: token(aud="kubernetes"), "AuthenticationFail.OIDCToken.AudienceNotMatch"),
        (lambda: token(exp=5), "AuthenticationFail.OIDCToken.Expired"),
        (lambda: token(exp="never"), "AuthenticationFail.OIDCToken.Expired"),
        (lambda: token(sub="system:serviceaccount:ns:other"), "AuthenticationFail.NoPermission"),
    ],
)
def test_every_bad_token_has_its_code(sts, text, code):
    assert code_of(federate, sts, text if isinstance(text, str) else text()) == code


def test_unknown_providers_and_roles(sts):
    assert code_of(federate, sts, token(), "acs:ram::1001:oidc-provider/none") == "AuthenticationFail.NoPermission"
    assert code_of(federate, sts, token(), PROVIDER_ARN, "acs:ram::1001:role/none") == "EntityNotExist.Role"
    assert code_of(sts.assume_role, user("alice"), RoleCall("acs:ram::9:role/x", "session")) == "EntityNotExist.Role"


def test_a_role_is_assumed_only_by_whom_it_trusts_and_who_may(sts):
    assert sts.assume_role(user("alice"), RoleCall(FAR_ROLE, "session")).token is not None
    assert code_of(sts.assume_role, user("bob"), RoleCall(FAR_ROLE, "session")) == "NoPermission"
    assert code_of(sts.assume_role, user("alice"), RoleCall(POD_ROLE, "session")) == "NoPermission"


@pytest.mark.parametrize(
    ("role", "code"),
    [
        (RoleCall("nonsense", "session"), "InvalidParameter.RoleArn"),
        (RoleCall(FAR_ROLE, "x"), "InvalidParameter.RoleSessionName"),
        (RoleCall(FAR_ROLE, ""), "MissingRoleSessionName"),
        (RoleCall(FAR_ROLE, "session", 899), "InvalidParameter.DurationSeconds"),
        (RoleCall(FAR_ROLE, "session", 3601), "InvalidParameter.DurationSeconds"),
    ],
)
def test_parameters_outside_their_bounds(sts, role, code):
    assert code_of(sts.assume_role, user("alice"), role) == code


def test_a_user_reads_what_its_policy_names_and_nothing_else(emulator):
    router = cloud(emulator, Given(user("bob")))
    assert router.read(read("mine")).data.reveal() == b"1"
    assert code_of(router.read, read("other")) == "Forbidden.NoPermission"
    elsewhere = plan(endpoint="kms-vpc.cn-beijing.aliyuncs.com", name="env.client#b")
    assert code_of(router.read, read("mine", client=elsewhere)) == "Forbidden.NoPermission"


def test_the_dedicated_gateway_wants_the_key_as_well(emulator):
    dedicated = plan(endpoint="kst-1.cryptoservice.kms.aliyuncs.com", name="env.client#d")
    assert code_of(cloud(emulator, Given(user("bob"))).read, read("mine", client=dedicated)) == "Forbidden.NoPermission"


def test_a_parameter_wants_the_secret_behind_it_as_well(emulator):
    assert code_of(cloud(emulator, Given(user("bob"))).read, read("p", plan_of("oos"))) == "NoPermission"


def test_a_part_of_a_batch_may_be_refused(emulator):
    mine, other = cloud(emulator, Given(user("bob"))).read_batch(plan(), [read("mine"), read("other")])
    assert (mine.data.reveal(), other.code) == (b"1", "Forbidden.NoPermission")


def test_tokens_are_taken_unread_without_a_key_set():
    with running() as emulator:
        sts = StsClient(Transport(transport_options(emulator), CLOCK), "sts.aliyuncs.com", utc_now, SystemRandom())
        assert federate(sts, "pod-token").key_id == SecretBytes(b"STS.pod")


def test_sts_fails_for_the_roles_it_is_told_to_and_its_sessions_live_as_long_as_told():
    failures = [
        {"role": FAR_ROLE, "fail": {"code": "InternalError", "status": 500}},
        {"role": POD_ROLE, "fail": {"network": "reset"}},
    ]
    with running() as emulator:
        emulator.set_accounts({"sts": {"fail": failures, "life": 60}})
        sts = StsClient(Transport(transport_options(emulator), CLOCK), "sts.aliyuncs.com", utc_now, SystemRandom())
        signer = StaticCredentials(key_pair()).credentials()
        assert code_of(sts.assume_role, signer, RoleCall(FAR_ROLE, "session")) == "InternalError"
        with pytest.raises(BackendError) as caught:
            federate(sts, "pod-token")
        assert caught.value.network == "reset"
        session = sts.assume_role(signer, RoleCall(PLAIN_ROLE, "session"))
        assert session.expires_at - utc_now() <= timedelta(seconds=60)


def test_the_role_name_fails_with_the_status_it_is_told():
    with running() as emulator:
        emulator.set_accounts({"metadata": {"status": 500}})
        assert ask(emulator, "GET", ROLES).status == 500


# --- metadata


ROLES = "/latest/meta-data/ram/security-credentials/"


def ask(emulator, method: str, path: str, **headers: str):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Transport(transport_options(emulator), CLOCK).exchange(method, f"http://100.100.100.200{path}", names)


def session(emulator, ttl: str = "60") -> str:
    return ask(emulator, "PUT", "/latest/api/token", X_aliyun_ecs_metadata_token_ttl_seconds=ttl).body.decode()


def test_version_2_needs_its_token(emulator):
    assert ask(emulator, "GET", ROLES).status == 403
    assert ask(emulator, "GET", ROLES, X_aliyun_ecs_metadata_token="wrong").status == 401
    assert ask(emulator, "GET", ROLES, X_aliyun_ecs_metadata_token=session(emulator)).body == b"plain"


@pytest.mark.parametrize("ttl", ["", "0", "21601", "x", "99999999999", "²"])
def test_a_session_needs_a_life_within_bounds(emulator, ttl):
    headers = {"X_aliyun_ecs_metadata_token_ttl_seconds": ttl} if ttl.isascii() else {}
    assert ask(emulator, "PUT", "/latest/api/token", **headers).status == 400


def test_a_forwarded_session_request_is_refused(emulator):
    assert (
        ask(emulator, "PUT", "/latest/api/token", X_aliyun_ecs_metadata_token_ttl_seconds="5", X_Forwarded_For="1").status == 403
    )


def test_the_roles_credentials_and_facts(emulator):
    mine = {"X_aliyun_ecs_metadata_token": session(emulator)}
    document = json.loads(ask(emulator, "GET", f"{ROLES}plain", **mine).body)
    assert (document["Code"], document["AccessKeyId"]) == ("Success", "STS.plain")
    assert ask(emulator, "GET", f"{ROLES}other", **mine).status == 404
    assert ask(emulator, "GET", "/latest/meta-data/region-id", **mine).body == b"cn-hangzhou"
    assert ask(emulator, "GET", "/latest/meta-data/nothing", **mine).status == 404
    assert ask(emulator, "POST", ROLES, **mine).status == 405


def test_version_1_is_served_while_tokens_are_optional():
    with running() as emulator:
        assert ask(emulator, "GET", ROLES).body == b"EmulatorWorkerRole"


# --- tokens as bytes


CHECKER = TokenChecker(lambda: decode_jwks(jwks()), lambda: datetime(2026, 1, 2, tzinfo=UTC))


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(st.binary(max_size=20).map(base64url), min_size=3, max_size=3).map(".".join)))
def test_arbitrary_tokens_are_refused_and_never_crash(text):
    with pytest.raises(ServiceFault):
        CHECKER.check(text, OidcProvider("p"))


@pytest.mark.parametrize(
    "document", [None, {}, {"keys": []}, {"keys": [{"kty": "RSA", "n": "!", "e": "AQAB"}]}, {"keys": [{"kty": "RSA"}]}]
)
def test_a_key_set_without_a_key_is_refused(document):
    with pytest.raises(ValueError, match=r"."):
        decode_jwks(document)
