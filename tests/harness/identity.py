"""The cloud of identity cases at the transport boundary, and what such cases expect (README sections 8.2 to 8.4).

The product's own credential chain and router run on it: STS, TokenRequest, instance metadata and the backend reads are
requests that arrive here, are recorded, and are answered. Nothing inside the product is counted or replaced.
"""

from __future__ import annotations

import base64
import errno
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from kubectl_asm.adapters.cloud.fixtures import FixtureSecretReader
from kubectl_asm.adapters.cloud.network import TransportError
from kubectl_asm.adapters.cloud.router import CloudRouter
from kubectl_asm.adapters.cloud.transport import Reply, Transport
from kubectl_asm.adapters.cloud.values import Payload, decode_fixtures
from kubectl_asm.adapters.credentials.base import CredentialProvider
from kubectl_asm.adapters.credentials.chain import CredentialChain, Surroundings
from kubectl_asm.adapters.credentials.metadata import MetadataOptions
from kubectl_asm.engine.endpoints import sts_host
from kubectl_asm.engine.plan import EntryReport, Plan
from kubectl_asm.errors import AccessError, UnavailableError, UsageError
from kubectl_asm.model.backend import (
    BackendError,
    ClientPlan,
    ErrorClass,
    Identity,
    Network,
    Provider,
    SecretAnswer,
    SecretOutcome,
    SecretRead,
    Tier,
)
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.settings import Settings
from kubectl_asm.ports import BatchUnsupportedError, JsonObject, SecretSource

from .world import FakeClock, SeededRandom

TOKEN_FILE = "/var/run/secrets/tokens/ack-secret-manager"
TIERS = {
    Tier.SERVICE_ACCOUNT: "T1",
    Tier.TOKEN_FILE: "T2",
    Tier.AK_ASSUME_ROLE: "T3",
    Tier.AK: "T4",
    Tier.WORKER_ROLE: "T5",
}
ERROR_CLASSES = {
    ErrorClass.ACCESS: "access",
    ErrorClass.REFERENCE: "reference",
    ErrorClass.CONFIGURATION: "configuration",
    ErrorClass.ENDPOINT: "endpoint",
    ErrorClass.NO_CREDENTIALS: "no-credentials",
    ErrorClass.CREDENTIALS: "credentials",
    ErrorClass.BACKEND: "backend",
}
_PROTOCOL = {"Action", "Version", "Format", "Timestamp", "AccessKeyId", "SecurityToken"}
_METADATA_ROLES = "/latest/meta-data/ram/security-credentials/"


@dataclass(frozen=True)
class Call:
    """One request as it arrived. client: name without endpoint, which the wire itself does not show."""

    api: str
    params: JsonObject
    client: str
    signed_by: str = ""
    host: str = ""

    def fits(self, wanted: Mapping[str, Any]) -> bool:
        got = {"api": self.api, "params": self.params, "client": self.client, "signedBy": self.signed_by, "host": self.host}
        return all(got[key] == value for key, value in wanted.items())

    def __str__(self) -> str:
        return f"{self.api}{self.params} by {self.signed_by or '-'} at {self.host or '-'} for {self.client}"


@dataclass(frozen=True)
class _Session:
    token: str
    expires: datetime


