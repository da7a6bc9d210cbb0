"""The controller as a process: steady state, shadow mode, its end, its neighbours, and what upstream left behind."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from tests.live.controlplane import wait_until
from tests.live.serving import FINALIZER, SOON_S, SYSTEM, Territory, stays, territory


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Territory]:
    with territory(tmp_path_factory.mktemp("serve"), db="first") as made:
        yield made


def test_in_steady_state_the_api_server_is_asked_nothing(ground: Territory) -> None:
    place = ground.namespace()
    place.external("app", "db")
    place.external("failing", "db", "missing")  # its error names another request every time
    with ground.serve(polling_interval="1s", watch_namespaces=place.name) as serve:
        serve.is_ready()
        place.is_ready("app")
        place.is_ready("failing", "PartiallySynced", "False")
        time.sleep(2.5)
        rounds, requests = serve.total("asm_rounds_total"), serve.total("asm_kube_requests_total")
        version = place.get("ExternalSecret", "app")["metadata"]["resourceVersion"]
        time.sleep(4)
        assert serve.total("asm_rounds_total") - rounds >= 6
        assert serve.total("asm_kube_requests_total") - requests == 0
        assert place.get("ExternalSecret", "app")["metadata"]["resourceVersion"] == version


def test_many_objects_share_one_call_an_interval(ground: Territory) -> None:
    place = ground.namespace()
    ground.set_values(popular="shared")
    for number in range(10):
        place.external(f"app-{number}", "popular")
    with ground.serve(polling_interval="3s", watch_namespaces=place.name) as serve:
        for number in range(10):
            place.holds(f"app-{number}", popular="shared")
        wait_until(lambda: serve.total("asm_rounds_total") >= 30, timeout_s=30, what="thirty rounds")
        rounds, calls = serve.total("asm_rounds_total"), ground.calls("popular")
    assert calls <= rounds / 10 + 2


def test_a_shadow_reports_and_writes_nothing(ground: Territory) -> None:
    place = ground.namespace()
    place.external("app", "db")
    with ground.serve("--shadow", watch_namespaces=place.name) as serve:
        serve.is_ready()
        wait_until(lambda: "would be created" in serve.log(), timeout_s=SOON_S, what="the report")
        stays(lambda: place.data("app") is None, seconds=3, what="a shadow wrote a Secret")
        assert serve.total("asm_kube_requests_total", having="GET") == serve.total("asm_kube_requests_total")
    found = place.get("ExternalSecret", "app")
    assert "finalizers" not in found["metadata"]
    assert "status" not in found
    assert place.events() == []


def test_it_ends_in_order_when_it_is_told_to(ground: Territory) -> None:
    with ground.serve(watch_namespaces=ground.namespace().name) as serve:
        serve.is_ready()
        began = time.monotonic()
        serve.signal(signal.SIGTERM)
        assert serve.process.wait(timeout=20) == 0
        assert time.monotonic() - began < 10
        assert [line["message"] for line in serve.lines()][-1] == "ended"


def test_it_does_not_start_beside_a_live_upstream_controller(ground: Territory) -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
    spec = {"holderIdentity": "ack-secret-manager-abc", "leaseDurationSeconds": 15, "renewTime": stamp}
    path = ground.path("Lease", SYSTEM)
    ground.control_plane.request("POST", path, {"metadata": {"name": "ack-secret-manager-lock"}, "spec": spec})
    try:
        with ground.serve() as serve:
            assert serve.process.wait(timeout=20) == 2
            assert "--shadow" in serve.log()
            assert "ack-secret-manager-abc" in serve.log()
    finally:
        ground.delete("Lease", SYSTEM, "ack-secret-manager-lock")


def test_what_upstream_left_is_taken_over_without_a_write_of_any_secret(ground: Territory) -> None:
    place = ground.namespace()
    meta = {"finalizers": [FINALIZER]}
    place.territory.put("Secret", place.name, "app", stringData={"db": "first"}, type="Opaque")
    place.territory.put("ExternalSecret", place.name, "app", metadata=meta, spec={"provider": "kms", "data": [{"key": "db"}]})
    before = place.get("Secret", "app")["metadata"]["resourceVersion"]
    with ground.serve(watch_namespaces=place.name) as serve:
        serve.is_ready()
        place.is_ready("app")
        time.sleep(3)
    assert place.get("Secret", "app")["metadata"]["resourceVersion"] == before
