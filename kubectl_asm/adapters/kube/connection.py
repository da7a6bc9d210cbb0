"""From kubectl's connection flags to a connection: which server, as whom, in which namespace.

Composition for the rest of the package: reads kubeconfig files or the pod's ServiceAccount, builds TLS settings in memory
(keys never touch the disk), quiets the loggers of the libraries underneath.
Source: spec/cli.md 1; kubectl's flags.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import urllib3
from kubernetes.client import ApiClient, Configuration

from kubectl_asm.adapters.kube import tls
from kubectl_asm.adapters.kube.credentials import (
    Credential,
    ExecCredential,
    FileCredential,
    FixedCredential,
    OidcCredential,
    basic,
    bearer,
    exec_plugin,
)
from kubectl_asm.adapters.kube.fenced import FencedClient
from kubectl_asm.adapters.kube.kubeconfig import Entry, Selected, kubeconfig_paths, load_kubeconfig, select
from kubectl_asm.adapters.kube.paced import ApiPace, PacedClient
from kubectl_asm.adapters.kube.requestlog import RequestLog
from kubectl_asm.adapters.kube.transport import RestClient, Transport
from kubectl_asm.errors import UsageError
from kubectl_asm.ports import Clock

POD_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
DEFAULT_POOL_SIZE = 16

_NO_CLUSTER_HINT = "set KUBECONFIG or use --kubeconfig; a folder can stand in for a cluster: --cluster-dir"


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """kubectl's connection flags; empty means not given.

    environment: HOME, KUBECONFIG and KUBERNETES_SERVICE_HOST/PORT are looked up in it. as_user: impersonation.
    request_timeout_s: seconds, None for the default. pod_folder: where a pod finds its ServiceAccount.
    """

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    user: str = ""
    namespace: str = ""
    server: str = ""
    token: str = field(default="", repr=False)
    as_user: str = ""
    as_groups: tuple[str, ...] = ()
    as_uid: str = ""
    certificate_authority: str = ""
    client_certificate: str = ""
    client_key: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    request_timeout_s: float | None = None
    pod_folder: Path = POD_FOLDER


class Connection:
    """An open connection. namespace: -n, else the context's, else default. context: its name, empty in a pod.

    unpaced: the same server and user without the pace of the others, for watches and leases.
    """

    def __init__(
        self, transport: Transport, client: ApiClient, namespace: str, context: str, unpaced: Transport | None = None
    ) -> None:
        self.transport = transport
        self.unpaced = unpaced or transport
        self.namespace = namespace
        self.context = context
        self._client = client

    @property
    def server(self) -> str:
        """URL of the API server."""
        return self.transport.server

    @property
    def log(self) -> RequestLog:
        """The count of requests made."""
        return self.transport.log

    def close(self) -> None:
        """Close pooled connections."""
        self._client.close()


def connect(
    options: ConnectionOptions,
    *,
    clock: Clock,
    now: Callable[[], datetime],
    pool_size: int = DEFAULT_POOL_SIZE,
    log: RequestLog | None = None,
    pace: ApiPace | None = None,
    before_change: Callable[[], None] | None = None,
) -> Connection:
    """Prepare a connection; no request is made yet, but a credential plugin may run.

    pool_size: connections kept open, as many as there are threads that use them. pace: of requests, None for no bound.
    before_change: called right before every request that is no read, except on the unpaced transport; its error is raised.
    Raises: UsageError (no kubeconfig, unknown context, bad file), InputError (kubeconfig does not parse), AsmError (plugin).
    """
    selected, in_pod = _selected(options)
    server = str(selected.cluster.value.get("server") or "").rstrip("/")
    if not server:
        raise UsageError("the kubeconfig names no server for this context", hint=_NO_CLUSTER_HINT)
    credential = _pod_credential(options, now) if in_pod else _credential(selected, now)
    client = _client(server, selected, credential, pool_size)
    counts = log or RequestLog()
    headers = _impersonation(options, selected.user.value)

    def transport_over(rest: RestClient) -> Transport:
        timeout_s = options.request_timeout_s or None
        return Transport(rest, server, credential, clock=clock, log=counts, headers=headers, timeout_s=timeout_s)

    unpaced = transport_over(client.rest_client)
    rest: RestClient = client.rest_client if before_change is None else FencedClient(client.rest_client, before_change)
    paced = transport_over(rest if pace is None else PacedClient(rest, pace))
    return Connection(paced, client, options.namespace or selected.namespace or "default", selected.context, unpaced)


def _selected(options: ConnectionOptions) -> tuple[Selected, bool]:
    """Return cluster and user in use, and whether they are those of the pod this runs in."""
    paths = kubeconfig_paths(options.kubeconfig, options.environment)
    config = load_kubeconfig(paths, must_exist=bool(options.kubeconfig))
    chosen = options.context or options.cluster or options.user
    if not config.found and not chosen and not options.server:
        if options.environment.get("KUBERNETES_SERVICE_HOST") and (options.pod_folder / "token").exists():
            return _overridden(_pod(options), options), not options.token
        looked = " and ".join(str(path) for path in paths) or "nowhere, because HOME is not set"
        raise UsageError(f"no kubeconfig found (looked at {looked}) and not running in a pod", hint=_NO_CLUSTER_HINT)
    selected = select(config, context=options.context, cluster=options.cluster, user=options.user)
    if not selected.context and not options.server and not options.cluster:
        raise UsageError(
            "no context is selected in the kubeconfig", hint="choose one with --context or `kubectl config use-context`"
        )
    return _overridden(selected, options), False


def _pod(options: ConnectionOptions) -> Selected:
    host = options.environment["KUBERNETES_SERVICE_HOST"]
    port = options.environment.get("KUBERNETES_SERVICE_PORT") or "443"
    address = f"[{host}]" if ":" in host else host
    cluster = {"server": f"https://{address}:{port}", "certificate-authority": str(options.pod_folder / "ca.crt")}
    namespace_file = options.pod_folder / "namespace"
    namespace = namespace_file.read_text("utf-8").strip() if namespace_file.exists() else ""
    return Selected("", namespace, Entry(cluster), Entry())


def _pod_credential(options: ConnectionOptions, now: Callable[[], datetime]) -> Credential:
    return FileCredential(options.pod_folder / "token", now)


def _overridden(selected: Selected, options: ConnectionOptions) -> Selected:
    """Lay the flags over the kubeconfig's cluster and user."""
    cluster, user = dict(selected.cluster.value), dict(selected.user.value)
    if options.server:
        cluster["server"] = options.server if "://" in options.server else f"https://{options.server}"
    if options.certificate_authority:
        cluster.pop("certificate-authority-data", None)
        cluster["certificate-authority"] = str(Path(options.certificate_authority).absolute())
    if options.insecure_skip_tls_verify:
        cluster = {key: value for key, value in cluster.items() if not key.startswith("certificate-authority")}
        cluster["insecure-skip-tls-verify"] = True
    if options.tls_server_name:
        cluster["tls-server-name"] = options.tls_server_name
    if options.token:
        user = {key: value for key, value in user.items() if key not in ("tokenFile", "exec", "auth-provider", "username")}
        user["token"] = options.token
    for key, path in (("client-certificate", options.client_certificate), ("client-key", options.client_key)):
        if path:
            user.pop(f"{key}-data", None)
            user[key] = str(Path(path).absolute())
    return Selected(
        selected.context, selected.namespace, Entry(cluster, selected.cluster.folder), Entry(user, selected.user.folder)
    )


