"""The rights of a controller for the objects of some manifests: a round of each is gone through, and nothing is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kubectl_asm.engine.calls import hosts_of
from kubectl_asm.engine.controller_rights import Served, controller_rights
from kubectl_asm.engine.policies_rbac import Right, sync_rights
from kubectl_asm.manifest.load import Manifests
from kubectl_asm.model.objects import KubeObject, Resource
from kubectl_asm.model.settings import Settings
from kubectl_asm.wiring.explaining import explained, left_out, recorded_reads, subjects_of
from kubectl_asm.wiring.offline import offline_session
from kubectl_asm.wiring.strictness import parent_of


@dataclass(frozen=True, slots=True)
class ControllerNeeds:
    """What a controller needs. left_out: entries that fail whatever is allowed; failures: objects without any."""

    rights: frozenset[Right]
    served: Served
    left_out: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


def controller_needs(
    manifests: Manifests, settings: Settings, *, namespace: str, variables: Mapping[str, str], environment: Mapping[str, str]
) -> ControllerNeeds:
    """Return what a controller under these settings needs for the objects of the manifests.

    namespace: of objects that name none. environment: upstream's variables. variables: those that decide hosts.
    """
    session = offline_session(manifests, None, settings, namespace=namespace, environment=environment)
    items = [explained(session, external, is_live=False) for external in session.externals]
    reads = recorded_reads(session, session.externals)
    children = frozenset((one.namespace, one.name) for one in session.externals if parent_of(one))
    served = Served(_names([*(loaded.obj for loaded in manifests.objects), *session.externals]), reads, children)
    sync = sync_rights(subjects_of(items), reads, settings, hosts_of(settings, variables), from_files=True)
    texts = tuple(text for one in items for text in left_out(one))
    return ControllerNeeds(controller_rights(sync, served), served, texts, tuple(session.failures))


def _names(objects: Sequence[KubeObject]) -> dict[Resource, frozenset[tuple[str, str]]]:
    found: dict[Resource, set[tuple[str, str]]] = {}
    for obj in objects:
        found.setdefault(obj.RESOURCE, set()).add((obj.namespace, obj.name))
    return {kind: frozenset(names) for kind, names in found.items()}
