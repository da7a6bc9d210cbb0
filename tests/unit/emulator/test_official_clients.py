"""Official, unmodified SDK clients against the emulator over HTTPS, with only an endpoint and a CA file configured."""

import json

import pytest
from alibabacloud_credentials.provider.oidc import OIDCRoleArnCredentialsProvider
from alibabacloud_credentials.provider.ram_role_arn import RamRoleArnCredentialsProvider
from alibabacloud_credentials.provider.static_ak import StaticAKCredentialsProvider
from alibabacloud_kms20160120 import models as kms
from alibabacloud_kms20160120.client import Client as KmsClient
from alibabacloud_oos20190601 import models as oos
from alibabacloud_oos20190601.client import Client as OosClient
from alibabacloud_tea_openapi.exceptions import ClientException, ServerException, ThrottlingException
from alibabacloud_tea_openapi.utils_models import Config

from tests.unit.emulator.worlds import running

DOCUMENT = {
    "kms": {
        "db": "s3cr3t",
        "team/db x*~ü": "odd",
        "app": {"versions": [{"id": "v1", "stages": [], "text": "1"}, {"id": "v2", "stages": ["ACSCurrent"], "text": "2"}]},
        "busy": {"fail": {"code": "Rejected.Throttling", "status": 429, "retryAfter": 1.5}},
        "down": {"fail": {"code": "ServiceUnavailableTemporary", "status": 503}},
    },
    "oos": {f"app/{name}": name for name in "abc"} | {"app/deep/d": "d", "top": "t"},
}


@pytest.fixture(scope="module")
def emulator():
    with running(DOCUMENT) as one:
        yield one


def config(emulator, **more) -> Config:
    fields = {"access_key_id": "emulator", "access_key_secret": "emulator", "endpoint": f"127.0.0.1:{emulator.port}"}
    return Config(**fields | {"ca": str(emulator.ca_file), "region_id": "cn-hangzhou"} | more)


@pytest.fixture(params=["acs3", "rpc v1"])
def client(request, emulator):
    return KmsClient(config(emulator, signature_algorithm="v2" if request.param == "rpc v1" else None))


def test_a_secret_is_read_with_either_signature(client):
    body = client.get_secret_value(kms.GetSecretValueRequest(secret_name="db")).body
    assert (body.secret_data, body.secret_data_type, body.version_stages.version_stage) == ("s3cr3t", "text", ["ACSCurrent"])
    assert client.get_secret_value(kms.GetSecretValueRequest(secret_name="team/db x*~ü")).body.secret_data == "odd"


def test_several_secrets_are_read_at_once(client):
    items = [kms.BatchGetSecretValueRequestSecretsList(secret_name=name) for name in ("db", "none", "app")]
    body = client.batch_get_secret_value(kms.BatchGetSecretValueRequest(secrets_list=items)).body
    assert [item.secret_data for item in body.secret_values] == ["s3cr3t", "2"]
    assert [(item.secret_name, item.code, item.http_status) for item in body.errors] == [
        ("none", "Forbidden.ResourceNotFound", 404)
    ]


def test_secrets_are_described_and_listed_in_pages(client):
    described = client.describe_secret(kms.DescribeSecretRequest(secret_name="db")).body
    assert (described.secret_name, described.arn.rsplit("/", 1)[1]) == ("db", "db")
    names = []
    for page in (1, 2, 3):
        body = client.list_secrets(kms.ListSecretsRequest(page_number=page, page_size=2)).body
        names += [item.secret_name for item in body.secret_list.secret]
    assert (names, body.total_count) == (sorted(DOCUMENT["kms"]), 5)
    filters = json.dumps([{"Key": "SecretName", "Values": ["d"]}])
    filtered = client.list_secrets(kms.ListSecretsRequest(filters=filters)).body
    assert [item.secret_name for item in filtered.secret_list.secret] == ["db", "down"]


def test_versions_without_a_stage_are_listed_on_request_only(client):
    def versions(**more):
        body = client.list_secret_version_ids(kms.ListSecretVersionIdsRequest(secret_name="app", **more)).body
        return [item.version_id for item in body.version_ids.version_id]

    assert versions() == ["v2"]
    assert versions(include_deprecated="true") == ["v1", "v2"]