class Wire:
    """Everything that is reached over a connection. given: the case, read anew at every request."""

    def __init__(self, given: Mapping[str, Any], clock: FakeClock) -> None:
        self._given = given
        self._clock = clock
        self._issued: Counter[str] = Counter()
        self._tokens: dict[str, JsonObject] = {}
        self._token_count: Counter[str] = Counter()
        self._sessions: dict[str, _Session] = {}
        self.identity_calls: list[Call] = []
        self.reads: list[Call] = []
        self._new_content()

    def restock(self) -> None:
        """Take over new backend content."""
        self._new_content()

    def _new_content(self) -> None:
        document = {"kms": self._given.get("kms", {}), "oos": self._given.get("oos", {})}
        fixtures, problems = decode_fixtures(document)
        assert not problems, problems
        is_empty = "kms" not in self._given and "oos" not in self._given
        self._content = FixtureSecretReader(fixtures, default=Payload(SecretBytes(b"v")) if is_empty else None)

    @property
    def _cloud(self) -> Mapping[str, Any]:
        return cast("Mapping[str, Any]", self._given.get("cloud") or {})

    # -- backend

    def backend_read(self, read: SecretRead, provider: CredentialProvider) -> SecretAnswer:
        credentials = provider.credentials()
        key_id = credentials.key_id.reveal_text()
        self.reads.append(Call(*api_of(read), _plain(read.client.name), key_id, read.client.endpoint))
        session = self._sessions.get(key_id)
        if session is not None and (
            credentials.token is None
            or credentials.token.reveal_text() != session.token
            or self._clock.instant() >= session.expires
        ):
            raise BackendError(code="InvalidSecurityToken.Expired", status=400)
        return self._content.read(read)

    # -- identity

    def issue_token(self, namespace: str, name: str, audiences: Iterable[str], client: str) -> str:
        params = {"namespace": namespace, "name": name, "audiences": list(audiences)}
        self.identity_calls.append(Call("kube.TokenRequest", params, client))
        account = f"{namespace}/{name}"
        script = self._cloud.get("tokenRequest", {}).get(account, {})
        if script.get("fail") == "forbidden":
            raise AccessError("serviceaccounts/token is forbidden", status=403)
        if script.get("fail"):
            raise UnavailableError("Internal error occurred", status=500)
        if "token" in script:
            return str(script["token"])
        self._token_count[account] += 1
        number = self._token_count[account]
        now = int(self._clock.instant().timestamp())
        claims = {"iat": now, "exp": now + script.get("expiresIn", 3600), "sub": f"system:serviceaccount:{account}", "n": number}
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        token = f"e30.{body}.sig"
        self._tokens[token] = {"serviceAccount": account, "n": number}
        return token

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes, client: str) -> Reply:
        parts = urlsplit(url)
        if parts.path.startswith("/latest/"):
            return self._metadata(method, parts.path, client)
        return self._sts(parts.netloc, dict(parse_qsl(body.decode(), keep_blank_values=True)), client)

    def _sts(self, host: str, form: JsonObject, client: str) -> Reply:
        params: JsonObject = {key: value for key, value in form.items() if key not in _PROTOCOL and "Signature" not in key}
        if "DurationSeconds" in params:
            params["DurationSeconds"] = int(params["DurationSeconds"])
        if "OIDCToken" in params:
            params["OIDCToken"] = self._tokens.get(params["OIDCToken"], params["OIDCToken"])
        self.identity_calls.append(Call(f"sts.{form['Action']}", params, client, form.get("AccessKeyId", "none"), host))
        for script in self._cloud.get("sts", ()):
            if script["role"] in ("*", form["RoleArn"]):
                return _failed(script["fail"])
        name = form["RoleArn"].rsplit("/", 1)[-1]
        self._issued[form["RoleArn"]] += 1
        count = self._issued[form["RoleArn"]]
        return _json(200, {"Credentials": self._session(f"STS.{name}" if count == 1 else f"STS.{name}.{count}")})

    def _metadata(self, method: str, path: str, client: str) -> Reply:
        script = self._cloud.get("metadata") or {}
        if method == "PUT":
            return _reply(200, b"session")
        if path == _METADATA_ROLES:
            self.identity_calls.append(Call("metadata.RoleName", {}, client, "", "100.100.100.200"))
            status = script.get("status", 200)
            return _reply(status, str(script.get("role", "WorkerRole")).encode() if status == 200 else b"")
        role = path.rsplit("/", 1)[-1]
        self.identity_calls.append(Call("metadata.RoleCredentials", {"role": role}, client, "", "100.100.100.200"))
        return _json(200, {**self._session(f"STS.{role}"), "Code": "Success"})

    def _session(self, key_id: str) -> JsonObject:
        expires = self._clock.instant() + timedelta(seconds=self._cloud.get("stsLife", 3600))
        session = self._sessions[key_id] = _Session(f"token-of-{key_id}-{expires:%s}", expires)
        return {
            "AccessKeyId": key_id,
            "AccessKeySecret": f"secret-of-{key_id}",
            "SecurityToken": session.token,
            "Expiration": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
        }

    # -- files

    def files(self) -> Mapping[str, str]:
        return cast("Mapping[str, str]", self._given.get("files", {TOKEN_FILE: "pod-token"}))

    def read_file(self, path: str) -> bytes:
        if path not in self.files():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return self.files()[path].encode()


@dataclass(frozen=True)
class _ClientTransport:
    """The transport of one client: the wire with a name on it."""

    wire: Wire
    client: str

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        return self.wire.exchange(method, url, headers, body, self.client)


