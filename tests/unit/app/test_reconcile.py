"""Work on one object: read as it is now, values as old as its priority allows, and the end of it told."""

from datetime import timedelta

import msgspec
import pytest

from kubectl_asm.app.execute import Executor
from kubectl_asm.app.queue import Item, Priority
from kubectl_asm.app.reconcile import ClusterExternalSecretWork, ExternalSecretWork, StoreWork
from kubectl_asm.engine.plan import Decision, Done, Retry
from kubectl_asm.errors import ConflictError, UnavailableError
from kubectl_asm.model.objects import FINALIZER, TRIGGER_ANNOTATION, ObjectRef
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import SecretStore
from tests.unit.adapters.reading import Seconds
from tests.unit.app.passes import World
from tests.unit.engine.rounds import external, source
from tests.unit.engine.worlds import NOW, cluster, key_refs, key_secret, settings, store

ONE = external(source("a"), rotation_interval="100s")


class Observer:
    def __init__(self):
        self.done, self.ended = [], []

    def round_done(self, plan, _duration_s):
        self.done.append(plan.decision)

    def store_done(self, plan, _duration_s):
        self.done.append(plan)

    def expansion_done(self, expanded, _duration_s):
        self.done.append(expanded)

    def gone(self, ref):
        self.ended.append(ref)


class Values:
    """Records how old values may be."""

    def __init__(self, inner):
        self.inner = inner
        self.ages = []

    def within(self, age_s):
        self.ages.append(age_s)
        return self.inner


def item(ref, priority=Priority.CHANGE):
    return Item(ref, priority, 0.0)


class Bench:
    def __init__(self, obj=ONE, **world):
        self.world = World(obj, values={"a": "1"}, **world)
        self.values, self.observer = Values(self.world), Observer()
        executor = Executor(self.world, self.world)
        self.work = ExternalSecretWork(
            self.world,
            self.world.rounds(),
            self.values,
            lambda rounds, found: rounds.run(found, executor),
            self.observer,
            self.world.clock.monotonic,
        )
        self.ref = obj.ref


def test_a_round_writes_the_secret_and_names_its_interval():
    bench = Bench()
    assert bench.work(item(bench.ref)) == Done(timedelta(seconds=100))
    assert bench.observer.done == [Decision.CREATE]
    assert bench.world.data() == {"a": "1"}


@pytest.mark.parametrize(("priority", "age_s"), [(Priority.CHANGE, 5.0), (Priority.NEW, 90.0), (Priority.REFRESH, 90.0)])
def test_after_a_change_values_are_fresh_and_a_refresh_shares_what_was_read_within_its_interval(priority, age_s):
    bench = Bench()
    bench.work(item(bench.ref, priority))
    assert bench.values.ages == [age_s]


def test_an_interval_that_does_not_parse_shares_nothing():
    bench = Bench(external(source("a"), rotation_interval="soon"))
    bench.work(item(bench.ref, Priority.REFRESH))
    assert bench.values.ages == [0.0]


def test_an_object_that_is_gone_is_told_and_never_asked_for_again():
    bench = Bench()
    gone = ObjectRef("ExternalSecret", "shop", "gone")
    assert bench.work(item(gone)) == Done(None)
    assert bench.observer.ended == [gone]
    assert bench.observer.done == []


class Unreadable:
    def get(self, *_arguments):
        raise UnavailableError("no answer")


def test_an_object_that_cannot_be_read_is_tried_again_and_nothing_is_told():
    observer = Observer()
    works = [
        ExternalSecretWork(Unreadable(), None, None, None, observer, Seconds().monotonic),
        ClusterExternalSecretWork(Unreadable(), Settings(), None, observer, Seconds().monotonic),
        StoreWork(SecretStore, Unreadable(), None, Settings(), {}, lambda: NOW, observer, Seconds().monotonic),
    ]
    for work in works:
        assert work(item(ONE.ref)) == Retry("no answer")
    assert (observer.done, observer.ended) == ([], [])


# -- stores


class Stores:
    def __init__(self, one, *others, writer=True):
        self.cluster, self.observer = cluster(one, *others), Observer()
        self.work = StoreWork(
            SecretStore,
            self.cluster,
            self.cluster if writer is True else writer,
            settings(),
            {},
            lambda: NOW,
            self.observer,
            Seconds().monotonic,
        )
        self.ref = one.ref

    def store(self):
        return self.cluster.get(SecretStore, self.ref.namespace, self.ref.name)


def test_a_pass_adds_the_finalizer_and_says_ready_and_the_next_one_writes_nothing():
    bench = Stores(store(**key_refs()), key_secret())
    assert bench.work(item(bench.ref)) == Done(None)
    after = bench.store()
    assert after.metadata.finalizers == (FINALIZER,)
    assert after.status.conditions[0].status == "True"
    bench.work(item(bench.ref))
    assert bench.store().metadata.resource_version == after.metadata.resource_version


def test_a_pass_takes_the_trigger_away_and_leaves_other_annotations():
    one = store(**key_refs())
    annotations = {TRIGGER_ANNOTATION: "1", "a": "b"}
    one = msgspec.structs.replace(one, metadata=msgspec.structs.replace(one.metadata, annotations=annotations))
    bench = Stores(one, key_secret())
    bench.work(item(bench.ref))
    assert bench.store().metadata.annotations == {"a": "b"}


def test_without_a_writer_a_pass_only_plans():
    bench = Stores(store(**key_refs()), key_secret(), writer=None)
    before = bench.store()
    assert bench.work(item(bench.ref)) == Done(None)
    assert bench.store() == before
    assert bench.observer.done[0].add_finalizer


def test_a_write_that_is_refused_is_tried_again():
    class Refusing:
        def set_finalizers(self, *_arguments):
            raise ConflictError("it changed", status=409)

    bench = Stores(store(**key_refs()), key_secret(), writer=Refusing())
    assert bench.work(item(bench.ref)) == Retry("it changed")


def test_a_store_that_is_gone_is_told():
    bench = Stores(store())
    gone = ObjectRef("SecretStore", "default", "gone")
    assert bench.work(item(gone)) == Done(None)
    assert bench.observer.ended == [gone]
