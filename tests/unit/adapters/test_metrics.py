"""The exposition: gauges as they are now, series that go with their objects, labels that cannot grow without bound."""

import threading

import pytest

from kubectl_asm.adapters.metrics import FAMILIES, ControllerMetrics, Gauges
from kubectl_asm.model.backend import Provider


def lines(metrics, name):
    text = metrics.exposition().decode()
    return [line for line in text.splitlines() if line.startswith(name) and not line.startswith("#")]


def test_series_of_an_object_go_with_the_object():
    metrics = ControllerMetrics()
    metrics.object_done("shop", "a", is_ready=True, at_s=100.0)
    metrics.object_done("shop", "b", is_ready=False, at_s=100.0)
    assert lines(metrics, "asm_externalsecret_ready") == [
        'asm_externalsecret_ready{name="a",namespace="shop"} 1.0',
        'asm_externalsecret_ready{name="b",namespace="shop"} 0.0',
    ]
    metrics.object_gone("shop", "a")
    metrics.object_gone("shop", "never-there")
    metrics.keep_objects(lambda _namespace, name: name != "b")
    assert lines(metrics, "asm_externalsecret_") == []


def test_a_failed_round_keeps_the_time_of_the_last_success():
    metrics = ControllerMetrics()
    for is_ready, at_s in ((True, 100.0), (False, 200.0)):
        metrics.object_done("shop", "a", is_ready=is_ready, at_s=at_s)
    (line,) = lines(metrics, "asm_externalsecret_last_success_timestamp_seconds")
    assert line.endswith(" 100.0")


def test_gauges_are_asked_at_every_scrape():
    depth, metrics = [1.0], ControllerMetrics()
    metrics.connect(Gauges({"asm_queue_depth": lambda: {("change",): depth[0]}}))
    assert lines(metrics, "asm_queue_depth") == ['asm_queue_depth{priority="change"} 1.0']
    depth[0] = 2.0
    assert lines(metrics, "asm_queue_depth") == ['asm_queue_depth{priority="change"} 2.0']


def test_codes_of_services_are_counted_and_throttling_is_counted_apart():
    metrics = ControllerMetrics()
    for code in ("ok", "Throttling", "Throttling.User", "Rejected.Throttling", "HTTP 429", "Forbidden.KeyNotFound"):
        metrics.observe(Provider.KMS, code, 0.01)
    assert len(lines(metrics, "asm_cloud_calls_total")) == 6
    assert lines(metrics, "asm_cloud_throttled_total") == ['asm_cloud_throttled_total{provider="kms"} 4.0']


@pytest.mark.parametrize("code", ["", "x" * 65, "line\nbreak", '"quoted"', "<html>", "späť"])
def test_what_is_no_code_is_counted_as_other(code):
    metrics = ControllerMetrics()
    metrics.observe(Provider.KMS, code, 0.01)
    assert lines(metrics, "asm_cloud_calls_total") == ['asm_cloud_calls_total{code="other",provider="kms"} 1.0']


def test_a_gateway_that_answers_anything_cannot_fill_the_memory_of_who_scrapes():
    metrics = ControllerMetrics()
    for number in range(1000):
        metrics.observe(Provider.KMS, f"Code{number}", 0.01)
    found = lines(metrics, "asm_cloud_calls_total")
    assert len(found) <= 101
    assert sum(float(line.rpartition(" ")[2]) for line in found) == 1000


def test_names_and_namespaces_are_the_only_labels_without_a_fixed_set_of_values():
    free = {name: set(family.labels) & {"name", "namespace"} for name, family in FAMILIES.items()}
    assert {name for name, labels in free.items() if labels} == {
        "asm_externalsecret_ready",
        "asm_externalsecret_last_success_timestamp_seconds",
    }
    known = {"decision", "kind", "result", "priority", "provider", "code", "limiter", "method", "status", "shard"}
    assert {label for family in FAMILIES.values() for label in family.labels} <= known | {"name", "namespace"}


def test_every_family_can_be_fed_and_scraped_while_others_feed():
    metrics, errors = ControllerMetrics(), []

    def feed(number):
        try:
            for step in range(100):
                metrics.object_done("shop", f"{number}-{step}", is_ready=True, at_s=1.0)
                metrics.observe(Provider.OOS, f"C{step % 7}", 0.1)
                metrics.exposition() if step % 25 == 0 else None
        except Exception as error:  # noqa: BLE001  # an assertion of another thread is no failure of this one
            errors.append(error)

    threads = [threading.Thread(target=feed, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert errors == []
    assert len(lines(metrics, "asm_externalsecret_ready")) == 400
