"""Store references of entries, and objects of the input that nearly carry a name.

Source: spec/api.md 3.2; spec/lint.md 3 (unknown-store, unknown-ref, cross-namespace).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from kubectl_asm.engine.template import is_dns_label, is_dns_subdomain
from kubectl_asm.manifest.documents import Path
from kubectl_asm.model.externalsecret import CLUSTER_STORE_KIND, STORE_KIND, SecretStoreRef
from kubectl_asm.rules.base import quoted
from kubectl_asm.rules.context import EntryAt, RuleContext, Target, target_of
from kubectl_asm.rules.selection import selected_namespaces
from kubectl_asm.rules.stores import auths_of
from kubectl_asm.rules.subjects import Subject


class StoreRefAt(msgspec.Struct, frozen=True):
    """A usable store reference. kind is never empty; at: the entry it belongs to."""

    ref: SecretStoreRef
    kind: str
    path: Path
    at: EntryAt

    @property
    def is_cluster(self) -> bool:
        """Whether it names a ClusterSecretStore."""
        return self.kind == CLUSTER_STORE_KIND


class RefAt(msgspec.Struct, frozen=True):
    """A reference to an object by name. namespace: where it is looked up; given_namespace, key: as written, or empty."""

    kind: str
    path: Path
    name: str
    namespace: str
    given_namespace: str = ""
    key: str = ""


def refs_of(subject: Subject) -> Iterator[RefAt]:
    """Yield the references of entries to stores, and of stores to ServiceAccounts and Secrets."""
    if (target := target_of(subject)) is not None:
        for found in store_refs(target):
            given = "" if found.is_cluster else found.ref.namespace
            where = "" if found.is_cluster else given or target.namespace
            yield RefAt(found.kind, found.path, found.ref.name, where, given)
    for at in auths_of(subject):
        if (account := at.auth.service_account_ref) is not None and account.name:
            path = (*at.path, "serviceAccountRef")
            yield RefAt("ServiceAccount", path, account.name, account.namespace or subject.namespace, account.namespace)
        for field, ref in (("accessKey", at.auth.access_key), ("accessKeySecret", at.auth.access_key_secret)):
            if ref is not None and ref.name:
                namespace = ref.namespace or subject.namespace
                yield RefAt("Secret", (*at.path, field), ref.name, namespace, ref.namespace, ref.key)


def store_refs(target: Target) -> Sequence[StoreRefAt]:
    """Return every store reference with a name and a known kind."""
    memo = target.subject.memo
    if "store_refs" not in memo:
        memo["store_refs"] = tuple(_store_refs(target))
    found: Sequence[StoreRefAt] = memo["store_refs"]
    return found


def _store_refs(target: Target) -> Iterator[StoreRefAt]:
    for at in target.entries():
        ref = at.source.secret_store_ref
        if ref is not None and ref.name and ref.kind in ("", STORE_KIND, CLUSTER_STORE_KIND):
            yield StoreRefAt(ref, ref.kind or STORE_KIND, (*at.path, "secretStoreRef"), at)


def namespaces_of(target: Target, ctx: RuleContext) -> tuple[str, ...]:
    """Return the namespaces in which a target surely exists: its own, or those a ClusterExternalSecret selects."""
    if target.namespace:
        return (target.namespace,)
    return tuple(one.namespace.name for one in selected_namespaces(target.subject, ctx) if is_dns_label(one.namespace.name))


def find_store(found: StoreRefAt, namespace: str, ctx: RuleContext) -> Subject | None:
    """Return the store a reference means in a namespace, None when it is not in the input."""
    if found.is_cluster:
        return ctx.find(CLUSTER_STORE_KIND, "", found.ref.name)
    return ctx.find(STORE_KIND, found.ref.namespace or namespace, found.ref.name)


def can_exist(namespace: str, name: str) -> bool:
    """Return whether an object can have this name and namespace; what cannot is told by invalid-name."""
    return is_dns_subdomain(name) and (not namespace or is_dns_label(namespace))


def near_miss(kind: str, namespace: str, name: str, ctx: RuleContext) -> str:
    """Return a phrase about objects of the input that were probably meant, empty for none.

    One letter away, the other kind of store, or another namespace.
    """
    key = (kind, namespace, name)
    known = ctx.near_misses.get(key)
    if known is None:
        known = ctx.near_misses[key] = _near_miss(kind, namespace, name, ctx)
    return known


def _near_miss(kind: str, namespace: str, name: str, ctx: RuleContext) -> str:
    if near := ctx.near_names(kind, namespace, name):
        return f"the input has {kind} {', '.join(map(quoted, near))}"
    if elsewhere := [one for one in ctx.namespaces_with.get((kind, name), ()) if one != namespace]:
        return f"the input has {kind} {quoted(name)} in namespace {', '.join(elsewhere)}"
    other = {STORE_KIND: CLUSTER_STORE_KIND, CLUSTER_STORE_KIND: STORE_KIND}.get(kind, "")
    return f"the input has a {other} {quoted(name)}" if (other, name) in ctx.namespaces_with else ""
