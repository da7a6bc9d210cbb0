"""The Kubernetes rights a one-shot sync of exactly these objects needs, as roles and bindings. Pure.

Reads are not guessed: they are the reads a round of every object made through its ports. Writes follow the write phase.
Source: spec/writes-and-failures.md 6; spec/auth.md 4.3; spec/controller.md 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kubectl_asm.engine.admit import entries_of
from kubectl_asm.engine.calls import Hosts, calls_of
from kubectl_asm.engine.controller_rbac import binding
from kubectl_asm.engine.expand_plan import ExpansionPlan
from kubectl_asm.engine.policies import Subject
from kubectl_asm.model.externalsecret import CLUSTER_STORE_KIND, ExternalSecret
from kubectl_asm.model.objects import GROUP, KubeObject, Namespace, Resource, Secret
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterExternalSecret, ClusterSecretStore

NAME: Final = "kubectl-asm-sync"
_RBAC: Final = "rbac.authorization.k8s.io/v1"

Reads = Mapping[tuple[Resource, str, str], KubeObject | None]
"""What rounds asked for: (resource, namespace, name) to what was found, None for an object that is not there."""


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One verb on one resource. namespace: empty for cluster-wide; name: empty where RBAC cannot name objects."""

    namespace: str
    group: str
    resource: str
    verb: str
    name: str = ""


def sync_rights(
    subjects: Iterable[Subject], reads: Reads, settings: Settings, hosts: Hosts, *, from_files: bool, everywhere: bool = False
) -> frozenset[Right]:
    """Return every right. from_files: the objects come from files, so live ones are looked up by name and not listed.

    everywhere: the objects of all namespaces are listed at once.
    """
    chosen = tuple(subjects)
    rights = set(_read_rights(chosen, reads))
    for subject in chosen:
        rights.update(_object_rights(subject.external, settings))
        rights.update(_token_rights(subject, hosts))
        namespace, plural = subject.external.namespace, ExternalSecret.RESOURCE.plural
        by_name = Right(namespace, GROUP, plural, "get", subject.external.name)
        rights.add(by_name if from_files else Right("" if everywhere else namespace, GROUP, plural, "list"))
    return frozenset(rights)


def expansion_rights(plans: Iterable[ExpansionPlan], settings: Settings, *, from_files: bool) -> frozenset[Right]:
    """Return the rights of the passes over ClusterExternalSecrets: to find namespaces and children, and to stamp these.

    from_files: children are foreseen and not stamped, so nothing but their Secrets is written.
    """
    rights: set[Right] = set()
    for plan in plans:
        rights |= {
            Right("", "", Namespace.RESOURCE.plural, "list"),
            Right("", GROUP, ExternalSecret.RESOURCE.plural, "list"),
        }
        if not from_files:
            rights.update(_parent_rights(plan, settings))
            rights.update(right for child in plan.applies for right in _child_rights(child, settings))
    return frozenset(rights)


def _parent_rights(plan: ExpansionPlan, settings: Settings) -> Iterator[Right]:
    plural, name = ClusterExternalSecret.RESOURCE.plural, plan.parent.name
    yield Right("", GROUP, plural, "list")
    yield Right("", GROUP, f"{plural}/status", "patch", name)
    # Clusters that enforce owner references ask for this before a child may block the deletion of its owner.
    yield Right("", GROUP, f"{plural}/finalizers", "update", name)
    if settings.manage_finalizers:
        yield Right("", GROUP, plural, "patch", name)


def _child_rights(child: ExternalSecret, settings: Settings) -> Iterator[Right]:
    """Yield what an apply needs: patch, and create for an object that is not there yet."""
    yield Right(child.namespace, GROUP, ExternalSecret.RESOURCE.plural, "create")
    yield Right(child.namespace, GROUP, ExternalSecret.RESOURCE.plural, "patch", child.name)
    if settings.ces_replace_leftovers:
        yield Right(child.namespace, GROUP, ExternalSecret.RESOURCE.plural, "update", child.name)


def _read_rights(subjects: tuple[Subject, ...], reads: Reads) -> Iterator[Right]:
    labelled = set(_labelled_namespaces(subjects, reads))
    for resource, namespace, name in reads:
        # A namespace that may not be read is taken as existing; only a selector on its labels needs the real object.
        if resource != Namespace.RESOURCE or name in labelled:
            yield Right(namespace, _group(resource), resource.plural, "get", name)


def _labelled_namespaces(subjects: tuple[Subject, ...], reads: Reads) -> Iterator[str]:
    for subject in subjects:
        for entry in entries_of(subject.external):
            ref = entry.source.secret_store_ref
            if ref is None or ref.kind != CLUSTER_STORE_KIND:
                continue
            store = reads.get((ClusterSecretStore.RESOURCE, "", ref.name))
            if isinstance(store, ClusterSecretStore) and any(one.namespace_selector for one in store.spec.conditions):
                yield subject.external.namespace


def _object_rights(external: ExternalSecret, settings: Settings) -> Iterator[Right]:
    namespace, group, plural = external.namespace, GROUP, ExternalSecret.RESOURCE.plural
    yield Right(namespace, group, f"{plural}/status", "patch", external.name)
    yield Right(namespace, "", Secret.RESOURCE.plural, "create")  # a create request has no name RBAC could compare
    yield Right(namespace, "", Secret.RESOURCE.plural, "update", external.target_name)
    if settings.cleanup_secret_on_failure or settings.process_deletions:
        yield Right(namespace, "", Secret.RESOURCE.plural, "delete", external.target_name)
    if settings.manage_finalizers or settings.process_deletions:
        yield Right(namespace, group, plural, "patch", external.name)
        yield Right(namespace, group, plural, "get", external.name)


def _token_rights(subject: Subject, hosts: Hosts) -> Iterator[Right]:
    for admission in subject.admissions:
        for call in calls_of(admission, hosts):
            if call.action == "TokenRequest":
                namespace, name = str(call.params["namespace"]), str(call.params["name"])
                yield Right(namespace, "", "serviceaccounts/token", "create", name)


def _group(resource: Resource) -> str:
    group, slash, _ = resource.api_version.partition("/")
    return group if slash else ""


def role_manifests(rights: Iterable[Right], name: str = NAME) -> list[dict[str, Any]]:
    """Return one Role a namespace and one ClusterRole for what has no namespace, rules sorted and names listed."""
    by_place: dict[str, set[Right]] = {}
    for right in rights:
        by_place.setdefault(right.namespace, set()).add(right)
    return [_role(name, namespace, by_place[namespace]) for namespace in sorted(by_place)]


def role_bindings(roles: Iterable[Mapping[str, Any]], holder: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one binding a role. holder: the subject of all of them."""
    return [binding(role, holder) for role in roles]


def _role(name: str, namespace: str, rights: set[Right]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {
        "apiVersion": _RBAC,
        "kind": "Role" if namespace else "ClusterRole",
        "metadata": metadata,
        "rules": list(_rules(rights)),
    }


def _rules(rights: set[Right]) -> Iterator[dict[str, Any]]:
    """Yield rules: verbs that hold for the same names of one resource stand together."""
    names: dict[tuple[str, str, str], set[str]] = {}
    for right in rights:
        names.setdefault((right.group, right.resource, right.verb), set()).add(right.name)
    alike: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (group, resource, verb), found in sorted(names.items()):
        alike.setdefault((group, resource, tuple(sorted(found))), []).append(verb)
    for (group, resource, which), verbs in alike.items():
        rule: dict[str, Any] = {"apiGroups": [group], "resources": [resource], "verbs": verbs}
        if which != ("",):
            rule["resourceNames"] = list(which)
        yield rule
