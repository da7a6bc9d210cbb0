"""TokenIssuer over the API server: TokenRequest of a ServiceAccount (spec/auth.md 4.3)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kubectl_asm.adapters.apirules import not_found
from kubectl_asm.adapters.kube.errors import Asked
from kubectl_asm.adapters.kube.paths import is_segment, object_path
from kubectl_asm.adapters.kube.transport import Transport
from kubectl_asm.errors import ClusterError
from kubectl_asm.model.objects import ServiceAccount


class _TokenStatus(msgspec.Struct, frozen=True):
    token: str = ""


class _TokenAnswer(msgspec.Struct, frozen=True):
    status: _TokenStatus = _TokenStatus()


class KubeTokenIssuer:
    """Asks the API server for ServiceAccount tokens. The server chooses their life; nothing is cached here."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def issue(self, namespace: str, name: str, audiences: Iterable[str]) -> str:
        """Return a fresh token, empty when the server gave none; raises ClusterError."""
        if not is_segment(namespace) or not is_segment(name):
            raise not_found(ServiceAccount, name)
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": list(audiences)},
        }
        asked = Asked("create", "serviceaccounts/token", namespace, name)
        reply = self._transport.write("POST", object_path(ServiceAccount, namespace, name, "token"), asked, body)
        try:
            return msgspec.json.decode(reply.body, type=_TokenAnswer).status.token
        except msgspec.MsgspecError:
            raise ClusterError("the answer to a TokenRequest cannot be read") from None
