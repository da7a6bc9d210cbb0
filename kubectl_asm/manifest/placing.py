"""Give objects without a namespace one, as kubectl does for every namespaced object."""

from __future__ import annotations

import msgspec

from kubectl_asm.errors import InputError
from kubectl_asm.manifest.load import Loaded, Manifests
from kubectl_asm.model.objects import ObjectRef


def placed(manifests: Manifests, namespace: str) -> Manifests:
    """Return the manifests with every namespaced object in a namespace; an object given twice is a problem of its own."""
    objects: dict[ObjectRef, Loaded] = {}
    problems = list(manifests.problems)
    for loaded in manifests.objects:
        one = _placed(loaded, namespace)
        first = objects.setdefault(one.obj.ref, one)
        if first is not one:
            span = one.span(("metadata", "name"))
            message = f"{one.obj.ref} is given twice; the first is at {first.span(('metadata', 'name'))}"
            problems.append(InputError(message, file=span.file, line=span.line, column=span.column))
    return Manifests(tuple(objects.values()), tuple(problems), manifests.documents)


def _placed(loaded: Loaded, namespace: str) -> Loaded:
    obj = loaded.obj
    if not obj.RESOURCE.namespaced or obj.metadata.namespace:
        return loaded
    metadata = msgspec.structs.replace(obj.metadata, namespace=namespace)
    return Loaded(msgspec.structs.replace(obj, metadata=metadata), loaded.document, loaded.path)
