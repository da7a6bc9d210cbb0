"""ObjectWriter over the API server. Every write names its field manager and is sent exactly once.

Existing objects are only ever written with a version or uid precondition, so a stale read gives a ConflictError and
never a clobbered object.
Source: spec/writes-and-failures.md 6; spec/api.md 3.5 (spelling of the status).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from kubectl_asm.adapters.apirules import replaced, version_required
from kubectl_asm.adapters.kube.codec import decode, encode
from kubectl_asm.adapters.kube.errors import Asked, without_contents
from kubectl_asm.adapters.kube.paths import collection_path, is_segment, object_path
from kubectl_asm.adapters.kube.transport import APPLY_PATCH, JSON, JSON_PATCH, MERGE_PATCH, Body, Reply, Transport
from kubectl_asm.errors import ClusterError, NotFoundError, RejectedError
from kubectl_asm.manifest.encode import encode_value
from kubectl_asm.model.externalsecret import ExternalSecretStatus
from kubectl_asm.model.objects import FIELD_MANAGER, KubeObject, Secret
from kubectl_asm.model.stores import ClusterExternalSecretStatus, StoreStatus

Obj = TypeVar("Obj", bound=KubeObject)
Status = ExternalSecretStatus | StoreStatus | ClusterExternalSecretStatus

_SERVER_OWNED = ("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp")
_FAILED_TEST = "the server rejected our request due to an error in our request"  # all it says about a failed test operation
_WRITABLE_METADATA = ("labels", "annotations", "finalizers", "ownerReferences")


class KubeWriter:
    """Writes objects through a connection. server_dry_run: the server checks and answers, and stores nothing."""

    def __init__(self, transport: Transport, *, field_manager: str = FIELD_MANAGER, server_dry_run: bool = False) -> None:
        self._transport = transport
        self._options = {"fieldManager": field_manager, **({"dryRun": "All"} if server_dry_run else {})}

    def create(self, obj: Obj) -> Obj:
        """Create; returns the object as stored. Raises AlreadyExistsError, RejectedError, AccessError, UnavailableError."""
        body = _with_metadata(encode(obj), drop=_SERVER_OWNED)
        body.pop("status", None)
        path = collection_path(type(obj), obj.namespace)
        return decode(type(obj), self._write("POST", path, "create", obj, body).body)

    def update(self, obj: Obj) -> Obj:
        """Replace the object read at obj.metadata.resource_version; raises ConflictError when it changed since.

        Secrets are replaced in one request. Of other kinds the model holds only a part, so the fields it does not know
        are read first and kept; the version precondition still is that of obj.
        """
        if not obj.metadata.resource_version:
            raise version_required(obj)
        body = encode(obj)
        if not isinstance(obj, Secret):
            body = _overlaid(self._document(obj), body)
        return decode(type(obj), self._write("PUT", _path(obj), "update", obj, body).body)

    def delete(self, obj: KubeObject) -> None:
        """Delete exactly the object that was read (uid precondition). Absent is fine."""
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if obj.metadata.uid:
            body["preconditions"] = {"uid": obj.metadata.uid}
        if "dryRun" in self._options:
            body["dryRun"] = ["All"]  # a delete with a body ignores its query: without this line a dry run would delete
        try:
            self._write("DELETE", _path(obj), "delete", obj, body)
        except NotFoundError:
            return

    def set_finalizers(self, obj: Obj, finalizers: Sequence[str]) -> Obj:
        """Replace metadata.finalizers, with obj's version as precondition; returns the object as the server left it."""
        metadata = {**_precondition(obj), "resourceVersion": obj.metadata.resource_version, "finalizers": list(finalizers)}
        reply = self._write("PATCH", _path(obj), "patch", obj, {"metadata": metadata}, content_type=MERGE_PATCH)
        return decode(type(obj), reply.body)

    def set_status(self, obj: Obj, status: Status) -> Obj:
        """Replace the status subresource, whatever version obj has by now; returns the object as the server left it.

        A JSON patch, because only its test operation makes the uid a precondition: a merge patch of a status would be
        taken by a successor of the same name. Raises ConflictError when there is one.
        """
        patch: list[dict[str, Any]] = [{"op": "add", "path": "/status", "value": encode_value(status, reveal=False)}]
        if obj.metadata.uid:
            patch.insert(0, {"op": "test", "path": "/metadata/uid", "value": obj.metadata.uid})
        try:
            path = _path(obj, "status")
            reply = self._write("PATCH", path, "patch", obj, patch, subresource="status", content_type=JSON_PATCH)
        except RejectedError as error:
            if error.message != _FAILED_TEST:
                raise
            raise replaced(obj, "another") from None
        return decode(type(obj), reply.body)

    def apply(self, obj: Obj, *, force: bool) -> Obj:
        """Server-side apply; force takes fields over from other managers, else ConflictError names them."""
        body = _with_metadata(encode(obj), drop=_SERVER_OWNED)
        body.pop("status", None)
        options = {**self._options, "force": "true" if force else "false"}
        reply = self._write("PATCH", _path(obj), "patch", obj, body, options=options, content_type=APPLY_PATCH)
        return decode(type(obj), reply.body)

    def _document(self, obj: KubeObject) -> dict[str, Any]:
        asked = Asked("get", obj.RESOURCE.full_name, obj.namespace, obj.name)
        document: dict[str, Any] = msgspec.json.decode(self._transport.read(_path(obj), asked).body)
        return document

    def _write(
        self,
        method: str,
        path: str,
        verb: str,
        obj: KubeObject,
        body: Body,
        *,
        subresource: str = "",
        options: Mapping[str, str] | None = None,
        content_type: str = JSON,
    ) -> Reply:
        resource = f"{obj.RESOURCE.full_name}/{subresource}" if subresource else obj.RESOURCE.full_name
        asked = Asked(verb, resource, obj.namespace, obj.name)
        try:
            return self._transport.write(method, path, asked, body, options or self._options, content_type)
        except ClusterError as error:
            raise without_contents(error, obj) from None


def _path(obj: KubeObject, subresource: str = "") -> str:
    if not is_segment(obj.name) or (obj.RESOURCE.namespaced and not is_segment(obj.namespace)):
        text = f'{obj.RESOURCE.kind} "{obj.name}" is invalid: metadata.name: not a name a path can hold'
        raise RejectedError(text, status=422, reason="Invalid")
    return object_path(type(obj), obj.namespace, obj.name, subresource)


def _precondition(obj: KubeObject) -> dict[str, Any]:
    """A patch that names another uid than the object's is refused: it never hits a successor of the same name."""
    return {"uid": obj.metadata.uid} if obj.metadata.uid else {}


def _with_metadata(body: dict[str, Any], *, drop: Sequence[str]) -> dict[str, Any]:
    metadata = {key: value for key, value in body["metadata"].items() if key not in drop}
    return {**body, "metadata": metadata}


def _overlaid(document: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Return the server's document with everything the model can express replaced."""
    kept = {key: value for key, value in document["metadata"].items() if key not in (*_WRITABLE_METADATA, "managedFields")}
    written = {key: body["metadata"][key] for key in _WRITABLE_METADATA if key in body["metadata"]}
    version = {"resourceVersion": body["metadata"]["resourceVersion"]}
    fields = {key: value for key, value in body.items() if key != "metadata"}
    return {**document, **fields, "metadata": {**kept, **written, **version}}
