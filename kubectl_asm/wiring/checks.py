"""What `check` looks at, from the kubeconfig to the credentials of every store. Reads no backend value, writes nothing.

Source: spec/cli.md 3 (check); the permissions are those of a sync (spec/writes-and-failures.md 6, spec/auth.md 4.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from kubectl_asm.adapters.system import utc_now
from kubectl_asm.engine.endpoints import resolve_endpoint
from kubectl_asm.errors import AsmError, ClusterError, UsageError
from kubectl_asm.model.backend import BackendError, Provider, Tier
from kubectl_asm.model.externalsecret import DataSource, ExternalSecret
from kubectl_asm.model.objects import GROUP, KubeObject, Namespace, Secret, ServiceAccount
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterExternalSecret, ClusterSecretStore, SecretStore
from kubectl_asm.model.variables import STS_SCHEME
from kubectl_asm.report.checks import Check, Verdict
from kubectl_asm.wiring.clouds import Cloud
from kubectl_asm.wiring.clusters import Cluster, ClusterChoice, open_cluster
from kubectl_asm.wiring.identity import CredentialChoice, Resolved, describe_source
from kubectl_asm.wiring.world import Session, World

if TYPE_CHECKING:
    from kubectl_asm.adapters.kube.access import AccessReviewer
    from kubectl_asm.adapters.kube.transport import Transport

SKEW_WARNING_S: Final = 60
SKEW_FAILURE_S: Final = 15 * 60
"""Signatures and tokens older than this are refused."""

_KINDS: Final = (ExternalSecret, SecretStore, ClusterSecretStore, ClusterExternalSecret)
_NEEDED: Final[tuple[tuple[str, type[KubeObject], str], ...]] = (
    ("list", ExternalSecret, ""),
    ("get", SecretStore, ""),
    ("get", Secret, ""),
    ("create", Secret, ""),
    ("update", Secret, ""),
)
_USEFUL: Final[tuple[tuple[str, type[KubeObject], str, str], ...]] = (
    ("get", ClusterSecretStore, "", "ClusterSecretStores cannot be used"),
    ("get", ServiceAccount, "", "stores with serviceAccountRef fail"),
    ("create", ServiceAccount, "token", "stores with serviceAccountRef fail"),
    ("get", Namespace, "", "namespaces are taken as existing; conditions of ClusterSecretStores deny"),
    ("patch", ExternalSecret, "status", "statuses are not written"),
)


def failed_check(name: str, subject: str, error: AsmError) -> Check:
    """Return the check that an error ended."""
    return Check(name, subject, Verdict.FAILED, str(error), error.hint or "")


def settings_checks(variables: Mapping[str, str], upstream: Mapping[str, str]) -> Iterator[Check]:
    """Yield what can be said about the environment of the process."""
    halves = [name for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY") if name in upstream]
    if len(halves) == 1:
        hint = "set both halves of the AccessKey or none"
        yield Check("settings", "environment", Verdict.FAILED, f"{halves[0]} is set alone", hint)
    else:
        yield Check("settings", "environment", Verdict.OK, ", ".join(sorted(upstream)) or "no variable of the controller is set")
    if variables.get(STS_SCHEME, "").strip().lower() == "http":
        detail = f"{STS_SCHEME}=http is ignored: STS is asked over TLS"
        yield Check("settings", STS_SCHEME, Verdict.WARNING, detail, "unset it")
    if variables.get("DEBUG") == "sdk":
        detail = "DEBUG=sdk makes Alibaba's tools print headers with tokens; kubectl asm ignores it"
        yield Check("settings", "DEBUG", Verdict.WARNING, detail, "unset it")


def region_check(settings: Settings) -> Check:
    """Return whether default hosts can be built."""
    if settings.region or settings.kms_endpoint:
        return Check("settings", "region", Verdict.OK, settings.region or f"none; KMS at {settings.kms_endpoint}")
    return Check("settings", "region", Verdict.WARNING, "not set: default hosts and OOS cannot be reached", "set --region")


def kubeconfig_check(choice: ClusterChoice) -> Check:
    """Return which server and context would be used. Opens no connection. Raises AsmError."""
    with open_cluster(choice, World()) as cluster:
        connection = cluster.connection
        subject = f"context {connection.context}" if connection and connection.context else ""
        server = connection.server if connection else ""
        return Check("kubeconfig", subject, Verdict.OK, f"{server}, namespace {cluster.namespace}")


def local_source_checks(choice: CredentialChoice, variables: Mapping[str, str]) -> Iterator[Check]:
    """Yield whether the local source that was asked for is there. Asks no service. Raises AsmError."""
    if choice.is_local:
        yield Check("credentials", f"--credentials={choice.source}", Verdict.OK, describe_source(choice.source, variables))


def cluster_checks(cluster: Cluster, namespaces: Sequence[str]) -> Iterator[Check]:
    """Yield how the cluster is: reachable, on time, with our kinds and with the rights of a sync."""
    if cluster.connection is None:
        yield Check("cluster", "folder", Verdict.OK, "a folder acts as the cluster")
        return
    from kubectl_asm.adapters.kube.access import AccessReviewer

    connection = cluster.connection
    subject = f"context {connection.context}" if connection.context else connection.server
    try:
        yield from _server(connection.transport, subject)
    except ClusterError as error:
        yield failed_check("api-server", subject, error)
        return
    yield from _kinds(connection.transport)
    for namespace in namespaces or ("",):
        yield from _rights(AccessReviewer(connection.transport), namespace)


def _server(transport: Transport, subject: str) -> Iterator[Check]:
    from kubectl_asm.adapters.kube.errors import Asked

    before = utc_now()
    reply = transport.read("/version", Asked("get", "version"))
    yield Check("api-server", subject, Verdict.OK, transport.server)
    yield _skew("API server", reply.headers.get("Date", ""), before)


def _skew(subject: str, date: str, before: datetime) -> Check:
    """Compare a Date header with the local clock; the header has whole seconds."""
    from email.utils import parsedate_to_datetime

    try:
        there = parsedate_to_datetime(date)
    except (ValueError, TypeError):
        return Check("clock", subject, Verdict.SKIPPED, "no usable Date header")
    here = utc_now()
    there = there if there.tzinfo else there.replace(tzinfo=UTC)
    seconds = max((before - there).total_seconds() - 1, (there - here).total_seconds(), 0)
    if seconds < SKEW_WARNING_S:
        return Check("clock", subject, Verdict.OK, "in step")
    way = "ahead" if here > there else "behind"
    verdict = Verdict.FAILED if seconds >= SKEW_FAILURE_S else Verdict.WARNING
    return Check("clock", subject, verdict, f"this machine is {seconds:.0f} s {way}", "synchronise the clock (NTP)")


def _kinds(transport: Transport) -> Iterator[Check]:
    import msgspec

    from kubectl_asm.adapters.kube.errors import Asked

    try:
        reply = transport.read(f"/apis/{GROUP}/v1alpha1", Asked("get", GROUP))
        served = {str(one.get("name")) for one in msgspec.json.decode(reply.body).get("resources", ())}
    except (ClusterError, msgspec.MsgspecError, AttributeError):
        served = set()
    for kind in _KINDS:
        is_there = kind.RESOURCE.plural in served
        needed = kind in (ExternalSecret, SecretStore)
        verdict = Verdict.OK if is_there else Verdict.FAILED if needed else Verdict.WARNING
        detail = "served" if is_there else "not served by this cluster"
        yield Check("crd", kind.RESOURCE.full_name, verdict, detail, "" if is_there else "install the CRDs: deploy/crds/")


def _rights(reviewer: AccessReviewer, namespace: str) -> Iterator[Check]:
    where = f"in {namespace}" if namespace else "in all namespaces"
    for verb, kind, subresource in _NEEDED:
        yield _right(reviewer, verb, kind, subresource, namespace, where, "")
    for verb, kind, subresource, without in _USEFUL:
        yield _right(reviewer, verb, kind, subresource, namespace if kind.RESOURCE.namespaced else "", where, without)


def _right(
    reviewer: AccessReviewer, verb: str, kind: type[KubeObject], subresource: str, namespace: str, where: str, without: str
) -> Check:
    what = f"{verb} {kind.RESOURCE.full_name}{f'/{subresource}' if subresource else ''}"
    subject = f"{what} {where}" if kind.RESOURCE.namespaced else what
    try:
        may = reviewer.may(verb, kind, namespace, subresource=subresource)
    except ClusterError as error:
        return failed_check("permission", subject, error)
    if may:
        return Check("permission", subject, Verdict.OK, "allowed")
    verdict = Verdict.WARNING if without else Verdict.FAILED
    return Check(
        "permission", subject, verdict, f"not allowed{f': {without}' if without else ''}", "ask for a role that allows it"
    )


def endpoint_checks(session: Session, cloud: Cloud, externals: Sequence[ExternalSecret], concurrency: int) -> Iterator[Check]:
    """Yield whether every host that entries and credentials need answers at all, and how far its clock is off."""
    reach = cloud.reach
    if reach is None:
        yield Check("endpoint", "", Verdict.SKIPPED, "a fixtures file acts as the cloud")
        return
    hosts = _hosts(session, externals, cloud.sts_host)

    def ask(host: str) -> list[Check]:
        before = utc_now()
        try:
            date = reach(host, hosts[host])
        except (BackendError, UsageError) as error:
            return [failed_check("endpoint", host, error)]
        return [Check("endpoint", host, Verdict.OK, "answers"), *([_skew(host, date, before)] if date else [])]

    with ThreadPoolExecutor(max(1, min(concurrency, len(hosts))), thread_name_prefix="asm-check") as pool:
        for checks in pool.map(ask, sorted(hosts)):
            yield from checks


def _hosts(session: Session, externals: Sequence[ExternalSecret], sts: str) -> dict[str, str]:
    """Return host to CA file, of the entries; of the default KMS host where there are none. STS goes with every tier but one."""
    settings = session.rounds.settings
    hosts: dict[str, str] = {}
    needs_sts = False
    for external in externals:
        admitted = session.rounds.admit(external)
        for plan in (admission.plan for admission in admitted if admission.plan) if isinstance(admitted, tuple) else ():
            hosts |= {plan.endpoint: plan.ca_file} if plan.endpoint else {}
            needs_sts |= plan.identity is not None and (plan.identity.tier is not Tier.AK or plan.identity.hop is not None)
    if not hosts:
        default = resolve_endpoint(Provider.KMS, DataSource(), settings)
        hosts |= {default.host: default.ca_file} if default.host and default.refusal is None else {}
    return hosts | ({sts: ""} if needs_sts or not externals else {})


def credential_checks(resolved: Sequence[Resolved]) -> Iterator[Check]:
    """Yield whether the credentials of every client work, as GetCallerIdentity says."""
    for one in resolved:
        if one.error is not None:
            yield failed_check("credentials", one.client.label, one.error)
        elif one.caller is not None:
            yield Check("credentials", one.client.label, Verdict.OK, one.caller.arn)
