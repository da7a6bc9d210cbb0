"""What ends a round before anything is fetched (spec/writes-and-failures.md 8, spec/data.md 1)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.engine.lookups import References
from kubectl_asm.engine.plan import Decision, Done, Retry
from kubectl_asm.engine.prelude import Cleanup, Proceed, begin
from kubectl_asm.errors import UnavailableError
from kubectl_asm.model.backend import Provider
from kubectl_asm.model.objects import FINALIZER, Meta, Namespace, NamespaceStatus
from kubectl_asm.model.settings import Settings
from tests.unit.engine.rounds import SEED, external, source

DELETED = {"deletion_timestamp": "2026-01-01T00:00:00Z"}


def start(obj, *objects, settings=SEED, strict=False):
    memory = MemoryCluster(objects, now=lambda: datetime(2026, 1, 1, tzinfo=UTC), strict_namespaces=strict)
    return begin(obj, References(memory), settings)


def ended(plan):
    return plan.decision, plan.outcome, [entry.key for entry in plan.synthetic]


def test_a_first_round_adds_the_finalizer():
    assert start(external(source())) == Proceed(Provider.KMS, True)
    assert start(external(source(), meta={"finalizers": (FINALIZER,)})) == Proceed(Provider.KMS, False)
    assert start(external(source()), settings=SEED.replaced({"manage_finalizers": False})) == Proceed(Provider.KMS, False)


@pytest.mark.parametrize("word", ["KMS", "vault", "kms ", "Oos"])
def test_only_two_words_are_providers(word):
    plan = start(external(source(), provider=word))
    assert ended(plan) == (
        Decision.ABORT,
        Retry(f"unsupported provider: {word}, only support kms or oos"),
        ["provider_configuration"],
    )


def test_empty_means_kms():
    assert start(external(source(), provider="")).provider is Provider.KMS
    assert start(external(source(), provider="oos")).provider is Provider.OOS


@pytest.mark.parametrize("text", ["90", "1d", "soon", "5 m"])
def test_an_interval_that_is_no_duration_ends_the_round(text):
    plan = start(external(source(), rotation_interval=text))
    assert (plan.decision, plan.synthetic[0].key) == (Decision.ABORT, "provider_configuration")
    assert "spec.rotationInterval" in plan.reason


def test_a_terminating_namespace_ends_the_round_for_good():
    dying = Namespace(metadata=Meta(name="shop"), status=NamespaceStatus("Terminating"))
    assert ended(start(external(source()), dying)) == (Decision.IGNORED, Done(None), ["namespace_terminating"])


def test_a_missing_namespace_is_an_error():
    plan = start(external(source()), strict=True)
    assert (plan.decision, plan.synthetic[0].key) == (Decision.ABORT, "namespace_check")


def test_an_unreadable_namespace_is_an_error():
    class Broken:
        def get(self, kind, namespace, name):
            raise UnavailableError("no route")

    plan = begin(external(source()), References(Broken()), SEED)
    assert ended(plan) == (Decision.ABORT, Retry("no route"), ["namespace_check"])


def test_out_of_scope_is_told_and_not_repeated():
    settings = Settings(watch_namespaces=("other",))
    assert ended(start(external(source()), settings=settings)) == (Decision.IGNORED, Done(None), ["namespace_access"])


def test_a_deleted_object_with_our_finalizer_is_cleaned_up():
    assert isinstance(start(external(source(), meta={**DELETED, "finalizers": (FINALIZER, "x")})), Cleanup)


@pytest.mark.parametrize(
    ("finalizers", "settings"),
    [((), SEED), (("x",), SEED), ((FINALIZER,), SEED.replaced({"process_deletions": False}))],
)
def test_a_deleted_object_is_otherwise_left_alone_silently(finalizers, settings):
    plan = start(external(source(), meta={**DELETED, "finalizers": finalizers}), settings=settings)
    assert (plan.decision, plan.quiet, plan.synthetic) == (Decision.IGNORED, True, ())


def test_a_deleted_object_with_a_bad_spec_is_still_cleaned_up():
    obj = external(source(), provider="vault", rotation_interval="x", meta={**DELETED, "finalizers": (FINALIZER,)})
    assert isinstance(start(obj), Cleanup)
