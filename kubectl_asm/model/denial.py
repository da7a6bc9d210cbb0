"""What a service says about a refused call: who, which action, which resource, and whether a policy said no or none said yes.

Only words that look like what they stand for are taken over; a service's free text never is, and neither is its encoded
diagnostic message. Source: spec/cloud-apis.md 1.6, 6.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

_ACTION = re.compile(r"[a-z][a-z0-9-]{0,31}:[A-Za-z*]{1,64}", re.ASCII)
_PRINCIPAL = re.compile(r"[A-Za-z0-9@._:/-]{1,160}", re.ASCII)
_WORD = re.compile(r"[A-Za-z]{1,64}", re.ASCII)
_ACCOUNT = re.compile(r"\d{1,20}", re.ASCII)
_ARN = re.compile(r"\bacs:[a-z]{2,16}:[a-z0-9*-]{0,32}:(?:\d{1,20}|\*):[A-Za-z0-9/_.+=@*-]{1,256}", re.ASCII)
_KINDS: Final = {"ImplicitDeny": False, "ExplicitDeny": True}


class Denial(msgspec.Struct, frozen=True):
    """A refused call. Empty texts: the service did not say. is_explicit: a policy denies; False: none allows; None: unsaid."""

    action: str = ""
    resource: str = ""
    principal: str = ""
    principal_type: str = ""
    account: str = ""
    policy_type: str = ""
    is_explicit: bool | None = None

    def __str__(self) -> str:
        """Return one clause: `kms:GetSecretValue on acs:... is not allowed for AssumedRoleUser app:s of account 1`."""
        verdict = "is denied by a policy" if self.is_explicit else "is allowed by no policy" if self.is_explicit is False else ""
        what = " on ".join(part for part in (self.action, self.resource) if part)
        who = " ".join(part for part in (self.principal_type, self.principal) if part)
        by = f" ({self.policy_type})" if self.policy_type and verdict else ""
        of = f" of account {self.account}" if self.account else ""
        return f"{what or 'the call'} {verdict or 'is refused'}{by}" + (f" for {who}{of}" if who or of else "")

    @property
    def hint(self) -> str:
        """Return what to change."""
        if self.is_explicit:
            return (
                f"a Deny statement{f' of type {self.policy_type}' if self.policy_type else ''} wins over every Allow: change it"
            )
        whom = self.principal.partition(":")[0] or "the identity"
        if self.action:
            return f"allow {self.action}{f' on {self.resource}' if self.resource else ''} to {whom}"
        if ":key/" in self.resource:
            return f"allow kms:Decrypt on {self.resource} to {whom}"
        return f"allow the call on {self.resource} to {whom}"


def decode_denial(detail: Any, message: Any = "") -> Denial | None:
    """Return what AccessDeniedDetail says, with the resource that the message names; None when neither says anything."""
    fields = detail if isinstance(detail, Mapping) else {}
    found = Denial(
        action=_matching(_ACTION, fields.get("AuthAction")),
        resource=resource_in(message),
        principal=_matching(_PRINCIPAL, fields.get("AuthPrincipalDisplayName")),
        principal_type=_matching(_WORD, fields.get("AuthPrincipalType")),
        account=_matching(_ACCOUNT, fields.get("AuthPrincipalOwnerId")),
        policy_type=_matching(_WORD, fields.get("PolicyType")),
        is_explicit=_KINDS.get(_matching(_WORD, fields.get("NoPermissionType"))),
    )
    return None if found == Denial() else found


def resource_in(message: Any) -> str:
    """Return the one resource a message names in the form of an ARN, nothing when it names none or several."""
    found = {arn.rstrip(".") for arn in _ARN.findall(message[:4096])} if isinstance(message, str) else set()
    return found.pop() if len(found) == 1 else ""


def _matching(pattern: re.Pattern[str], value: Any) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""
