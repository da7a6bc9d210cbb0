"""Sources of a developer's machine, read only when --credentials names them: the CLI's profile file, a credentials URI.

Ours rather than the official credentials package: that one reads its variables on import, tries one source after the
other, starts threads, and puts URLs with tokens into log lines and exceptions; here exactly one source is used, the one
that was asked for. Nothing of a file or an answer but names of fields and modes is ever repeated in a message.
Source: spec/operation.md 5; the file format is that of the aliyun CLI, `~/.aliyun/config.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kubectl_asm.adapters.cloud.failures import transport_error
from kubectl_asm.adapters.cloud.network import TransportError
from kubectl_asm.adapters.cloud.transport import Transport
from kubectl_asm.adapters.credentials.base import CredentialProvider, Credentials, WallClock, credentials_error
from kubectl_asm.adapters.credentials.refresh import ROLE_WINDOW, RefreshingCredentials, before_end
from kubectl_asm.adapters.credentials.sts import RoleCall, StsClient, read_document, session_credentials
from kubectl_asm.errors import UsageError
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.ports import Random

URI_VARIABLE: Final = "ALIBABA_CLOUD_CREDENTIALS_URI"
DEFAULT_SESSION: Final = "kubectl-asm"
MODES: Final = ("AK", "StsToken", "RamRoleArn")
_INSTEAD: Final = {
    "EcsRamRole": "the role of this machine is --credentials=metadata",
    "CredentialsURI": f"a service on this machine is --credentials=uri with {URI_VARIABLE}",
    "OIDC": "a ServiceAccount's token is --controller-service-account",
}
"""What takes the place of a mode that is not supported."""
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile of the CLI's file. role: RamRoleArn only."""

    name: str
    mode: str
    base: Credentials = field(repr=False)
    role: RoleCall | None = None

    def provider(self, sts: StsClient, now: WallClock, random: Random) -> CredentialProvider:
        """Return the provider of its credentials; raises nothing, its calls raise BackendError."""
        if self.role is None:
            return FixedCredentials(self.base)
        role = self.role
        return RefreshingCredentials(lambda: sts.assume_role(self.base, role), before_end(ROLE_WINDOW, random), now)


class FixedCredentials:
    """A CredentialProvider that always gives the same, a token included; their end is not known."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def credentials(self) -> Credentials:
        """Return them."""
        return self._credentials


def decode_profile(text: bytes, name: str, file: str) -> Profile:
    """Return a profile of the CLI's file, the current one when name is empty. Raises UsageError."""
    document = _document(text, file)
    profiles = [item for item in document.get("profiles") or () if isinstance(item, dict)]
    wanted = name or _text(document, "current") or "default"
    for item in profiles:
        if item.get("name") == wanted:
            return _profile(item, wanted, file)
    known = ", ".join(str(item["name"]) for item in profiles if _WORD.fullmatch(str(item.get("name", "")))) or "none"
    raise UsageError(f'{file} has no profile "{wanted[:64]}"', hint=f"its profiles: {known}")


def _document(text: bytes, file: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("profiles", []), list):
        raise UsageError(f"{file} is not a profile file of the aliyun CLI", hint="write one with `aliyun configure`")
    return document


def _profile(item: Mapping[str, Any], name: str, file: str) -> Profile:
    mode = _text(item, "mode") or "AK"
    if mode not in MODES:
        shown = mode if _WORD.fullmatch(mode) else "of an unknown kind"
        way_out = _INSTEAD.get(mode, "write a profile of one of these with `aliyun configure`")
        hint = f"supported are {', '.join(MODES)}; {way_out}"
        raise UsageError(f"profile {name} of {file}: mode {shown} is not supported", hint=hint)
    needed = {"AK": (), "StsToken": ("sts_token",), "RamRoleArn": ("ram_role_arn",)}[mode]
    for key in ("access_key_id", "access_key_secret", *needed):
        if not _text(item, key):
            raise UsageError(f"profile {name} of {file}: {key} is missing", hint="complete it with `aliyun configure`")
    token = SecretBytes.of_text(_text(item, "sts_token")) if mode != "AK" and _text(item, "sts_token") else None
    key_id, secret = (SecretBytes.of_text(_text(item, key)) for key in ("access_key_id", "access_key_secret"))
    return Profile(name, mode, Credentials(key_id, secret, token), _role(item) if mode == "RamRoleArn" else None)


def _role(item: Mapping[str, Any]) -> RoleCall:
    seconds = item.get("expired_seconds")
    has_seconds = isinstance(seconds, int) and not isinstance(seconds, bool) and seconds > 0
    return RoleCall(
        _text(item, "ram_role_arn"), _text(item, "ram_session_name") or DEFAULT_SESSION, seconds if has_seconds else None
    )


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


def check_uri(uri: str) -> str:
    """Return the value of ALIBABA_CLOUD_CREDENTIALS_URI when it can be used. Raises UsageError."""
    if not re.fullmatch(r"https?://[!-~]+", uri, re.ASCII):
        raise UsageError(f"{URI_VARIABLE} is {'not an http(s) URL' if uri else 'not set'}", hint="it names a local service")
    return uri


def uri_credentials(transport: Transport, uri: str, now: WallClock, random: Random) -> CredentialProvider:
    """Return the provider behind a credentials URI, asked anew before its answer ends."""
    return RefreshingCredentials(lambda: _from_uri(transport, uri), before_end(ROLE_WINDOW, random), now)


def _from_uri(transport: Transport, uri: str) -> Credentials:
    what = f"asking the service of {URI_VARIABLE} failed"
    try:
        reply = transport.exchange("GET", uri, {"Accept": "application/json"})
    except TransportError as error:
        raise credentials_error(what, cause=transport_error(error)) from None
    document = read_document(reply, what)
    if document.get("Code", "Success") != "Success":
        raise credentials_error(f"{what}: it says that it did not succeed")
    return session_credentials(document, what)


LocalBuilder = Callable[[StsClient], CredentialProvider]
"""What Surroundings.local is: from the chain's STS client to the credentials of the local source."""
