"""URL paths of the Kubernetes API, for typed kinds."""

from __future__ import annotations

from urllib.parse import quote

from kubectl_asm.model.objects import KubeObject


def collection_path(kind: type[KubeObject], namespace: str) -> str:
    """Return the path of a collection; an empty namespace means all of them."""
    resource = kind.RESOURCE
    root = "/apis" if "/" in resource.api_version else "/api"
    scope = f"/namespaces/{quote(namespace, safe='')}" if namespace and resource.namespaced else ""
    return f"{root}/{resource.api_version}{scope}/{resource.plural}"


def object_path(kind: type[KubeObject], namespace: str, name: str, subresource: str = "") -> str:
    """Return the path of one object or of a subresource of it. Check the name with is_segment first."""
    below = f"/{subresource}" if subresource else ""
    return f"{collection_path(kind, namespace)}/{quote(name, safe='')}{below}"


def is_segment(name: str) -> bool:
    """Whether a name can stand in a path: others would address something else (an empty one the whole collection).

    Source: Kubernetes path segment names.
    """
    return bool(name) and name not in (".", "..") and "/" not in name and "%" not in name
