"""Asks the API server what the caller may do (SelfSubjectAccessReview). Creates nothing."""

from __future__ import annotations

import msgspec

from kubectl_asm.adapters.kube.errors import Asked
from kubectl_asm.adapters.kube.transport import Transport
from kubectl_asm.errors import ClusterError
from kubectl_asm.model.objects import KubeObject

_PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class _ReviewStatus(msgspec.Struct, frozen=True):
    allowed: bool = False


class _Review(msgspec.Struct, frozen=True):
    status: _ReviewStatus = _ReviewStatus()


class AccessReviewer:
    """Answers questions about the caller's (or the impersonated user's) permissions."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def may(self, verb: str, kind: type[KubeObject], namespace: str = "", *, name: str = "", subresource: str = "") -> bool:
        """Whether the caller may do verb on a kind; an empty namespace means in all namespaces. Raises ClusterError."""
        group, _, version = kind.RESOURCE.api_version.rpartition("/")
        attributes = {
            "verb": verb,
            "group": group,
            "version": version,
            "resource": kind.RESOURCE.plural,
            "subresource": subresource,
            "namespace": namespace,
            "name": name,
        }
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
        }
        asked = Asked("create", "selfsubjectaccessreviews.authorization.k8s.io")
        reply = self._transport.write("POST", _PATH, asked, body)
        try:
            return msgspec.json.decode(reply.body, type=_Review).status.allowed
        except msgspec.MsgspecError:
            raise ClusterError("the answer to an access review cannot be read") from None
