"""What every operation gets to work with, and the checks they share."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from kubectl_asm.adapters.cloud.values import Failure, Fault
from kubectl_asm.emulator.accounts import Accounts, Keys, Principal
from kubectl_asm.emulator.answers import Service, ServiceFault, fault_response, json_response
from kubectl_asm.emulator.content import Content, defective, network_response, service_fault
from kubectl_asm.emulator.jwt import TokenChecker
from kubectl_asm.emulator.options import World
from kubectl_asm.emulator.policies import is_allowed, is_denied
from kubectl_asm.emulator.wire import Response
from kubectl_asm.model.backend import Network

IDENTITY_POLICY: Final = "AccountLevelIdentityBasedPolicy"
TRUST_POLICY: Final = "AssumeRolePolicy"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shop:
    """The state the operations share."""

    world: World
    content: Content
    accounts: Callable[[], Accounts]
    keys: Keys
    tokens: TokenChecker


@dataclass(frozen=True, slots=True)
class Ask:
    """One verified call to an operation. principal None: an operation without signature."""

    shop: Shop
    service: Service
    params: Mapping[str, str] = field(repr=False)
    host: str
    region: str
    request_id: str
    principal: Principal | None = None

    def required(self, name: str) -> str:
        """Return a parameter that must be there and not empty."""
        value = self.params.get(name, "")
        if not value:
            raise ServiceFault(f"Missing{name}", 400, f"{name} is mandatory for this action.")
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean parameter; SDKs write it in several spellings."""
        return self.params.get(name, "").lower() == "true"

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """Return an integer parameter within its bounds."""
        text = self.params.get(name, str(default))
        if not text.isascii() or not text.isdigit() or len(text) > 9 or not low <= int(text) <= high:
            raise ServiceFault(
                f"InvalidParameter.{name}" if self.service is Service.STS else "InvalidParameter", 400, f"{name} is invalid."
            )
        return int(text)

    def authorize(self, action: str, resource: str) -> None:
        """Refuse what the caller's policies do not allow. resource: the ARN from the fourth part on, `secret/db`."""
        assert self.principal is not None
        arn = f"acs:{action.partition(':')[0]}:{self.region}:{self.principal.account}:{resource}"
        if not is_allowed(self.principal.policies, action, arn):
            code = "Forbidden.NoPermission" if self.service is Service.KMS else "NoPermission"
            message = f"This operation for {arn} is forbidden by permission system."
            raise ServiceFault(code, 403, message, detail=self.denial(action, arn))

    def denial(self, action: str, resource: str, policy_type: str = IDENTITY_POLICY) -> Mapping[str, str]:
        """Return AccessDeniedDetail: who may not do what, and whether a policy says no or none says yes."""
        assert self.principal is not None
        is_explicit = policy_type == IDENTITY_POLICY and is_denied(self.principal.policies, action, resource)
        return {
            "AuthAction": action,
            "AuthPrincipalType": "AssumedRoleUser" if self.principal.role_arn else "SubUser",
            "AuthPrincipalDisplayName": self.principal.display_name,
            "AuthPrincipalOwnerId": self.principal.account,
            "NoPermissionType": "ExplicitDeny" if is_explicit else "ImplicitDeny",
            "PolicyType": policy_type,
            "EncodedDiagnosticMessage": base64.b64encode(self.shop.world.token(48)).decode(),
        }

    def answer(self, document: Mapping[str, object]) -> Response:
        """Return a JSON answer."""
        return json_response(document, self.request_id)

    def refuse(self, fault: ServiceFault) -> Response:
        """Return an error document."""
        return fault_response(fault, self.service, self.host, self.request_id)

    def special(self, step: Failure | Fault, document: Mapping[str, object]) -> Response:
        """Return the response of a step that is no plain answer. document: what a slow or cut reply holds."""
        if isinstance(step, Fault):
            return defective(step, self.answer(document))
        if step.network is not None:
            return network_response(Network(step.network))
        return self.refuse(service_fault(step))


Operation = Callable[[Ask], Response]
