"""Every tier against the emulator: which calls are made, by whom they are signed, and how failures read."""

import base64
import json
from datetime import timedelta

import pytest

from kubectl_asm.adapters.cloud.transport import Transport
from kubectl_asm.adapters.credentials.chain import CredentialChain, Surroundings
from kubectl_asm.adapters.credentials.metadata import MetadataClient, MetadataOptions
from kubectl_asm.adapters.credentials.oidc import token_life
from kubectl_asm.adapters.credentials.sts import StsClient, session_credentials
from kubectl_asm.adapters.system import SystemRandom, utc_now
from kubectl_asm.engine.calls import hosts_of, identity_calls
from kubectl_asm.errors import AccessError, BugError, UnavailableError
from kubectl_asm.model.backend import BackendError, ErrorClass, Identity, RoleHop, Tier
from kubectl_asm.model.settings import Settings
from tests.unit.adapters.credentials.test_refresh import START
from tests.unit.emulator.worlds import CLOCK, cloud, key_pair, plan, read, running, transport_options

STS_HOST = "sts-vpc.cn-hangzhou.aliyuncs.com"
ROLE, REMOTE = "acs:ram::1001:role/near", "acs:ram::900:role/kms-reader"
PROVIDER_ARN = "acs:ram::1001:oidc-provider/ack-rrsa-c1"


@pytest.fixture(scope="module")
def shared_emulator():
    with running({"kms": {"k": "v"}}) as one:
        yield one


class Tokens:
    """TokenRequest that gives numbered tokens, or fails."""

    def __init__(self, error: Exception | None = None, text: str | None = None) -> None:
        self.asked: list[tuple[str, str, tuple[str, ...]]] = []
        self.error, self.text = error, text

    def issue(self, namespace: str, name: str, audiences) -> str:
        self.asked.append((namespace, name, tuple(audiences)))
        if self.error:
            raise self.error
        return f"token-{len(self.asked)}" if self.text is None else self.text


