"""A running controller through storms: API server and cloud fail in every way they know, and afterwards all is as it should be.

One controller lives through the whole module, so each storm also finds what the one before may have left. Storms of the API
server and of the cloud alternate: a watch is believed again once it lived for ten seconds. What is asserted of Secrets is read
past the proxies.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import Popen

import pytest
import yaml

from tests.live.controlplane import ControlPlane, free_port, is_ready, stop, wait_until
from tests.live.faults import FaultProxy, address_of
from tests.live.serving import SYSTEM, Place, Serve, Territory, territory

INTERVAL_S = 1.0
STORM_S = 3.0
KEYS = {"plain": ("db",), "pair": ("db", "other"), "roled": ("third",)}
"""Objects, and what each reads; `roled` does so with a role of its own."""
ROLE = "acs:ram::1234567890123456:role/reader"
KINDS = 6
"""Watches of a controller whose objects refer to no ConfigMap and no ServiceAccount."""
CALM_S = 45.0
"""Until all is well: the longest back-off of a watch, and two rounds, on a busy machine. Mostly it is a fraction of that."""


def attempts(seconds: float, first_s: float) -> int:
    """Return how often something is tried within a time when waits double from the first one, a fifth shorter by chance."""
    return 2 + math.ceil(math.log2(seconds / (0.8 * first_s) + 1))


def most_requests(seconds: float) -> float:
    """Return how many requests a storm may cost: watches list and watch, rounds read and write, and tell it in an Event."""
    return KINDS * attempts(seconds, 0.5) * 2 + len(KEYS) * attempts(seconds, 1.0) * 6


@dataclass
class Weather:
    """A controller between two proxies. api: before an API server of its own; cloud: before the emulator."""

    ground: Territory
    place: Place
    api: FaultProxy
    cloud: FaultProxy
    port: int
    server: Popen
    accounts: Path
    serve: Serve
    edition: int = 0

    # -- what is wanted

    def rotate(self) -> None:
        """Change every value."""
        self.edition += 1
        self.ground.set_values(**dict.fromkeys(("db", "other", "third"), f"edition {self.edition}"))

    def data(self, name: str) -> dict[str, str]:
        return dict.fromkeys(KEYS[name], f"edition {self.edition}")

    def all_is_well(self, timeout_s: float = CALM_S) -> None:
        """Wait until every Secret holds the present values, every condition says so, and the process calls itself ready."""
        end = time.monotonic() + timeout_s
        for name in KEYS:
            self.place.holds(name, timeout_s=max(end - time.monotonic(), 0.1), **self.data(name))
            self.place.is_ready(name, timeout_s=max(end - time.monotonic(), 0.1))
            assert self.place.condition(name, "Stale") == ("False", "Confirmed")
        wait_until(lambda: self.serve.probe("/readyz")[0] == 200, timeout_s=CALM_S, what="/readyz")

    def passes(self, seconds: float = STORM_S) -> None:
        """Let a storm go on. The process lives and says so, and no Secret is lost or emptied meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.serve.process.poll() is None, self.serve.log()
            assert self.serve.probe("/healthz")[0] == 200
            for name, keys in KEYS.items():
                assert sorted(self.place.data(name) or ()) == sorted(keys), name
            time.sleep(0.2)

    @contextmanager
    def few_requests(self) -> Iterator[None]:
        """Assert that the API server's proxy was not asked more than a storm of this length explains."""
        began, before = time.monotonic(), len(self.api.requests)
        yield
        asked, seconds = len(self.api.requests) - before, time.monotonic() - began
        assert asked <= most_requests(seconds), (asked, seconds, self.api.requests[before:])

    def calls(self, action: str = "", *, principal: str = "") -> int:
        found = self.ground.asm.calls()
        return sum(action in call["action"] and principal in str(call["principal"]) for call in found)

    def fails(self, *names: str, reason: str = "ReadFailed") -> None:
        """Wait until objects say honestly that they are not as they should be."""
        for name in names:
            self.place.is_ready(name, reason, "False")
            assert self.place.condition(name, "Stale") == ("True", "ValuesKept")

    def unready(self) -> None:
        wait_until(lambda: self.serve.probe("/readyz")[0] == 503, timeout_s=10, what="/readyz to tell that watches fail")

    def renew(self) -> None:
        """Have the store's client built anew, with a session of its own."""
        self.ground.put("Secret", self.place.name, "credentials", stringData={"touched": str(time.time())})

    def set_sts(self, **sts: object) -> None:
        fresh = self.accounts.with_suffix(".new")
        fresh.write_text(json.dumps({"apiVersion": "kubectl-asm/v1", "kind": "Accounts", "sts": sts}))
        fresh.replace(self.accounts)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Territory]:
    folder = tmp_path_factory.mktemp("faults")
    accounts = folder / "accounts.json"
    accounts.write_text(json.dumps({"apiVersion": "kubectl-asm/v1", "kind": "Accounts"}))

    def options(_: ControlPlane) -> list[str]:
        return ["--accounts", str(accounts)]

    with territory(folder, cloud_options=options, db="edition 0", other="edition 0", third="edition 0") as made:
        yield made


