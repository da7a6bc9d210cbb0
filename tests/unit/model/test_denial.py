"""Refusals of the services decoded: their fields are kept, their free text is not."""

import json

import pytest

from kubectl_asm.adapters.cloud.failures import backend_error
from kubectl_asm.adapters.cloud.transport import Reply
from kubectl_asm.adapters.credentials.base import credentials_error
from kubectl_asm.adapters.credentials.sts import read_document
from kubectl_asm.model.backend import BackendError
from kubectl_asm.model.denial import Denial, decode_denial, resource_in

ARN = "acs:kms:cn-hangzhou:1001:secret/db"
CANARY = "canary-diagnostics"
DETAIL = {
    "AuthAction": "kms:GetSecretValue",
    "AuthPrincipalType": "AssumedRoleUser",
    "AuthPrincipalDisplayName": "app:ack-secret-manager",
    "AuthPrincipalOwnerId": "1001",
    "NoPermissionType": "ImplicitDeny",
    "PolicyType": "AccountLevelIdentityBasedPolicy",
    "EncodedDiagnosticMessage": CANARY,
}
MESSAGE = f"This operation for {ARN} is forbidden by permission system."


def test_a_complete_detail_becomes_who_what_where_and_why() -> None:
    denial = decode_denial(DETAIL, MESSAGE)
    assert str(denial) == (
        f"kms:GetSecretValue on {ARN} is allowed by no policy (AccountLevelIdentityBasedPolicy)"
        " for AssumedRoleUser app:ack-secret-manager of account 1001"
    )
    assert denial is not None
    assert denial.hint == f"allow kms:GetSecretValue on {ARN} to app"


def test_an_explicit_denial_asks_for_the_policy_and_for_no_permission() -> None:
    denial = decode_denial({**DETAIL, "NoPermissionType": "ExplicitDeny", "PolicyType": "ControlPolicy"})
    assert denial is not None
    assert "is denied by a policy (ControlPolicy)" in str(denial)
    assert denial.hint == "a Deny statement of type ControlPolicy wins over every Allow: change it"


def test_a_message_alone_tells_the_resource_and_a_key_means_decrypt() -> None:
    assert str(decode_denial(None, MESSAGE)) == f"{ARN} is refused"
    key = "acs:kms:cn-hangzhou:1001:key/key-1"
    denial = decode_denial(None, f"Forbidden: {key}.")
    assert denial is not None
    assert denial.hint == f"allow kms:Decrypt on {key} to the identity"


@pytest.mark.parametrize(
    "detail",
    [
        None,
        [],
        "text",
        {},
        {"AuthAction": f"{CANARY} x"},
        {"AuthAction": 7, "PolicyType": [CANARY]},
        {"NoPermissionType": CANARY},
    ],
)
def test_nothing_that_looks_like_nothing_is_taken_over(detail: object) -> None:
    assert decode_denial(detail, f"Specified signature {CANARY} is wrong: Authorization=x") is None


def test_a_message_with_several_resources_names_none() -> None:
    assert resource_in(f"{ARN} and acs:kms:cn-hangzhou:1001:secret/other") == ""
    assert resource_in(f"{ARN} or {ARN}.") == ARN
    assert resource_in(None) == ""


def test_the_answer_of_sts_is_decoded_and_its_text_dropped() -> None:
    body = {"Code": "NoPermission", "Message": f"{CANARY} text", "AccessDeniedDetail": {**DETAIL, "AuthAction": "sts:AssumeRole"}}
    with pytest.raises(BackendError) as caught:
        read_document(Reply(403, "", {}, json.dumps(body).encode()), "assuming the role r failed")
    assert str(caught.value).startswith("NoPermission, HTTP 403, assuming the role r failed, ")
    assert "sts:AssumeRole is allowed by no policy" in str(caught.value)
    assert CANARY not in f"{caught.value}{caught.value.hint}"


def test_the_exception_of_the_sdk_is_decoded_and_its_text_dropped() -> None:
    from alibabacloud_tea_openapi.exceptions import ClientException

    vendor = ClientException(
        status_code=403,
        code="Forbidden.NoPermission",
        message=f"code: 403, {CANARY}",
        data={"Message": MESSAGE, "Other": CANARY},
        access_denied_detail=DETAIL,
        request_id="7B5FD0A1-0000-4000-8000-000000000002",
    )
    error = backend_error(vendor)
    assert error.denial == decode_denial(DETAIL, MESSAGE)
    assert ARN in str(error)
    assert CANARY not in f"{error}{error.hint}"


def test_a_refusal_at_the_identity_keeps_what_was_said() -> None:
    cause = BackendError(code="NoPermission", status=403, denial=Denial(action="sts:AssumeRole"))
    assert credentials_error("assuming the role r failed", cause=cause).denial == cause.denial
