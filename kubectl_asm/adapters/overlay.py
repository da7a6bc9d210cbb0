"""Readers over readers: files before the cluster, and namespaces that may not be read.

Decorators of the ObjectReader port; whoever asks does not notice.
Source: spec/operation.md 6.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeVar, cast

from kubectl_asm.errors import AccessError, NotFoundError
from kubectl_asm.model.objects import KubeObject, Meta, Namespace
from kubectl_asm.ports import Clock, ObjectReader

Obj = TypeVar("Obj", bound=KubeObject)

REMEMBERED_S: Final = 60.0
"""How long the answer about what cannot be watched stands; writing into a namespace that ends is refused anyway."""


class OverlayReader:
    """Looks in the upper reader first, then in the lower one."""

    def __init__(self, upper: ObjectReader, lower: ObjectReader) -> None:
        self._upper = upper
        self._lower = lower

    def get(self, kind: type[Obj], namespace: str, name: str) -> Obj:
        """Return the object of the upper reader, else of the lower one. Namespaces come from the lower one only."""
        if kind is Namespace:
            return self._lower.get(kind, namespace, name)
        try:
            return self._upper.get(kind, namespace, name)
        except NotFoundError:
            return self._lower.get(kind, namespace, name)

    def list(self, kind: type[Obj], namespace: str = "", *, label_selector: str = "") -> Sequence[Obj]:
        """Return the objects of both, the upper ones hiding lower ones of the same name."""
        upper = self._upper.list(kind, namespace, label_selector=label_selector)
        hidden = {(obj.namespace, obj.name) for obj in upper}
        lower = self._lower.list(kind, namespace, label_selector=label_selector)
        both = [*upper, *(obj for obj in lower if (obj.namespace, obj.name) not in hidden)]
        return sorted(both, key=lambda obj: (obj.namespace, obj.name))


class AssumedNamespaces:
    """Takes a namespace the caller may not read as existing and active; a terminating one still refuses the write.

    Users of one namespace rarely may read the Namespace object itself. on_assumed: told once a namespace.
    """

    def __init__(self, inner: ObjectReader, on_assumed: Callable[[str], None]) -> None:
        self._inner = inner
        self._on_assumed = on_assumed

    def get(self, kind: type[Obj], namespace: str, name: str) -> Obj:
        """Return the object; a Namespace that is forbidden is assumed."""
        try:
            return self._inner.get(kind, namespace, name)
        except AccessError:
            if kind is not Namespace:
                raise
            self._on_assumed(name)
            return cast("Obj", Namespace(metadata=Meta(name=name)))

    def list(self, kind: type[Obj], namespace: str = "", *, label_selector: str = "") -> Sequence[Obj]:
        """Return what the inner reader lists."""
        return self._inner.list(kind, namespace, label_selector=label_selector)


class RememberedRefusals:
    """Asks for an object of the cluster that may not be read once a minute, and for a Namespace in any case no oftener.

    For a process that has rights in some namespaces only, where neither can be watched. Safe for use by several threads.
    """

    def __init__(self, inner: ObjectReader, clock: Clock, *, age_s: float = REMEMBERED_S) -> None:
        self._inner = inner
        self._clock = clock
        self._age_s = age_s
        self._lock = threading.Lock()
        self._known: dict[tuple[type[KubeObject], str], tuple[float, KubeObject | AccessError]] = {}

    def get(self, kind: type[Obj], namespace: str, name: str) -> Obj:
        """Return the object, or what was answered within the last minute: a Namespace, or a refusal of any other kind."""
        if kind.RESOURCE.namespaced:
            return self._inner.get(kind, namespace, name)
        answer = self._remembered(kind, name)
        if answer is None:
            answer = self._asked(kind, name)
        if isinstance(answer, AccessError):
            raise copy.copy(answer)
        return cast("Obj", answer)

    def list(self, kind: type[Obj], namespace: str = "", *, label_selector: str = "") -> Sequence[Obj]:
        """Return what the inner reader lists."""
        return self._inner.list(kind, namespace, label_selector=label_selector)

    def _remembered(self, kind: type[KubeObject], name: str) -> KubeObject | AccessError | None:
        with self._lock:
            known = self._known.get((kind, name))
        return known[1] if known is not None and self._clock.monotonic() - known[0] < self._age_s else None

    def _asked(self, kind: type[KubeObject], name: str) -> KubeObject | AccessError:
        asked_s = self._clock.monotonic()
        answer: KubeObject | AccessError
        try:
            answer = self._inner.get(kind, "", name)
        except AccessError as error:
            answer = error
        with self._lock:
            if kind is Namespace or isinstance(answer, AccessError):
                self._known[kind, name] = (asked_s, answer)
        return answer