def test_scripted_refusals_arrive_as_the_sdks_own_exceptions(emulator):
    client = KmsClient(config(emulator))
    with pytest.raises(ThrottlingException) as throttled:
        client.get_secret_value(kms.GetSecretValueRequest(secret_name="busy"))
    assert (throttled.value.code, throttled.value.retry_after) == ("Rejected.Throttling", 1500)
    with pytest.raises(ServerException):
        client.get_secret_value(kms.GetSecretValueRequest(secret_name="down"))
    with pytest.raises(ClientException) as missing:
        client.get_secret_value(kms.GetSecretValueRequest(secret_name="none"))
    assert missing.value.data["HttpStatus"] == 404


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"access_key_secret": "wrong"}, "SignatureDoesNotMatch"), ({"access_key_id": "nobody"}, "InvalidAccessKeyId.NotFound")],
)
def test_a_wrong_key_is_refused(emulator, fields, code):
    with pytest.raises(ClientException) as caught:
        KmsClient(config(emulator, **fields)).get_secret_value(kms.GetSecretValueRequest(secret_name="db"))
    assert caught.value.code == code


def test_parameters_are_read_alone_together_and_by_path(emulator):
    client = OosClient(config(emulator))
    one = client.get_secret_parameter(oos.GetSecretParameterRequest(name="top", with_decryption=True)).body.parameter
    assert (one.value, one.parameter_version, one.type) == ("t", 1, "Secret")
    hidden = client.get_secret_parameter(oos.GetSecretParameterRequest(name="top")).body.parameter
    assert hidden.value is None
    many = client.get_secret_parameters(oos.GetSecretParametersRequest(names='["top","none"]', with_decryption=True)).body
    assert ([item.value for item in many.parameters], many.invalid_parameters) == (["t"], ["none"])


def test_a_path_is_read_in_pages_deep_or_flat(emulator):
    client = OosClient(config(emulator))

    def names(**more):
        found, token = [], None
        while True:
            request = oos.GetSecretParametersByPathRequest(path="app", max_results=2, next_token=token, **more)
            body = client.get_secret_parameters_by_path(request).body
            found += [item.name for item in body.parameters]
            token = body.next_token
            if not token:
                return found

    assert names() == ["app/a", "app/b", "app/c"]
    assert names(recursive=True) == ["app/a", "app/b", "app/c", "app/deep/d"]


def test_the_credentials_package_assumes_roles_and_its_sessions_read_secrets(tmp_path):
    token = tmp_path / "token"
    token.write_text("pod-token")
    with running(DOCUMENT, plain_http=True) as emulator:
        endpoint = f"http://127.0.0.1:{emulator.port}"
        assumed = RamRoleArnCredentialsProvider(
            credentials_provider=StaticAKCredentialsProvider(access_key_id="emulator", access_key_secret="emulator"),
            role_arn="acs:ram::1001:role/reader",
            role_session_name="asm",
            duration_seconds=3600,
            sts_endpoint=endpoint,
        ).get_credentials()
        federated = OIDCRoleArnCredentialsProvider(
            role_arn="acs:ram::1001:role/pod",
            oidc_provider_arn="acs:ram::1001:oidc-provider/x",
            oidc_token_file_path=str(token),
            role_session_name="asm",
            sts_endpoint=endpoint,
        ).get_credentials()
        assert (assumed.get_access_key_id(), federated.get_access_key_id()) == ("STS.reader", "STS.pod")
        session = KmsClient(
            config(
                emulator,
                ca=None,
                protocol="http",
                access_key_id=assumed.get_access_key_id(),
                access_key_secret=assumed.get_access_key_secret(),
                security_token=assumed.get_security_token(),
            )
        )
        assert session.get_secret_value(kms.GetSecretValueRequest(secret_name="db")).body.secret_data == "s3cr3t"
        assert emulator.calls[-1].principal == "STS.reader"


def test_our_signer_agrees_with_the_credentials_package():
    from alibabacloud_credentials.utils import parameter_helper

    from kubectl_asm.adapters.cloud.signing import rpc_signature

    params = {
        "Action": "AssumeRole",
        "RoleArn": "acs:ram::1:role/a",
        "RoleSessionName": "x@y",
        "Timestamp": "2026-01-02T03:04:05Z",
    }
    theirs = parameter_helper.sign_string(parameter_helper.compose_string_to_sign("GET", params), "SECRET&")
    assert rpc_signature(b"SECRET", method="GET", params=params.items()) == theirs
