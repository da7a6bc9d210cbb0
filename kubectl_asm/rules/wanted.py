"""What an input set refers to and does not hold itself: the questions a cluster can answer about it. Pure.

Source: spec/cli.md 3 (validate --live).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kubectl_asm.manifest.documents import Document, SourceText
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import ConfigMap, KubeObject, Namespace, Secret, ServiceAccount
from kubectl_asm.model.stores import ClusterExternalSecret, ClusterSecretStore, SecretStore
from kubectl_asm.rules.base import CLUSTER_EXTERNAL
from kubectl_asm.rules.context import Choices, RuleContext, Target, target_of
from kubectl_asm.rules.reading import read_parts
from kubectl_asm.rules.references import namespaces_of, store_refs
from kubectl_asm.rules.stores import auths_of
from kubectl_asm.rules.subjects import Subject, subjects_of

Wanted = tuple[type[KubeObject], str, str]


def wanted_objects(sources: Iterable[SourceText], known: Sequence[Document], choices: Choices) -> frozenset[Wanted]:
    """Return (kind, namespace, name) of every object that the input, or what is known, refers to and neither holds.

    ExternalSecrets of the input are among them: whether one is new decides what it takes over.
    """
    documents = [*known, *(part.document for source in sources for part in read_parts(source) if part.document is not None)]
    subjects: list[Subject] = []
    for document in documents:
        subjects += subjects_of(document, choices.namespace, len(subjects))
    ctx = RuleContext(choices, subjects)
    found = {one for subject in subjects for one in _of(subject, ctx)}
    return frozenset(one for one in found if one[2] and (one[0] is ExternalSecret or _is_missing(one, ctx)))


def _is_missing(one: Wanted, ctx: RuleContext) -> bool:
    kind, namespace, name = one
    return ctx.find(kind.RESOURCE.kind, namespace, name) is None


def has_cluster_externals(sources: Iterable[SourceText]) -> bool:
    """Return whether namespaces are selected by their labels, so that all of them matter."""
    return any(CLUSTER_EXTERNAL.encode() in source.data for source in sources)


def _of(subject: Subject, ctx: RuleContext) -> Iterator[Wanted]:
    if isinstance(subject.obj, SecretStore | ClusterSecretStore):
        yield from _of_store(subject)
    elif (target := target_of(subject)) is not None:
        for namespace in namespaces_of(target, ctx):
            yield from _of_target(target, namespace)
            if isinstance(subject.obj, ClusterExternalSecret):
                yield ExternalSecret, namespace, target.external.name


def _of_store(subject: Subject) -> Iterator[Wanted]:
    for at in auths_of(subject):
        account = at.auth.service_account_ref
        if account is not None:
            yield ServiceAccount, account.namespace or subject.namespace, account.name
        for ref in (at.auth.access_key, at.auth.access_key_secret):
            if ref is not None:
                yield Secret, ref.namespace or subject.namespace, ref.name


def _of_target(target: Target, namespace: str) -> Iterator[Wanted]:
    yield Namespace, "", namespace
    yield ExternalSecret, namespace, target.external.name
    yield Secret, namespace, target.external.target_name
    for found in store_refs(target):
        if found.is_cluster:
            yield ClusterSecretStore, "", found.ref.name
        else:
            yield SecretStore, found.ref.namespace or namespace, found.ref.name
    template = target.external.template
    for element in template.template_from if template else ():
        if element.config_map is not None:
            yield ConfigMap, namespace, element.config_map.name
        elif element.secret is not None:
            yield Secret, namespace, element.secret.name
