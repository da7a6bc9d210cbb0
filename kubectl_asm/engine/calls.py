"""The calls an admitted entry leads to, before any is made: token requests, STS, instance metadata, KMS, OOS. Pure.

`explain` shows them, egress lists are made of their hosts. The adapters make the very same calls: a test compares both.
Source: spec/auth.md 3 to 7, spec/data.md 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from kubectl_asm.engine.admit import EntryAdmission
from kubectl_asm.engine.endpoints import sts_host
from kubectl_asm.engine.identity import DEFAULT_AUDIENCE
from kubectl_asm.model import variables
from kubectl_asm.model.backend import Identity, Provider, RoleHop, SecretRead, Tier
from kubectl_asm.model.settings import Settings

METADATA_HOST: Final = "100.100.100.200"
Value = str | bool | int | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts and names that no object gives. metadata_role: the worker role's when it is known, else it is asked for.

    metadata_session: whether instance metadata is asked for a session token first (version 2).
    controller: (namespace, name) of the ServiceAccount whose token is requested where the controller reads a token file.
    """

    sts: str
    metadata: str = METADATA_HOST
    metadata_role: str = ""
    metadata_session: bool = True
    controller: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call. service: kube, sts, metadata, kms or oos, or file for a token that is read; signed_by: whose credentials."""

    service: str
    action: str
    host: str = ""
    params: Mapping[str, Value] = field(default_factory=dict)
    signed_by: str = ""

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={_text(value)}" for name, value in self.params.items())
        return f"{self.service}.{self.action}({shown})" + (f" at {self.host}" if self.host else "")


def _text(value: Value) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


def hosts_of(
    settings: Settings, environment: Mapping[str, str] = MappingProxyType({}), controller: tuple[str, str] | None = None
) -> Hosts:
    """Return the hosts for a process with this environment (spec/auth.md 2 and 6)."""
    return Hosts(
        sts_host(settings, environment),
        environment.get(variables.METADATA_HOST, "").strip() or METADATA_HOST,
        environment.get(variables.METADATA_ROLE, "").strip(),
        not variables.is_on(environment, variables.METADATA_V2_OFF),
        controller,
    )


def calls_of(admission: EntryAdmission, hosts: Hosts) -> tuple[Call, ...]:
    """Return the calls for one entry on a client without credentials; none for an entry that is refused."""
    read = admission.read
    if read is None or read.client.refusal is not None or read.client.identity is None:
        return ()
    identity = read.client.identity
    return (*identity_calls(identity, hosts), _backend_call(read, _holder(identity)))


def identity_calls(identity: Identity, hosts: Hosts) -> Iterator[Call]:
    """Yield the calls that get credentials: those of the tier, then the hop."""
    yield from _TIERS.get(identity.tier, _ak)(identity, hosts)
    if identity.hop is not None:
        yield _hop_call(identity.hop, hosts, _base_holder(identity))


def _holder(identity: Identity) -> str:
    """Return whose credentials sign the read, for people."""
    return f"role {identity.hop.role_arn}" if identity.hop is not None else _base_holder(identity)


def _base_holder(identity: Identity) -> str:
    if identity.tier is Tier.AK:
        return "the AccessKey"
    if identity.tier is Tier.WORKER_ROLE:
        return "the worker role"
    return f"role {identity.role_arn}" if identity.role_arn else "local credentials"


def _service_account(identity: Identity, hosts: Hosts) -> Iterator[Call]:
    assert identity.service_account is not None
    yield _token_request(identity.service_account, identity.audiences)
    yield _oidc_call(identity, hosts)


def _token_request(account: tuple[str, str], audiences: tuple[str, ...]) -> Call:
    params: dict[str, Value] = {"namespace": account[0], "name": account[1], "audiences": audiences}
    return Call("kube", "TokenRequest", "", params, "kubeconfig")


def _token_file(identity: Identity, hosts: Hosts) -> Iterator[Call]:
    if hosts.controller is not None:
        yield _token_request(hosts.controller, (DEFAULT_AUDIENCE,))
    else:
        yield Call("file", "Read", "", {"path": identity.token_file})
    yield _oidc_call(identity, hosts, identity.duration_s)


def _oidc_call(identity: Identity, hosts: Hosts, duration_s: int | None = None) -> Call:
    params: dict[str, Value] = {
        "RoleArn": identity.role_arn,
        "RoleSessionName": identity.session_name,
        "OIDCProviderArn": identity.oidc_provider_arn,
    }
    return Call("sts", "AssumeRoleWithOIDC", hosts.sts, params | _duration(duration_s))


def _duration(seconds: int | None) -> dict[str, Value]:
    return {} if seconds is None else {"DurationSeconds": seconds}


def _ak_assume_role(identity: Identity, hosts: Hosts) -> Iterator[Call]:
    params: dict[str, Value] = {"RoleArn": identity.role_arn, "RoleSessionName": identity.session_name}
    yield Call("sts", "AssumeRole", hosts.sts, params | _duration(identity.duration_s), "the AccessKey")


def _ak(_identity: Identity, _hosts: Hosts) -> Iterator[Call]:
    yield from ()


def _worker_role(_identity: Identity, hosts: Hosts) -> Iterator[Call]:
    if hosts.metadata_session:
        yield Call("metadata", "Token", hosts.metadata)
    if not hosts.metadata_role:
        yield Call("metadata", "RoleName", hosts.metadata)
    yield Call("metadata", "RoleCredentials", hosts.metadata, {"role": hosts.metadata_role} if hosts.metadata_role else {})


_TIERS: Final = {
    Tier.SERVICE_ACCOUNT: _service_account,
    Tier.TOKEN_FILE: _token_file,
    Tier.AK_ASSUME_ROLE: _ak_assume_role,
    Tier.AK: _ak,
    Tier.WORKER_ROLE: _worker_role,
}


def _hop_call(hop: RoleHop, hosts: Hosts, signer: str) -> Call:
    return Call("sts", "AssumeRole", hosts.sts, {"RoleArn": hop.role_arn, "RoleSessionName": hop.session_name}, signer)


def _backend_call(read: SecretRead, signer: str) -> Call:
    request = read.request
    if request.provider is Provider.OOS:
        params: dict[str, Value] = {"Name": request.key, "WithDecryption": True}
        return Call("oos", "GetSecretParameter", read.client.endpoint, params, signer)
    named = {"SecretName": request.key, "VersionStage": request.version_stage, "VersionId": request.version_id}
    given: dict[str, Value] = {name: value for name, value in named.items() if value}
    return Call("kms", "GetSecretValue", read.client.endpoint, given, signer)