@pytest.fixture(scope="module")
def weather(ground: Territory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weather]:
    folder, place, port = tmp_path_factory.mktemp("proxies"), ground.namespace(), free_port()
    populate(place)
    server = ground.control_plane.spare_server(port)
    ready = json.loads(ground.asm.ready_file.read_text())
    upstream = ("127.0.0.1", port)
    with (
        FaultProxy(upstream, folder=folder, upstream_ca=ground.control_plane.ca_file) as api,
        FaultProxy(address_of(f"https://{ready['address']}")) as cloud,
    ):
        token = yaml.safe_load(ground.asm.kubeconfig.read_text())["users"][0]["user"]["token"]
        kubeconfig = api.write_kubeconfig(folder / "kubeconfig", {"token": token}, namespace=SYSTEM)
        ready_file = folder / "cloud.json"
        ready_file.write_text(json.dumps({**ready, "address": f"127.0.0.1:{cloud.port}"}))
        asm = replace(ground.asm, kubeconfig=kubeconfig, ready_file=ready_file)
        try:
            wait_until(lambda: listens(ground, port), timeout_s=60, what="the API server")
            with ground.serve(asm=asm, polling_interval=f"{INTERVAL_S:g}s", watch_namespaces=place.name) as serve:
                accounts = ground.asm.home / "accounts.json"
                made = Weather(ground, place, api, cloud, port, server, accounts, serve.is_ready())
                made.all_is_well()
                yield made
        finally:
            stop(made.server if "made" in locals() else server)


def listens(ground: Territory, port: int) -> bool:
    return is_ready(f"https://127.0.0.1:{port}", ground.control_plane.ca_file)


def populate(place: Place) -> None:
    place.credentials()
    auth = {
        "accessKey": {"name": "credentials", "key": "id"},
        "accessKeySecret": {"name": "credentials", "key": "secret"},
        "ramRoleARN": ROLE,
        "ramRoleSessionName": "test",
    }
    place.territory.put("SecretStore", place.name, "role", spec={"KMS": {"KMSAuth": auth}})
    for name, keys in KEYS.items():
        ref = {"secretStoreRef": {"name": "role", "kind": "SecretStore"}} if name == "roled" else {}
        place.external(name, data=[{"key": key, **ref} for key in keys])


@pytest.fixture(autouse=True)
def _before_and_after(weather: Weather) -> Iterator[None]:
    """Every storm begins and ends in good weather."""
    weather.all_is_well()
    yield
    weather.api.works()
    weather.cloud.works()


# -- storms, in turn


def test_an_api_server_that_has_too_much_to_do_is_asked_ever_more_seldom(weather: Weather) -> None:
    with weather.few_requests():
        weather.api.status(429, retry_after=1)
        weather.api.drop_connections()
        weather.rotate()
        weather.unready()
        weather.passes()
    weather.api.works()
    weather.all_is_well()


def fails_every_read(weather: Weather, **faults: dict) -> None:
    """Let reads fail for a while, and see that Secrets stay, objects say so, and nobody is asked more than is allowed."""
    calls, requests, began = weather.calls(), len(weather.api.requests), time.monotonic()
    weather.ground.set_values(**faults)
    weather.fails(*KEYS)
    weather.passes(2)
    assert weather.serve.probe("/readyz")[0] == 200
    seconds = time.monotonic() - began
    assert weather.calls() - calls <= 3 * len(faults) * (seconds / (0.9 * INTERVAL_S) + 1)
    assert len(weather.api.requests) - requests <= len(KEYS) * (2 + 2 + 1), "conditions and Events, of reads and of rounds"
    weather.rotate()
    weather.all_is_well()


def test_a_cloud_that_throttles_and_breaks_leaves_every_secret_as_it_is(weather: Weather) -> None:
    throttled = {"fail": {"code": "Rejected.Throttling", "status": 429}}
    fails_every_read(weather, db=throttled, other={"fail": {"code": "InternalFailure", "status": 500}}, third={"fault": "html"})


def test_an_api_server_that_fails_is_asked_ever_more_seldom(weather: Weather) -> None:
    with weather.few_requests():
        weather.api.status(500)
        weather.api.drop_connections()
        weather.rotate()
        weather.unready()
        weather.passes(2)
        weather.api.status(503)
        weather.passes(2)
    weather.api.works()
    weather.all_is_well()


