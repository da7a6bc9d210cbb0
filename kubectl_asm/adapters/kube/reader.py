"""ObjectReader over the API server: one request a get, one a page of a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from kubectl_asm.adapters.apirules import not_found
from kubectl_asm.adapters.kube.codec import decode, decode_page
from kubectl_asm.adapters.kube.errors import Asked
from kubectl_asm.adapters.kube.paths import collection_path, is_segment, object_path
from kubectl_asm.adapters.kube.transport import Transport
from kubectl_asm.errors import ClusterError
from kubectl_asm.model.objects import KubeObject

Obj = TypeVar("Obj", bound=KubeObject)

DEFAULT_CHUNK_SIZE = 500


class KubeReader:
    """Reads objects through a connection. chunk_size: objects a page, 0 for everything at once. Thread-safe."""

    def __init__(self, transport: Transport, *, chunk_size: int = DEFAULT_CHUNK_SIZE) -> None:
        self._transport = transport
        self._chunk_size = chunk_size

    def get(self, kind: type[Obj], namespace: str, name: str) -> Obj:
        """Return one object. Raises ClusterError subclasses; NotFoundError only when the object is absent."""
        if not is_segment(name) or (kind.RESOURCE.namespaced and not is_segment(namespace)):
            raise not_found(kind, name)  # such a name cannot exist, and would address something else
        scope = namespace if kind.RESOURCE.namespaced else ""
        asked = Asked("get", kind.RESOURCE.full_name, scope, name)
        return decode(kind, self._transport.read(object_path(kind, scope, name), asked).body)

    def list(self, kind: type[Obj], namespace: str = "", *, label_selector: str = "", field_selector: str = "") -> Sequence[Obj]:
        """Return all objects of a kind, sorted by namespace and name.

        A list whose continuation expired (410) is read again in one piece. A kind that is not served raises ClusterError
        with reason UnknownKind.
        """
        query: dict[str, str | int] = {}
        if label_selector:
            query["labelSelector"] = label_selector
        if field_selector:
            query["fieldSelector"] = field_selector
        try:
            found = self._pages(kind, namespace, query, self._chunk_size)
        except ClusterError as error:
            if error.status != 410:
                raise
            found = self._pages(kind, namespace, query, 0)
        return sorted(found, key=lambda obj: (obj.namespace, obj.name))

    def _pages(self, kind: type[Obj], namespace: str, query: dict[str, str | int], limit: int) -> Sequence[Obj]:
        path = collection_path(kind, namespace)
        asked = Asked("list", kind.RESOURCE.full_name, namespace)
        found: list[Obj] = []
        more = ""
        while True:
            paging: dict[str, str | int] = {"limit": limit} if limit else {}
            if more:
                paging["continue"] = more
            page = decode_page(kind, self._transport.read(path, asked, {**query, **paging}).body)
            found.extend(page.items or ())
            more = page.metadata.more
            if not more:
                return found
