"""How a user of a kubeconfig proves who it is: token, token file, exec plugin, OIDC, password.

Each is renewed where it can be. Nothing is ever written: refreshed tokens stay in memory. Exec plugins and OIDC are the
official client's; their failures become our errors here, where that client would only log them.
Source: Kubernetes client authentication (exec, OIDC).
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import certifi
from kubernetes.config import ConfigException
from kubernetes.config.exec_provider import ExecProvider
from kubernetes.config.kube_config import ConfigNode, KubeConfigLoader

from kubectl_asm.errors import AsmError, UsageError

REREAD_AFTER = timedelta(seconds=60)
RENEW_BEFORE = timedelta(seconds=60)
MAX_PLUGIN_WORDS = 300

Now = Callable[[], datetime]


class Credential(Protocol):
    """A value for the Authorization header that may change over time."""

    def authorization(self) -> str:
        """Return the header's value, empty when the connection authenticates by certificate or not at all."""

    def renew(self) -> bool:
        """Get a fresh value after the server refused this one; False when there is none to get."""


class FixedCredential:
    """A value that never changes."""

    def __init__(self, value: str = "") -> None:
        self._value = value

    def __repr__(self) -> str:
        return "FixedCredential(***)"

    def authorization(self) -> str:
        """Return the value."""
        return self._value

    def renew(self) -> bool:
        """There is nothing fresher."""
        return False


def bearer(token: str) -> FixedCredential:
    """Return the credential of a token."""
    return FixedCredential(f"Bearer {token}")


def basic(user: str, password: str) -> FixedCredential:
    """Return the credential of a user name and password."""
    return FixedCredential("Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii"))


class FileCredential:
    """A token in a file that somebody else keeps fresh, such as a projected ServiceAccount token."""

    def __init__(self, path: Path, now: Now) -> None:
        self._path = path
        self._now = now
        self._value = ""
        self._read_at: datetime | None = None
        self._lock = threading.Lock()

    def authorization(self) -> str:
        """Return the token, read again every minute."""
        with self._lock:
            now = self._now()
            if self._read_at is None or now - self._read_at >= REREAD_AFTER:
                self._value = f"Bearer {_token_in(self._path)}"
                self._read_at = now
            return self._value

    def renew(self) -> bool:
        """Read the file; True when it holds another token."""
        with self._lock:
            before = self._value
            self._value = f"Bearer {_token_in(self._path)}"
            self._read_at = self._now()
            return self._value != before


def _token_in(path: Path) -> str:
    try:
        token = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the token file {path} cannot be read: {_reason(error)}") from None
    if not token:
        raise UsageError(f"the token file {path} is empty")
    return token


@dataclass(frozen=True, slots=True, repr=False)
class PluginAnswer:
    """What an exec plugin said. certificate and key: PEM, both empty or both set. expiry: aware, None for never."""

    token: str = ""
    certificate: str = ""
    key: str = ""
    expiry: datetime | None = None


class ExecCredential:
    """The token of an exec plugin, which runs again shortly before its answer expires."""

    def __init__(self, run: Callable[[], PluginAnswer], now: Now) -> None:
        self._run = run
        self._now = now
        self._lock = threading.Lock()
        self._answer = run()

    @property
    def answer(self) -> PluginAnswer:
        """The latest answer."""
        return self._answer

    def authorization(self) -> str:
        """Return the plugin's token; empty when it gives certificates instead."""
        with self._lock:
            expiry = self._answer.expiry
            if expiry is not None and expiry - RENEW_BEFORE <= self._now():
                self._answer = self._run()
            return f"Bearer {self._answer.token}" if self._answer.token else ""

    def renew(self) -> bool:
        """Run the plugin; True when it gives another token."""
        with self._lock:
            before = self._answer.token
            self._answer = self._run()
            return self._answer.token != before


def exec_plugin(config: Mapping[str, Any], folder: Path | None, cluster: Mapping[str, Any]) -> Callable[[], PluginAnswer]:
    """Return a function that runs the plugin of a kubeconfig user. folder: of the kubeconfig, for relative commands."""
    command = str(config.get("command", ""))

    def run() -> PluginAnswer:
        try:
            plugin = ExecProvider(ConfigNode("exec", dict(config)), str(folder or ""), ConfigNode("cluster", dict(cluster)))
            status = plugin.run()
        except FileNotFoundError:
            hint = str(config.get("installHint") or "") or "install it, or choose another user with --user"
            raise UsageError(f'the credential plugin "{command}" of this user is not installed', hint=hint) from None
        except (ConfigException, OSError) as error:
            raise AsmError(
                f'the credential plugin "{command}" failed: {_reason(error)}', hint="run it by hand to see why"
            ) from None
        return _plugin_answer(command, status)

    return run


def _plugin_answer(command: str, status: Any) -> PluginAnswer:
    members = status if isinstance(status, dict) else {}
    answer = PluginAnswer(
        str(members.get("token") or ""),
        str(members.get("clientCertificateData") or ""),
        str(members.get("clientKeyData") or ""),
        _instant(members.get("expirationTimestamp")),
    )
    if not answer.token and not (answer.certificate and answer.key):
        raise AsmError(f'the credential plugin "{command}" gave neither a token nor a certificate with its key')
    return answer


def _instant(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class OidcCredential:
    """The id token of an OIDC login, refreshed by the official client when it has expired."""

    def __init__(self, user: Mapping[str, Any]) -> None:
        self._lock = threading.Lock()
        self._user = _with_verified_issuer(user)

    def authorization(self) -> str:
        """Return the id token, refreshed first when it has expired."""
        config = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {}}],
            "users": [{"name": "u", "user": self._user}],
        }
        with self._lock:
            try:
                loader = KubeConfigLoader(ConfigNode("kubeconfig", config))
                token = loader._load_auth_provider_token()  # the public entry swallows every failure
            except Exception as error:  # noqa: BLE001  # oauthlib, requests and urllib3 raise families without a common base
                kind = type(error).__name__
                raise AsmError(
                    f"the OIDC token cannot be refreshed: {kind}", hint="log in to the identity provider again"
                ) from None
        if not token:
            raise AsmError("the OIDC login of this user has no usable id token", hint="log in to the identity provider again")
        return str(token)

    def renew(self) -> bool:
        """An expired token is refreshed before it is used; a refused one has no successor."""
        return False


def _with_verified_issuer(user: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the user; without a CA for the issuer the official client would not verify it at all, so the system's is named."""
    provider = dict(user["auth-provider"])
    config = dict(provider.get("config") or {})
    if not config.get("idp-certificate-authority") and not config.get("idp-certificate-authority-data"):
        config["idp-certificate-authority"] = certifi.where()
    return {**user, "auth-provider": {**provider, "config": config}}


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())[:MAX_PLUGIN_WORDS]