def test_a_cloud_that_resets_every_connection_leaves_every_secret_as_it_is(weather: Weather) -> None:
    fails_every_read(weather, **{key: {"fault": "reset"} for key in ("db", "other", "third")})


def test_watches_whose_version_is_too_old_list_anew(weather: Weather) -> None:
    with weather.few_requests():
        weather.api.status(410, only=lambda _method, path: "watch=" in path)
        weather.api.drop_connections()
        weather.rotate()
        weather.passes()
    weather.api.works()
    weather.all_is_well()


def test_a_conflict_is_answered_by_a_new_decision_and_a_lasting_one_is_said(weather: Weather) -> None:
    def is_write(method: str, path: str) -> bool:
        return method in ("PUT", "PATCH") and "/secrets/" in path

    rejected = weather.serve.total("asm_rounds_total", having="rejected")
    weather.api.status(409, only=is_write, times=1)
    weather.rotate()
    weather.all_is_well()
    assert weather.serve.total("asm_rounds_total", having="rejected") == rejected

    with weather.few_requests():
        weather.api.status(409, only=is_write)
        weather.rotate()
        weather.fails(*KEYS, reason="WriteRefused")
        assert weather.serve.probe("/readyz")[0] == 200
        weather.passes()
    weather.api.works()
    weather.all_is_well()


def test_a_role_that_is_refused_is_left_alone_while_others_work(weather: Weather) -> None:
    sts = weather.calls("AssumeRole")
    weather.set_sts(fail=[{"role": ROLE, "fail": {"code": "NoPermission", "status": 403}}])
    weather.renew()
    weather.rotate()
    weather.fails("roled")
    wait_until(lambda: weather.serve.total("asm_circuits_open") == 1, timeout_s=5, what="the circuit")
    for name in ("plain", "pair"):
        weather.place.holds(name, **weather.data(name))
        weather.place.is_ready(name)
    weather.passes()
    assert weather.calls("AssumeRole") - sts <= 4
    weather.set_sts()
    weather.all_is_well()
    assert weather.serve.total("asm_circuits_open") == 0


@pytest.mark.parametrize("is_forgotten", [False, True], ids=["and goes on", "and forgets the connections"])
def test_an_api_server_that_falls_silent_holds_nothing_up_for_long(weather: Weather, is_forgotten: bool) -> None:
    with weather.few_requests():
        weather.api.freeze()
        weather.rotate()
        weather.passes()
    if is_forgotten:
        weather.api.drop_connections()
    weather.api.works()
    weather.all_is_well()


@pytest.mark.parametrize("state", ["slow", "frozen", "refusing", "cut"])
def test_a_cloud_behind_a_bad_network_is_reached_again(weather: Weather, state: str) -> None:
    states = {
        "slow": lambda cloud: cloud.delay(0.7),
        "frozen": lambda cloud: cloud.freeze(),
        "refusing": lambda cloud: cloud.refuse(),
        "cut": lambda cloud: cloud.cut(100),
    }
    connections = weather.cloud.connections
    states[state](weather.cloud)
    weather.rotate()
    weather.passes()
    assert weather.serve.probe("/readyz")[0] == 200
    assert weather.cloud.connections - connections <= 3 * 3 * (STORM_S / (0.9 * INTERVAL_S) + 2)
    if state == "frozen":
        weather.cloud.drop_connections()
    weather.cloud.works()
    weather.all_is_well()


def test_an_api_server_that_is_restarted_is_found_again(weather: Weather) -> None:
    with weather.few_requests():
        stop(weather.server)
        weather.rotate()
        weather.unready()
        weather.passes(1)
        weather.server = weather.ground.control_plane.spare_server(weather.port)
        wait_until(lambda: listens(weather.ground, weather.port), timeout_s=60, what="the API server")
    weather.all_is_well()


def test_a_slow_api_server_only_makes_everything_later(weather: Weather) -> None:
    weather.api.delay(0.5)
    weather.rotate()
    weather.all_is_well()


def test_sessions_that_end_after_seconds_are_renewed_in_time(weather: Weather) -> None:
    def failed() -> float:
        return weather.serve.total("asm_cloud_calls_total") - weather.serve.total("asm_cloud_calls_total", having='code="OK"')

    sts, before, began = weather.calls("AssumeRole"), failed(), time.monotonic()
    weather.set_sts(life=2)
    weather.renew()
    weather.rotate()
    weather.passes(5)
    weather.all_is_well()
    assert 2 <= weather.calls("AssumeRole") - sts <= (time.monotonic() - began) / INTERVAL_S + 2
    assert failed() == before
    weather.set_sts()


def test_an_access_key_that_is_wrong_concerns_its_store_alone(weather: Weather) -> None:
    weather.place.credentials(secret="wrong")
    weather.rotate()
    weather.fails("roled")
    weather.place.is_ready("plain")
    weather.place.credentials()
    weather.all_is_well()
