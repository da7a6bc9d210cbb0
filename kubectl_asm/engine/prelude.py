"""What is decided about an ExternalSecret before anything is fetched: deletion, scope, namespace, provider.

Source: spec/writes-and-failures.md 8, spec/controller.md 5, spec/data.md 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubectl_asm.engine.admit import provider_of
from kubectl_asm.engine.decide import round_outcome, stopped
from kubectl_asm.engine.lookups import Failed, Lookup, Missing, References
from kubectl_asm.engine.plan import Decision, Done, Plan, Retry, Synthetic
from kubectl_asm.engine.scope import in_scope, is_watched
from kubectl_asm.model.backend import Provider
from kubectl_asm.model.durations import DurationError
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import FINALIZER, Namespace
from kubectl_asm.model.settings import Settings

DELETING_TEXT = "external secret is being deleted"


@dataclass(frozen=True, slots=True)
class Proceed:
    """The round goes on. add_finalizer: the finalizer has to be added first."""

    provider: Provider
    add_finalizer: bool


@dataclass(frozen=True, slots=True)
class Cleanup:
    """The object is being deleted: delete its target, then release it."""


def begin(external: ExternalSecret, references: References, settings: Settings) -> Plan | Proceed | Cleanup:
    """Return how the round goes on, or its Plan when it ends here."""
    if external.metadata.is_deleting:
        return _deleting(external, settings)
    namespace = external.namespace
    if not in_scope(namespace, settings):
        entry = Synthetic("namespace_access", f"namespace {namespace} is not in watched namespaces")
        return stopped(external, Decision.IGNORED, Done(None), entry)
    if stop := _namespace_stop(external, references.namespace(namespace)):
        return stop
    if stop := _invalid(external, settings):
        return stop
    provider = provider_of(external)
    assert provider is not None
    needs_finalizer = settings.manage_finalizers and FINALIZER not in external.metadata.finalizers
    return Proceed(provider, needs_finalizer)


def _deleting(external: ExternalSecret, settings: Settings) -> Plan | Cleanup:
    if FINALIZER not in external.metadata.finalizers or not is_watched(external.namespace, settings):
        return stopped(external, Decision.IGNORED, Done(None))
    if not settings.process_deletions:
        return stopped(external, Decision.IGNORED, Done(None))
    return Cleanup()


def _namespace_stop(external: ExternalSecret, found: Lookup[Namespace]) -> Plan | None:
    name = external.namespace
    if isinstance(found, Missing):
        entry = Synthetic("namespace_check", f"namespace {name} does not exist")
        return stopped(external, Decision.ABORT, Retry(entry.reason), entry)
    if isinstance(found, Failed):
        entry = Synthetic("namespace_check", found.error.message)
        return stopped(external, Decision.ABORT, Retry(entry.reason), entry)
    if found.obj.is_terminating:
        entry = Synthetic("namespace_terminating", f"namespace {name} is terminating")
        return stopped(external, Decision.IGNORED, Done(None), entry)
    return None


def _invalid(external: ExternalSecret, settings: Settings) -> Plan | None:
    """Refuse an object no round can work with, before any backend call."""
    if provider_of(external) is None:
        text = f"unsupported provider: {external.spec.provider}, only support kms or oos"
        return stopped(external, Decision.ABORT, Retry(text), Synthetic("provider_configuration", text))
    try:
        round_outcome(external, settings)
    except DurationError as error:
        text = f"spec.rotationInterval: {error}"
        return stopped(external, Decision.ABORT, Retry(text), Synthetic("provider_configuration", text))
    return None
