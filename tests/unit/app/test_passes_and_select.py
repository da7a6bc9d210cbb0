"""Passes over many objects: clashing targets, order, stopping between objects; and which objects a command works on."""

from __future__ import annotations

import itertools
import threading

import msgspec
import pytest

from kubectl_asm.app.passes import ObjectResult, Pass, clashing_targets
from kubectl_asm.app.select import Selection, parse_names
from kubectl_asm.engine.plan import Decision, Done, Plan, Retry
from kubectl_asm.errors import NotFoundError, UsageError
from kubectl_asm.model.objects import Meta
from tests.unit.engine.rounds import FAILED, external, round_of, source


def named(name, namespace="shop", target="", **meta):
    return msgspec.structs.replace(external(source("a"), target=target), metadata=Meta(name=name, namespace=namespace, **meta))


def run(objects, *, concurrency=1, work=None, is_stopping=lambda: False):
    done = []
    ticks = itertools.count()
    work = work or (lambda obj: Plan(obj, Decision.IN_SYNC, Done()))
    one = Pass(work, lambda: float(next(ticks)), concurrency, is_stopping)
    results = one.run(objects, done.append)
    return results, done


def names(results):
    return [(result.plan.external.namespace, result.plan.external.name) for result in results]


@pytest.mark.parametrize("concurrency", [1, 4])
def test_results_are_sorted_by_namespace_and_name_and_told_as_they_finish(concurrency):
    objects = [named("b", "y"), named("a", "z"), named("c", "x"), named("a", "y")]
    results, done = run(objects, concurrency=concurrency)
    assert names(results) == [("x", "c"), ("y", "a"), ("y", "b"), ("z", "a")]
    assert sorted(names(done)) == names(results)
    if concurrency == 1:
        assert names(done) == [("y", "b"), ("z", "a"), ("x", "c"), ("y", "a")]


def test_the_time_of_an_object_is_that_of_its_round():
    assert run([named("a"), named("b")])[0][1].duration_s == 1.0


def test_objects_with_one_target_are_both_refused_and_neither_is_worked_on():
    worked = []
    objects = [named("a", target="t"), named("t"), named("b"), named("t", "other")]
    results, _ = run(objects, work=lambda obj: worked.append(obj.name) or Plan(obj, Decision.CREATE, Done()))
    assert worked == ["b", "t"]
    refused = [result.plan for result in results if result.plan.decision is Decision.ABORT]
    assert [plan.external.name for plan in refused] == ["a", "t"]
    assert all("shop/t" in plan.reason and isinstance(plan.outcome, Retry) for plan in refused)


def test_an_object_being_deleted_does_not_clash():
    assert clashing_targets([named("a"), named("b", target="a", deletion_timestamp="2026-01-01T00:00:00Z")]) == {}


def test_callbacks_run_in_the_calling_thread():
    threads = set()
    Pass(lambda obj: Plan(obj, Decision.IN_SYNC, Done()), lambda: 0.0, 4).run(
        [named(str(number)) for number in range(20)], lambda _: threads.add(threading.get_ident())
    )
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_stop_between_objects_lets_the_running_one_finish_and_starts_no_other(concurrency):
    started = threading.Event()

    def work(obj):
        started.set()
        return Plan(obj, Decision.CREATE, Done())

    results, _ = run([named(f"n{n:02}") for n in range(50)], concurrency=concurrency, work=work, is_stopping=started.is_set)
    assert 1 <= len(results) <= concurrency


def test_nothing_runs_when_the_stop_came_first():
    assert run([named("a")], is_stopping=lambda: True) == ([], [])


def test_full_success_means_that_nothing_is_missing():
    def fully(plan):
        return ObjectResult(plan).is_fully_synced

    obj = external(source("a"), source("b"))
    assert fully(round_of(obj, "1", "2"))
    assert not fully(round_of(obj, "1", FAILED))
    assert not fully(round_of(obj, FAILED, FAILED))
    assert fully(round_of(external(source("k", "k"), source("k", "k", version_id="1")), "1", FAILED)), "an exempt twin"
    for decision, wanted in (
        (Decision.CLEANUP, True),
        (Decision.IGNORED, True),
        (Decision.GUARD, False),
        (Decision.ABORT, False),
    ):
        assert fully(Plan(obj, decision, Done())) is wanted


# -- selection

OBJECTS = [named("b"), named("a"), named("a", "other", labels={"x": "y"})]


def test_everything_in_order_without_a_selection():
    assert [(obj.namespace, obj.name) for obj in Selection().pick(OBJECTS)] == [("other", "a"), ("shop", "a"), ("shop", "b")]


def test_names_namespaces_and_labels_narrow_down():
    assert len(Selection(names=("a",)).pick(OBJECTS)) == 2
    assert len(Selection(names=("a",), namespace="shop").pick(OBJECTS)) == 1
    assert [obj.namespace for obj in Selection(has_labels=lambda labels: labels.get("x") == "y").pick(OBJECTS)] == ["other"]


def test_a_name_that_is_missing_is_an_error_and_an_empty_selection_is_not():
    with pytest.raises(NotFoundError, match="'c' not found in namespace shop"):
        Selection(names=("a", "c"), namespace="shop").pick(OBJECTS)
    assert Selection(namespace="empty").pick(OBJECTS) == []


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((), ()),
        (("a", "b", "a"), ("a", "b")),
        (("externalsecret/a", "ExternalSecrets.alibabacloud.com/b", "es/c"), ("a", "b", "c")),
        (("es", "a", "b"), ("a", "b")),
        (("es",), ("es",)),
        (("a", "es"), ("a", "es")),
    ],
)
def test_forms_of_names(arguments, wanted):
    assert parse_names(arguments) == wanted


def test_another_kind_is_refused():
    with pytest.raises(UsageError, match="secret"):
        parse_names(["secret/a"])
