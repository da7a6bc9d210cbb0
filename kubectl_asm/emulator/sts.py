"""STS 2015-04-01: AssumeRole, AssumeRoleWithOIDC, GetCallerIdentity.

Source: spec/cloud-apis.md 3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from kubectl_asm.emulator.accounts import OidcProvider, Principal, Role
from kubectl_asm.emulator.answers import ServiceFault
from kubectl_asm.emulator.calls import IDENTITY_POLICY, TRUST_POLICY, Ask, Operation
from kubectl_asm.emulator.jwt import Claims
from kubectl_asm.emulator.policies import is_allowed, is_trusted
from kubectl_asm.emulator.wire import Response

VERSION: Final = "2015-04-01"

_ROLE_ARN = re.compile(r"acs:ram::([^:]+):role/([A-Za-z0-9._-]{1,64})", re.ASCII)
_SESSION_NAME = re.compile(r"[A-Za-z0-9.@_-]{2,64}", re.ASCII)


def assume_role(ask: Ask) -> Response:
    """AssumeRole."""
    arn, name, seconds = _role_parameters(ask)
    scripted = _scripted(ask, arn)
    if scripted is not None:
        return scripted
    role = ask.shop.accounts().role(arn)
    _check_duration(seconds, role)
    caller = ask.principal
    assert caller is not None
    names = (caller.arn, caller.role_arn, f"acs:ram::{caller.account}:root")
    account = role.arn.split(":")[3]
    resource = f"acs:ram:*:{account}:{role.arn.split(':', 4)[4]}"
    is_permitted = is_allowed(caller.policies, "sts:AssumeRole", resource)
    if not is_permitted or not (role.trust is None or is_trusted(role.trust, "RAM", names)):
        detail = ask.denial("sts:AssumeRole", resource, TRUST_POLICY if is_permitted else IDENTITY_POLICY)
        message = "You are not authorized to do this action. You should be authorized by RAM."
        raise ServiceFault("NoPermission", 403, message, detail=detail)
    return ask.answer(_session(ask, role, name, seconds))


def assume_role_with_oidc(ask: Ask) -> Response:
    """AssumeRoleWithOIDC: parameters, provider, token, role, trust, in this order."""
    provider_arn, token = ask.required("OIDCProviderArn"), ask.required("OIDCToken")
    arn, name, seconds = _role_parameters(ask)
    scripted = _scripted(ask, arn)
    if scripted is not None:
        return scripted
    provider = _provider(ask, provider_arn)
    if not 4 <= len(token) <= 20_000:
        raise ServiceFault("AuthenticationFail.OIDCToken.Invalid", 401, "This JWT Token is invalid.")
    claims = ask.shop.tokens.check(token, provider)
    role = ask.shop.accounts().role(arn)
    _check_duration(seconds, role)
    if not (role.trust is None or is_trusted(role.trust, "Federated", (provider_arn,), claims.conditions())):
        raise ServiceFault("AuthenticationFail.NoPermission", 401, "This action is not authorized. There is no permission.")
    return ask.answer({**_session(ask, role, name, seconds), "OIDCTokenInfo": _token_info(claims)})


def get_caller_identity(ask: Ask) -> Response:
    """GetCallerIdentity."""
    caller = ask.principal
    assert caller is not None
    document = {"AccountId": caller.account, "Arn": caller.arn, "IdentityType": caller.identity_type, "PrincipalId": caller.arn}
    return ask.answer(
        {**document, "RoleId": "300000000000000001"} if caller.role_arn else {**document, "UserId": "200000000000000001"}
    )


ACTIONS: Final[Mapping[str, Operation]] = {
    "AssumeRole": assume_role,
    "AssumeRoleWithOIDC": assume_role_with_oidc,
    "GetCallerIdentity": get_caller_identity,
}


def _scripted(ask: Ask, arn: str) -> Response | None:
    """Return what the accounts file tells STS to answer for a role, None for the usual."""
    failure = ask.shop.accounts().failure(arn)
    return None if failure is None else ask.special(failure, {})


def _role_parameters(ask: Ask) -> tuple[str, str, int]:
    arn, name = ask.required("RoleArn"), ask.required("RoleSessionName")
    if _ROLE_ARN.fullmatch(arn) is None:
        raise _invalid("RoleArn")
    if _SESSION_NAME.fullmatch(name) is None:
        raise _invalid("RoleSessionName")
    if not len(ask.params.get("Policy", "")) <= 2048:
        raise _invalid("PolicySize")
    return arn, name, ask.number("DurationSeconds", 3600, 900, 43200)


def _check_duration(seconds: int, role: Role) -> None:
    if seconds > role.max_session_s:
        raise _invalid("DurationSeconds")


def _provider(ask: Ask, arn: str) -> OidcProvider:
    accounts = ask.shop.accounts()
    provider = accounts.providers.get(arn)
    if provider is None and accounts.is_open:
        return OidcProvider(arn)
    if provider is None:
        raise ServiceFault("AuthenticationFail.NoPermission", 401, "No such OIDC Provider registered.")
    return provider


def _session(ask: Ask, role: Role, name: str, seconds: int) -> dict[str, Any]:
    match = _ROLE_ARN.fullmatch(role.arn)
    assert match is not None
    account, short = match[1], match[2]
    arn = f"acs:ram::{account}:assumed-role/{short}/{name}"
    life_s = ask.shop.accounts().session_s or seconds
    expires_at = ask.shop.world.now().replace(microsecond=0) + timedelta(seconds=life_s)
    key_id, key = ask.shop.keys.issue(short, Principal(account, arn, role.policies, role.arn), expires_at)
    return {
        "AssumedRoleUser": {"Arn": arn, "AssumedRoleId": f"300000000000000001:{name}"},
        "Credentials": {
            "AccessKeyId": key_id,
            "AccessKeySecret": key.secret.decode(),
            "SecurityToken": key.token,
            "Expiration": f"{expires_at:%Y-%m-%dT%H:%M:%SZ}",
        },
    }


def _token_info(claims: Claims) -> dict[str, str]:
    return {
        "Subject": claims.subject,
        "Issuer": claims.issuer,
        "ClientIds": ",".join(claims.audiences),
        "VerificationInfo": "Success",
    }


def _invalid(what: str) -> ServiceFault:
    return ServiceFault(f"InvalidParameter.{what}", 400, f"The parameter {what} is wrongly formed.")