def _credential(selected: Selected, now: Callable[[], datetime]) -> Credential:
    """Return the credential of a user entry: a token first, then file, plugin, OIDC, password."""
    user, folder = selected.user.value, selected.user.folder
    if token := user.get("token"):
        return bearer(str(token))
    if path := user.get("tokenFile"):
        return FileCredential(tls.resolve(str(path), folder), now)
    if isinstance(plugin := user.get("exec"), dict):
        return ExecCredential(exec_plugin(plugin, folder, selected.cluster.value), now)
    if isinstance(provider := user.get("auth-provider"), dict):
        if provider.get("name") != "oidc":
            raise UsageError(
                f'the auth provider "{provider.get("name")}" is not supported', hint="use an exec plugin, as kubectl does"
            )
        return OidcCredential(user)
    if user.get("username"):
        return basic(str(user["username"]), str(user.get("password") or ""))
    return FixedCredential()


def _client(server: str, selected: Selected, credential: Credential, pool_size: int) -> ApiClient:
    """Return the official client with our TLS context and none of its own retries."""
    cluster = selected.cluster.value
    configuration = Configuration(host=server)
    configuration.connection_pool_maxsize = pool_size
    configuration.retries = False  # retries are the transport's: urllib3 would sleep, and repeat writes
    if proxy := cluster.get("proxy-url"):
        configuration.proxy = str(proxy)
    if server.startswith("https:"):
        configuration.tls_server_name = str(cluster.get("tls-server-name") or "") or None
    _quiet_loggers()  # the client logs while it is built
    client = ApiClient(configuration)
    if server.startswith("https:"):
        context = tls.context(cluster, selected.cluster.folder, _certificates(selected, credential))
        client.rest_client.pool_manager.connection_pool_kw["ssl_context"] = context
        if cluster.get("insecure-skip-tls-verify"):
            client.rest_client.pool_manager.connection_pool_kw["cert_reqs"] = "CERT_NONE"
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    _quiet_loggers()
    return client


def _certificates(selected: Selected, credential: Credential) -> tls.KeyPair | None:
    if isinstance(credential, ExecCredential) and credential.answer.certificate:
        return tls.KeyPair(credential.answer.certificate.encode(), credential.answer.key.encode())
    return tls.key_pair(selected.user.value, selected.user.folder)


def _impersonation(options: ConnectionOptions, user: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return impersonation headers; any --as flag replaces what the kubeconfig says."""
    name, groups, uid = options.as_user, options.as_groups, options.as_uid
    extra: Mapping[str, Any] = {}
    if not (name or groups or uid):
        name, groups = str(user.get("as") or ""), tuple(user.get("as-groups") or ())
        uid, extra = str(user.get("as-uid") or ""), user.get("as-user-extra") or {}
    if (groups or uid or extra) and not name:
        raise UsageError("impersonating a group or uid needs a user", hint="add --as USER")
    headers = [("Impersonate-User", name)] if name else []
    headers += [("Impersonate-Group", str(group)) for group in groups]
    headers += [("Impersonate-Uid", uid)] if uid else []
    return headers + [(f"Impersonate-Extra-{key}", str(value)) for key, values in extra.items() for value in values]


def _quiet_loggers() -> None:
    """Keep the libraries silent: at debug level they write request and response bodies."""
    for name in ("urllib3", "kubernetes", "kubernetes.client.rest", "client", "requests_oauthlib", "oauthlib"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL)
        logger.propagate = False