@dataclass(frozen=True)
class _ClientTokens:
    wire: Wire
    client: str

    def issue(self, namespace: str, name: str, audiences: Iterable[str]) -> str:
        return self.wire.issue_token(namespace, name, audiences, self.client)


@dataclass(frozen=True)
class _ClientReader:
    """The backend client of one plan."""

    wire: Wire
    provider: CredentialProvider

    def read(self, read: SecretRead) -> SecretAnswer:
        return self.wire.backend_read(read, self.provider)

    def read_batch(self, client: ClientPlan, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
        raise BatchUnsupportedError


def router_over(
    wire: Wire, settings: Settings, environment: Mapping[str, str], clock: FakeClock, random: SeededRandom
) -> CloudRouter:
    """Return the product's router and credential chain over a wire."""

    def provider_for(plan: ClientPlan) -> CredentialProvider:
        client = _plain(plan.name)
        surroundings = Surroundings(
            transport=cast("Transport", _ClientTransport(wire, client)),
            sts_host=sts_host(settings, environment),
            now=clock.instant,
            random=random,
            tokens=_ClientTokens(wire, client),
            read_file=wire.read_file,
            metadata=MetadataOptions.from_environment(environment),
        )
        return CredentialChain(surroundings).provider_for(plan)

    def client_for(plan: ClientPlan, provider: CredentialProvider) -> _ClientReader:
        if plan.ca_file and plan.ca_file not in wire.files():
            raise UsageError(f"cannot use the CA file {plan.ca_file}")
        return _ClientReader(wire, provider)

    return CloudRouter(provider_for, client_for)


def api_of(read: SecretRead) -> tuple[str, JsonObject]:
    """Return the operation and the parameters of a backend read."""
    request = read.request
    if request.provider is Provider.OOS:
        return "oos.GetSecretParameter", {"Name": request.key, "WithDecryption": True}
    params: JsonObject = {"SecretName": request.key}
    if request.version_stage:
        params["VersionStage"] = request.version_stage
    if request.version_id:
        params["VersionId"] = request.version_id
    return "kms.GetSecretValue", params


def _plain(client: str) -> str:
    return client.split("#", 1)[0]


def _reply(status: int, body: bytes) -> Reply:
    return Reply(status, "", {}, body)


def _json(status: int, document: JsonObject) -> Reply:
    return _reply(status, json.dumps(document).encode())


def _failed(error: Mapping[str, Any]) -> Reply:
    if "network" in error:
        raise TransportError(Network(error["network"]), f"scripted: {error['network']}")
    document = {"Code": error.get("code", ""), "Message": error.get("message", ""), "RequestId": "scripted"}
    return _json(error.get("status", 400), document)


# -- expectations


@dataclass
class Marks:
    """How far the wire had been read before a round."""

    wire: Wire
    identity_calls: int = field(init=False)
    reads: int = field(init=False)

    def __post_init__(self) -> None:
        self.identity_calls, self.reads = len(self.wire.identity_calls), len(self.wire.reads)

    def problems(self, expect: Mapping[str, Any]) -> Iterator[str]:
        """Yield what differs in the calls of the round."""
        seen = self.wire.reads[self.reads :]
        if "calls" in expect and not _same_order(expect["calls"], seen):
            yield f"calls: wanted {expect['calls']}, got {[str(call) for call in seen]}"
        for key, number in expect.get("callCount", {}).items():
            count = sum(key in (call.params.get("SecretName"), call.params.get("Name")) for call in seen)
            if count != number:
                yield f"callCount.{key}: wanted {number}, got {count}"
        asked = self.wire.identity_calls[self.identity_calls :]
        if "sts" in expect and not _same_per_client(expect["sts"], asked):
            yield f"sts: wanted {expect['sts']}, got {[str(call) for call in asked]}"


def _same_order(wanted: Sequence[Mapping[str, Any]], seen: Sequence[Call]) -> bool:
    return len(wanted) == len(seen) and all(call.fits(want) for want, call in zip(wanted, seen, strict=True))


def _same_per_client(wanted: Sequence[Mapping[str, Any]], seen: Sequence[Call]) -> bool:
    """Return whether the wanted calls can be an interleaving of what every client did in its own order."""
    queues: dict[str, list[Call]] = defaultdict(list)
    for call in seen:
        queues[call.client].append(call)
    return len(wanted) == len(seen) and _interleaves(list(wanted), {client: tuple(calls) for client, calls in queues.items()})


def _interleaves(wanted: list[Mapping[str, Any]], queues: dict[str, tuple[Call, ...]]) -> bool:
    if not wanted:
        return True
    return any(
        calls and calls[0].fits(wanted[0]) and _interleaves(wanted[1:], {**queues, client: calls[1:]})
        for client, calls in queues.items()
    )


class WatchedSource:
    """A SecretSource that remembers which reads of the last round failed: a value that was fetched may still not parse."""

    def __init__(self, inner: SecretSource) -> None:
        self._inner = inner
        self.failed: list[bool] = []

    def fetch_many(self, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
        outcomes = self._inner.fetch_many(reads)
        self.failed = [isinstance(outcome, BackendError) for outcome in outcomes]
        return outcomes

    def unfetched(self, plan: Plan) -> set[str]:
        """Return the entries of a round that were refused or whose read failed."""
        failed = iter(self.failed)
        return {str(report.admission.entry) for report in plan.entries if report.admission.read is None or next(failed)}


def identity_problems(wanted: Sequence[Mapping[str, Any]], plan: Plan, wire: Wire, unfetched: set[str]) -> Iterator[str]:
    """Yield what differs between the identity items of a case and what became of the entries."""
    reports = {str(report.admission.entry): report for report in plan.entries}
    for item in wanted:
        report = reports.get(item["entry"])
        if report is None:
            yield f"identity: no entry {item['entry']} ({plan.decision}: {plan.reason})"
            continue
        got = facts(report, wire)
        got["errorClass"] = got["errorClass"] if item["entry"] in unfetched else ""
        for key, value in {"errorClass": "", **item}.items():
            if key == "reasonContains":
                texts = [value] if isinstance(value, str) else value
                if not all(text in report.error for text in texts):
                    yield f"identity {item['entry']}: {report.error!r} lacks {value!r}"
            elif got.get(key, "") != value:
                yield f"identity {item['entry']}.{key}: wanted {value!r}, got {got.get(key, '')!r} ({report.error})"


def facts(report: EntryReport, wire: Wire) -> JsonObject:
    """Return what is known about an entry, in the words of the README."""
    admission = report.admission
    found: JsonObject = {
        "entry": str(admission.entry),
        "client": "env" if _plain(admission.client_name) == "env.client" else "store",
        "clientName": admission.client_name,
        "errorClass": ERROR_CLASSES[ErrorClass(report.error_class)] if report.error_class else "",
        "blockedBy": admission.refusal.gate if admission.refusal else "",
    }
    plan = admission.plan
    if plan is None:
        return found
    found |= {"endpoint": plan.endpoint, "endpointRule": plan.endpoint_rule, "region": plan.region}
    found["ca"] = plan.ca_file or "system"
    return found | _identity_facts(_used(plan, wire)) if plan.identity else found


def _used(plan: ClientPlan, wire: Wire) -> Identity:
    """Return the identity that was used: the fallback, where the client's own calls show it."""
    assert plan.identity is not None
    fallback = plan.identity.fallback
    fell = any(call.client == _plain(plan.name) and call.api.startswith("metadata.") for call in wire.identity_calls)
    return fallback if isinstance(fallback, Identity) and fell else plan.identity


def _identity_facts(identity: Identity) -> JsonObject:
    found: JsonObject = {"tier": TIERS[identity.tier], "hop": identity.hop is not None}
    if identity.key is not None:
        found["accessKeyId"] = identity.key.key_id.reveal_text()
    found |= {"roleArn": identity.role_arn, "sessionName": identity.session_name, "oidcProviderArn": identity.oidc_provider_arn}
    if identity.duration_s is not None:
        found["durationSeconds"] = identity.duration_s
    if identity.service_account is not None:
        found["tokenSource"] = "serviceAccount:" + "/".join(identity.service_account)
    elif identity.token_file:
        found["tokenSource"] = f"file:{identity.token_file}"
    if identity.hop is not None:
        found |= {"remoteRoleArn": identity.hop.role_arn, "remoteSessionName": identity.hop.session_name}
    return found


def access_of(plan: Plan) -> str:
    """Return whether gate G3 let an ExternalSecret through."""
    gates = [report.admission.refusal.gate if report.admission.refusal else "" for report in plan.entries]
    return "deny" if gates and all(gate == "G3" for gate in gates) else "allow"
