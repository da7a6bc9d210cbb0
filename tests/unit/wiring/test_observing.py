"""What a controller says about its rounds: news only, and never a value."""

from __future__ import annotations

import logging

import pytest

from kubectl_asm.adapters.kube.events import NORMAL, WARNING
from kubectl_asm.adapters.metrics import ControllerMetrics
from kubectl_asm.engine.conditions import MEANINGS, REASONS
from kubectl_asm.engine.plan import Decision
from kubectl_asm.model.objects import FINALIZER
from kubectl_asm.wiring.observing import _CHANGES, EVENTS, Reporter
from tests.harness.world import START
from tests.unit.app.passes import World
from tests.unit.engine.rounds import FAILED, external, source


class Events:
    def __init__(self):
        self.sent = []

    def send(self, event):
        self.sent.append((event.type, event.reason))


class Observed:
    """Rounds of one object with what was said about them."""

    def __init__(self, *keys, values, is_shadow=False):
        obj = external(*(source(key) for key in keys), meta={"finalizers": (FINALIZER,)})
        self.world = World(obj, values=values)
        self.events, self.metrics = Events(), ControllerMetrics()
        self.reporter = Reporter(self.metrics, self.events, lambda: START, is_shadow=is_shadow)

    def round(self, **values):
        self.world.values.update(values)
        plan = self.world.run()
        self.reporter.round_done(plan, 0.25)
        return plan

    def said(self):
        sent, self.events.sent = self.events.sent, []
        return sent

    def series(self):
        lines = self.metrics.exposition().decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def test_a_secret_that_is_written_is_told_and_steady_state_is_silent(caplog):
    seen = Observed("a", values={"a": "1"})
    with caplog.at_level(logging.INFO):
        seen.round()
        assert seen.said() == [(NORMAL, "Created")]
        caplog.clear()
        seen.round()
        assert (seen.said(), caplog.messages) == ([], [])
        seen.round(a="2")
        assert (seen.said(), caplog.messages) == ([(NORMAL, "Updated")], ["Secret updated"])


def test_a_failure_is_told_once_and_so_is_its_end(caplog):
    seen = Observed("a", "b", values={"a": "1", "b": "1"})
    seen.round()
    seen.said()
    with caplog.at_level(logging.INFO):
        seen.round(b=FAILED)
        seen.round()
        assert len(caplog.messages) == 1
        assert (WARNING, "PartiallySynced") in seen.said()
        caplog.clear()
        seen.round(b="1")
        assert caplog.messages == ["works again"]
        assert seen.said() == [(NORMAL, "Recovered")]


def test_readiness_and_last_success_are_series_of_the_object_until_it_is_gone():
    seen = Observed("a", values={"a": "1"})
    plan = seen.round()
    labels = f'{{name="{plan.external.name}",namespace="{plan.external.namespace}"}}'
    assert seen.series()[f"asm_externalsecret_ready{labels}"] == 1
    seen.round(a=FAILED)
    assert seen.series()[f"asm_externalsecret_ready{labels}"] == 0
    assert seen.series()[f"asm_externalsecret_last_success_timestamp_seconds{labels}"] == START.timestamp()
    seen.reporter.gone(plan.external.ref)
    assert not any(labels in name for name in seen.series())


def test_objects_of_another_replica_are_forgotten():
    seen = Observed("a", values={"a": FAILED})
    plan = seen.round()
    seen.reporter.lost(lambda ref: ref == plan.external.ref)
    assert not any(plan.external.name in name for name in seen.series())


def test_a_round_that_ends_after_its_object_went_leaves_no_series():
    seen = Observed("a", values={"a": "1"})
    seen.reporter.is_current = lambda _ref: False
    plan = seen.round()
    assert not any(plan.external.name in name for name in seen.series())


def test_a_shadow_says_what_would_be_done(caplog):
    seen = Observed("a", values={"a": "1"}, is_shadow=True)
    with caplog.at_level(logging.INFO):
        seen.reporter.round_done(seen.world.plan(), 0.1)
    assert caplog.messages == ["the Secret would be created"]
    assert seen.said() == []


def test_a_round_that_was_cut_short_says_nothing_about_the_object():
    seen = Observed("a", values={"a": "1"})
    seen.world.clock.is_shutdown = True
    assert seen.round().decision is Decision.ABORT
    assert seen.said() == []
    assert not any("externalsecret_ready" in name for name in seen.series())


def test_no_value_is_told(caplog):
    seen = Observed("a", "b", values={"a": "canary-value", "b": FAILED})
    with caplog.at_level(logging.DEBUG):
        seen.round()
        seen.round(a="canary-other")
    told = repr([vars(record) for record in caplog.records]) + seen.metrics.exposition().decode()
    assert "canary" not in told


@pytest.mark.parametrize("reason", sorted({*(reason for reason, _ in _CHANGES.values()), *REASONS.values()}))
def test_every_reason_is_documented(reason):
    assert reason in EVENTS or reason in MEANINGS