class Now:
    """Wall time that a test moves; starts at the present, because the emulator checks time stamps."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def __call__(self):
        return utc_now() + self.offset


@pytest.fixture
def now():
    return Now()


@pytest.fixture
def emulator(shared_emulator):
    shared_emulator.forget_calls()
    return shared_emulator


def chain(emulator, now=utc_now, **more) -> CredentialChain:
    transport = Transport(transport_options(emulator), CLOCK)
    more.setdefault("read_file", {"/token": b"pod-token\n", "/empty": b" \n"}.__getitem__)
    return CredentialChain(Surroundings(transport, STS_HOST, now, SystemRandom(), **more))


def signer_of(emulator, identity: Identity, **more) -> str:
    """Read one secret with an identity; return who signed the read."""
    provider = chain(emulator, **more).provider_for(plan(identity=identity))
    assert cloud(emulator, provider).read(read("k")).data.reveal() == b"v"
    return emulator.calls[-1].principal


def sts_calls(emulator) -> list[tuple[str, str, dict[str, str]]]:
    return [(call.action, call.principal, dict(call.params)) for call in emulator.calls if call.service in ("sts", "metadata")]


def test_an_access_key_makes_no_call_of_its_own(emulator):
    assert signer_of(emulator, Identity(Tier.AK, key_pair())) == "emulator"
    assert sts_calls(emulator) == []


def test_assume_role_is_signed_by_the_key_and_sends_the_session_length(emulator):
    identity = Identity(Tier.AK_ASSUME_ROLE, key_pair(), ROLE, "session", duration_s=1800)
    assert signer_of(emulator, identity).startswith("STS.near")
    params = {"RoleArn": ROLE, "RoleSessionName": "session", "DurationSeconds": "1800"}
    assert sts_calls(emulator) == [("AssumeRole", "emulator", params)]
    assert emulator.calls[0].host == STS_HOST


def test_a_token_file_is_sent_unsigned(emulator):
    identity = Identity(Tier.TOKEN_FILE, role_arn=ROLE, session_name="pod", oidc_provider_arn=PROVIDER_ARN, token_file="/token")
    assert signer_of(emulator, identity).startswith("STS.near")
    params = {"RoleArn": ROLE, "RoleSessionName": "pod", "OIDCProviderArn": PROVIDER_ARN}
    assert sts_calls(emulator) == [("AssumeRoleWithOIDC", "anonymous", params)]


def test_a_service_account_token_is_requested_and_used_until_it_is_due(emulator, now):
    tokens = Tokens()
    identity = Identity(
        Tier.SERVICE_ACCOUNT,
        role_arn=ROLE,
        session_name="ss",
        duration_s=900,
        oidc_provider_arn=PROVIDER_ARN,
        service_account=("ns", "app"),
        audiences=("sts.aliyuncs.com",),
    )
    provider = chain(emulator, now, tokens=tokens).provider_for(plan(identity=identity))
    provider.credentials()
    assert tokens.asked == [("ns", "app", ("sts.aliyuncs.com",))]
    assert "DurationSeconds" not in sts_calls(emulator)[0][2]
    provider.credentials()
    assert len(tokens.asked) == 1


def test_a_token_with_a_longer_life_serves_the_second_role_call(emulator, now):
    payload = {"iat": utc_now().timestamp(), "exp": utc_now().timestamp() + 7200}
    text = f"e30.{base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip('=')}.x"
    tokens = Tokens(text=text)
    identity = Identity(Tier.SERVICE_ACCOUNT, role_arn=ROLE, session_name="ss", oidc_provider_arn="p", service_account=("n", "a"))
    provider = chain(emulator, now, tokens=tokens).provider_for(plan(identity=identity))
    provider.credentials()
    now.offset = timedelta(seconds=2950)
    provider.credentials()
    assert (len(tokens.asked), len(sts_calls(emulator))) == (1, 2)


def test_the_worker_role_is_asked_for_name_and_credentials(emulator):
    assert signer_of(emulator, Identity(Tier.WORKER_ROLE)).startswith("STS.EmulatorWorkerRole")
    assert [call[0] for call in sts_calls(emulator)] == ["Token", "RoleName", "RoleCredentials"]


def test_without_version_2_no_session_is_asked_for(emulator):
    options = MetadataOptions.from_environment({"ALIBABA_CLOUD_IMDSV2_DISABLED": "true"})
    signer_of(emulator, Identity(Tier.WORKER_ROLE), metadata=options)
    assert [call[0] for call in sts_calls(emulator)] == ["RoleName", "RoleCredentials"]
    hosts = hosts_of(Settings(), {"ALIBABA_CLOUD_IMDSV2_DISABLED": "true"})
    assert [call.action for call in identity_calls(Identity(Tier.WORKER_ROLE), hosts)] == ["RoleName", "RoleCredentials"]


def test_all_clients_share_the_one_role_of_the_machine(emulator):
    found = chain(emulator)
    for name in ("env.client", "namespace/a/s", "cluster/t"):
        found.provider_for(plan(name=name, identity=Identity(Tier.WORKER_ROLE))).credentials()
    assert [call[0] for call in sts_calls(emulator)] == ["Token", "RoleName", "RoleCredentials"]


def test_a_known_role_name_saves_a_call(emulator):
    signer_of(emulator, Identity(Tier.WORKER_ROLE), metadata=MetadataOptions(role="EmulatorWorkerRole"))
    assert [call[0] for call in sts_calls(emulator)] == ["Token", "RoleCredentials"]


def test_the_hop_is_signed_by_the_first_role(emulator):
    identity = Identity(Tier.AK_ASSUME_ROLE, key_pair(), ROLE, "one", duration_s=1800, hop=RoleHop(REMOTE, "two"))
    assert signer_of(emulator, identity).startswith("STS.kms-reader")
    first, second = sts_calls(emulator)
    assert first[1] == "emulator"
    assert second[1].startswith("STS.near")
    assert second[2] == {"RoleArn": REMOTE, "RoleSessionName": "two"}


def test_the_caller_can_be_named(emulator):
    one = chain(emulator)
    identity = one.caller_identity(one.provider_for(plan(identity=Identity(Tier.AK_ASSUME_ROLE, key_pair(), ROLE, "whoami"))))
    assert (identity.account, identity.kind) == ("1001", "AssumedRoleUser")
    assert identity.arn == "acs:ram::1001:assumed-role/near/whoami"


@pytest.mark.parametrize(
    ("identity", "more", "word", "is_transient"),
    [
        (Identity(Tier.AK_ASSUME_ROLE, key_pair("nobody"), ROLE, "ss"), {}, "InvalidAccessKeyId.NotFound", False),
        (Identity(Tier.AK_ASSUME_ROLE, key_pair(secret="x"), ROLE, "ss"), {}, "SignatureDoesNotMatch", False),
        (Identity(Tier.AK_ASSUME_ROLE, key_pair(), "no-arn", "ss"), {}, "InvalidParameter.RoleArn", False),
        (
            Identity(Tier.TOKEN_FILE, role_arn=ROLE, session_name="ss", oidc_provider_arn="p", token_file="/empty"),
            {},
            "is empty",
            False,
        ),
        (Identity(Tier.TOKEN_FILE, token_file="/none"), {"read_file": open}, "cannot read the token file /none", False),
        (Identity(Tier.SERVICE_ACCOUNT, service_account=("n", "a")), {}, "needs a cluster", False),
        (
            Identity(Tier.SERVICE_ACCOUNT, service_account=("n", "a")),
            {"tokens": Tokens(AccessError("forbidden", status=403))},
            "token request for ServiceAccount n/a",
            False,
        ),
        (
            Identity(Tier.SERVICE_ACCOUNT, service_account=("n", "a")),
            {"tokens": Tokens(UnavailableError("away"))},
            "token request for ServiceAccount n/a",
            True,
        ),
        (Identity(Tier.SERVICE_ACCOUNT, service_account=("n", "a")), {"tokens": Tokens(text="")}, "the token is empty", False),
        (Identity(Tier.WORKER_ROLE), {"metadata": MetadataOptions(role="Other")}, "worker role Other", False),
    ],
)
def test_a_tier_that_fails_is_an_error_of_its_class(emulator, identity, more, word, is_transient):
    with pytest.raises(BackendError, match=word) as caught:
        chain(emulator, **more).provider_for(plan(identity=identity)).credentials()
    assert (caught.value.error_class, caught.value.is_transient) == (ErrorClass.CREDENTIALS, is_transient)


def test_a_plan_without_identity_and_refusal_is_a_bug(emulator):
    with pytest.raises(BugError):
        chain(emulator).provider_for(plan())


def test_an_sts_that_is_not_there_is_worded_without_token_or_url(emulator):
    from kubectl_asm.adapters.cloud.transport import DialOverride, TransportOptions
    from kubectl_asm.model.sensitive import SecretBytes

    transport = Transport(TransportOptions(dial=DialOverride("127.0.0.1", 1)), CLOCK)
    sts = StsClient(transport, STS_HOST, utc_now, SystemRandom())
    from kubectl_asm.adapters.credentials.sts import RoleCall

    with pytest.raises(BackendError) as caught:
        sts.assume_role_with_oidc("p", SecretBytes(b"canary-token"), RoleCall(ROLE, "ss"))
    text = f"{caught.value} {caught.value!r} {vars(caught.value)}"
    assert "canary" not in text
    assert "http" not in text
    assert "connection was refused" in text


def test_metadata_without_a_role_means_no_credentials(tmp_path):
    accounts = tmp_path / "accounts.yaml"
    accounts.write_text("metadata: {role: ''}\n")
    with running(accounts=accounts) as emulator, pytest.raises(BackendError, match="no RAM role") as caught:
        chain(emulator).provider_for(plan(identity=Identity(Tier.WORKER_ROLE))).credentials()
    assert caught.value.error_class is ErrorClass.NO_CREDENTIALS


def test_metadata_without_version_2_goes_on_with_version_1_unless_forbidden(emulator, monkeypatch):
    from kubectl_asm.emulator import metadata

    monkeypatch.setattr(metadata.MetadataService, "_token", lambda self, request: metadata._text(403, ""))
    transport = Transport(transport_options(emulator), CLOCK)
    assert MetadataClient(transport).credentials().token is not None
    with pytest.raises(BackendError):
        MetadataClient(transport, MetadataOptions(is_v1_allowed=False)).credentials()


def test_the_region_comes_from_metadata(emulator):
    assert MetadataClient(Transport(transport_options(emulator), CLOCK)).region() == "cn-hangzhou"


@pytest.mark.parametrize(
    "fields",
    [None, {}, [], {"AccessKeyId": "a", "AccessKeySecret": "b", "SecurityToken": "c"}, {"AccessKeyId": 1}]
    + [
        {"AccessKeyId": "a", "AccessKeySecret": "b", "SecurityToken": "c", "Expiration": text}
        for text in ("soon", "2026-13-01T00:00:00Z", 5)
    ],
)
def test_an_incomplete_answer_gives_no_credentials(fields):
    with pytest.raises(BackendError):
        session_credentials(fields, "x")


@pytest.mark.parametrize(
    "token", ["", "opaque", "a.b.c", "a.!!!.c", "a.bnVsbA.c", "e30.eyJleHAiOjFlOTk5fQ.x", "e30.eyJleHAiOi01fQ.x"]
)
def test_a_token_that_cannot_be_read_lives_an_hour(token):
    assert token_life(token, START) == (START, START + timedelta(hours=1))
