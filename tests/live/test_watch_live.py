"""The watched cluster against a real API server, and what networks, load balancers and restarts do to its watches."""

from __future__ import annotations

import itertools
import json
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from kubectl_asm.adapters.kube.noting import NotingWriter
from kubectl_asm.adapters.kube.requestlog import RequestLog
from kubectl_asm.adapters.kube.watch import Timing
from kubectl_asm.adapters.kube.watched import FROM_START, WatchedCluster, WatchOptions
from kubectl_asm.adapters.kube.writer import KubeWriter
from kubectl_asm.adapters.system import SystemClock, SystemRandom
from kubectl_asm.errors import ConflictError, NotFoundError
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import ConfigMap, Meta, Namespace, Secret, ServiceAccount
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.stores import ClusterSecretStore, SecretStore
from tests.live.clients import open_connection
from tests.live.controlplane import free_port, is_ready, stop, wait_until
from tests.live.faults import FaultProxy, address_of

QUICK = Timing(silence=2.0, first=0.1, longest=1.0, healthy=5.0, slow=1.0)
_numbers = itertools.count(1)


class World:
    """A watched cluster of one namespace, with everything it asked and everything it told."""

    def __init__(self, kubeconfig, namespace, *, namespaces=None, kinds=(ExternalSecret, SecretStore, Secret), timing=QUICK):
        self.namespace = namespace
        self.records = []
        self.told = []
        self.clock = SystemClock()
        self.connection = open_connection(kubeconfig, log=RequestLog(self.records.append))
        scope = (namespace,) if namespaces is None else namespaces
        options = WatchOptions(namespaces=scope, kinds=kinds, chunk_size=3, timing=timing)
        self.watched = WatchedCluster(self.connection.transport, clock=self.clock, random=SystemRandom(), options=options)
        self.writer = NotingWriter(KubeWriter(self.connection.transport), self.watched)
        for kind in (ExternalSecret, SecretStore, Secret, ConfigMap, ServiceAccount, Namespace):
            self.watched.subscribe(kind, self._listen)

    def _listen(self, old, new):
        sign = "+" if old is None else "-" if new is None else "~"
        obj = new or old
        if self.namespace in (obj.namespace, obj.name):
            self.told.append(f"{sign}{obj.RESOURCE.kind} {obj.name}")

    def start(self):
        self.watched.start()
        assert self.watched.wait_until_synced(20.0), self.watched.problems()
        return self

    def hears(self, word, timeout_s=20.0):
        wait_until(lambda: word in self.told, timeout_s=timeout_s, what=f"{word} among {self.told}")

    def requests(self, method="GET", *, name=""):
        return [one for one in self.records if one.method == method and (not name or one.path.endswith(f"/{name}"))]

    def close(self):
        self.clock.request_shutdown()
        self.watched.stop()
        self.connection.close()


@pytest.fixture
def world(control_plane, namespace) -> Iterator[Callable[..., World]]:
    made = []

    def make(kubeconfig=None, **options):
        made.append(World(kubeconfig or control_plane.kubeconfig, namespace, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def put(control_plane, namespace) -> Callable[..., dict]:
    """Return a function that creates or changes an object as somebody else would."""

    def write(kind: str, name: str, **fields) -> dict:
        paths = {"Secret": "/api/v1", "ConfigMap": "/api/v1", "ServiceAccount": "/api/v1"}
        root = paths.get(kind, "/apis/alibabacloud.com/v1alpha1")
        base = f"{root}/namespaces/{namespace}/{kind.lower()}s"
        version = root.removeprefix("/apis/").removeprefix("/api/")
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **fields}
        path = f"{base}/{name}?fieldManager=somebody&force=true"
        return control_plane.request("PATCH", path, body, content_type="application/apply-patch+yaml")

    return write


@pytest.fixture
def gone(control_plane, namespace) -> Callable[[str, str], None]:
    """Return a function that deletes an object as somebody else would."""

    def delete(kind: str, name: str) -> None:
        root = "/api/v1" if kind in ("Secret", "ConfigMap", "ServiceAccount") else "/apis/alibabacloud.com/v1alpha1"
        control_plane.request("DELETE", f"{root}/namespaces/{namespace}/{kind.lower()}s/{name}")

    return delete


def external_spec(key="k"):
    return {"provider": "kms", "data": [{"key": key}]}


def secret(name, namespace, value="1"):
    return Secret(metadata=Meta(name=name, namespace=namespace), data={"a": SecretBytes.of_text(value)})


# -- what is told, what is asked


def test_events_arrive_as_they_happen(world, put, gone):
    one = world().start()
    put("ExternalSecret", "es", spec=external_spec())
    one.hears("+ExternalSecret es")
    put("ExternalSecret", "es", spec=external_spec("other"))
    one.hears("~ExternalSecret es")
    gone("ExternalSecret", "es")
    one.hears("-ExternalSecret es")


def test_lists_come_in_pages_and_whole(world, put, namespace):
    for number in range(7):  # pages have three
        put("ExternalSecret", f"es-{number}", spec=external_spec())
    one = world().start()
    assert [found.name for found in one.watched.list(ExternalSecret, namespace)] == [f"es-{n}" for n in range(7)]
    assert len([record for record in one.requests() if record.path.endswith("/externalsecrets")]) >= 3


def test_objects_are_answered_from_memory(world, put, namespace):
    put("ExternalSecret", "es", spec=external_spec())
    one = world().start()
    one.hears("+ExternalSecret es")
    before = len(one.records)
    for _ in range(10):
        assert one.watched.get(ExternalSecret, namespace, "es").spec.data[0].key == "k"
        with pytest.raises(NotFoundError):
            one.watched.get(SecretStore, namespace, "s")
        with pytest.raises(NotFoundError):
            one.watched.get(Secret, namespace, "absent")
    assert [record.path for record in one.records[before:] if "watch" not in record.path] == []


def test_a_secret_is_read_once_a_change(world, put, namespace):
    one = world().start()
    put("Secret", "db", data={"a": "MQ=="})
    one.hears("+Secret db")
    assert [one.watched.get(Secret, namespace, "db").data["a"].reveal() for _ in range(5)] == [b"1"] * 5
    assert len(one.requests(name="db")) == 1
    put("Secret", "db", data={"a": "Mg=="})
    one.hears("~Secret db")
    assert [one.watched.get(Secret, namespace, "db").data["a"].reveal() for _ in range(5)] == [b"2"] * 5
    assert len(one.requests(name="db")) == 2


def test_contents_of_secrets_do_not_travel_with_the_watch(world, control_plane, put, namespace, tmp_path):
    put("Secret", "db", metadata={"name": "db", "annotations": {"note": "S3cr3t-annotation"}}, data={"a": "UzNjcjN0"})
    one = world().start()
    one.hears("+Secret db")
    kept = one.watched._kinds[Secret].copies.look(namespace, "db").obj
    assert (kept.data, kept.metadata.annotations, kept.metadata.managed_fields) == ({}, {}, ())
    assert one.requests(name="db") == []


def test_own_writes_cost_no_read(world, namespace):
    one = world().start()
    created = one.writer.create(secret("db", namespace))
    one.hears("+Secret db")
    assert one.watched.get(Secret, namespace, "db") == one.watched.get(Secret, namespace, "db")
    assert one.watched.get(Secret, namespace, "db").metadata.resource_version == created.metadata.resource_version
    assert one.requests(name="db") == []


def test_a_conflict_makes_the_next_read_a_fresh_one(world, put, namespace):
    one = world().start()
    stale = one.writer.create(secret("db", namespace))
    put("Secret", "db", data={"a": "Mg=="})
    with pytest.raises(ConflictError):
        one.writer.update(stale)
    assert one.watched.get(Secret, namespace, "db").data["a"].reveal() == b"2"
    one.writer.update(one.watched.get(Secret, namespace, "db"))


def test_kinds_on_demand_are_read_live_until_they_are_needed(world, put, namespace):
    put("ConfigMap", "c", data={"a": "1"})
    one = world().start()
    assert [one.watched.get(ConfigMap, namespace, "c").data["a"] for _ in range(3)] == ["1"] * 3
    assert len(one.requests(name="c")) == 3
    one.watched.need(ConfigMap)
    one.hears("+ConfigMap c")
    assert [one.watched.get(ConfigMap, namespace, "c").data["a"] for _ in range(3)] == ["1"] * 3
    assert len(one.requests(name="c")) == 4


def test_a_service_account_is_answered_from_its_metadata(world, put, namespace):
    role = "ack.alibabacloud.com/role-arn"
    put("ServiceAccount", "sa", metadata={"name": "sa", "annotations": {role: "acs:ram::1:role/x", "note": "y"}})
    one = world(kinds=(ServiceAccount,)).start()
    one.hears("+ServiceAccount sa")
    assert one.watched.get(ServiceAccount, namespace, "sa").metadata.annotations == {role: "acs:ram::1:role/x"}
    assert one.requests(name="sa") == []


def test_all_kinds_of_all_namespaces_are_watched_by_default(world, put, namespace):
    one = world(namespaces=(), kinds=FROM_START).start()
    put("SecretStore", "s", spec={"KMS": {"KMSAuth": {}}})
    one.hears("+SecretStore s")
    assert one.watched.problems() == []
    assert one.watched.get(Namespace, "", namespace).name == namespace
    assert one.watched.last_contact_age_s() < 10


def test_stopping_ends_every_thread_at_once(world):
    one = world().start()
    started = time.monotonic()
    one.watched.stop()
    assert time.monotonic() - started < 2.0
    assert not any(thread.is_alive() for kind in one.watched._kinds.values() for thread in kind.threads)


# -- permissions


def test_a_role_in_the_watched_namespaces_is_enough(world, put, namespace, kubeconfig_for, grant):
    grant("narrow", ["get", "list", "watch"], ["externalsecrets", "secretstores"], group="alibabacloud.com")
    grant("narrow", ["get", "list", "watch"], ["secrets", "serviceaccounts", "namespaces"])
    put("ExternalSecret", "es", spec=external_spec())
    one = world(kubeconfig_for("narrow"), kinds=(ExternalSecret, SecretStore, Secret, Namespace, ClusterSecretStore)).start()
    one.hears("+ExternalSecret es")
    assert one.watched.problems() == []
    wait_until(lambda: len(one.watched.notes()) == 2, timeout_s=10, what="notes about the cluster kinds")
    assert one.watched.get(Namespace, "", namespace).name == namespace  # a Role reaches its own namespace object


def test_a_missing_permission_is_said_once_and_shown(world, namespace, kubeconfig_for, grant, caplog):
    grant("halfway", ["list", "watch"], ["externalsecrets"], group="alibabacloud.com")
    one = world(kubeconfig_for("halfway"), kinds=(ExternalSecret, Secret))
    one.watched.start()
    wait_until(lambda: len(one.watched.problems()) == 1, timeout_s=10, what="the problem")
    time.sleep(2.5)
    assert not one.watched.has_synced()
    assert "secrets" in one.watched.problems()[0]
    assert "forbidden" in one.watched.problems()[0]
    assert len([line for line in caplog.messages if "watch of secrets" in line]) == 1
    assert len([record for record in one.records if record.path.endswith("/secrets")]) <= 5
    grant("halfway", ["list", "watch"], ["secrets"])
    assert one.watched.wait_until_synced(10.0)
    wait_until(lambda: one.watched.problems() == [], timeout_s=10, what="no problem")


# -- what happens to watches


def test_an_ended_watch_goes_on_where_it_was(world, put):
    one = world(timing=Timing(watch=(1.0, 1.0), first=0.1, healthy=0.5)).start()
    for number in range(4):
        put("ExternalSecret", f"es-{number}", spec=external_spec())
        time.sleep(0.7)
    one.hears("+ExternalSecret es-3")
    lists = {record.path for record in one.records}
    assert [word for word in one.told if "External" in word] == [f"+ExternalSecret es-{n}" for n in range(4)]
    assert len(lists) == 3, "one path a kind"


def test_a_half_open_connection_is_noticed(world, control_plane, put, tmp_path):
    with FaultProxy(address_of(control_plane.server)) as proxy:
        user = {"token": control_plane.token}
        one = world(control_plane.write_kubeconfig(tmp_path / "config", user, server=proxy.url)).start()
        proxy.freeze()
        put("ExternalSecret", "es", spec=external_spec())
        time.sleep(1.0)
        assert "+ExternalSecret es" not in one.told
        wait_until(lambda: len(one.watched.problems()) == 3, timeout_s=15, what="the problem")
        proxy.works()
        one.hears("+ExternalSecret es")
        wait_until(lambda: one.watched.problems() == [], timeout_s=15, what="health")


def test_a_slow_server_is_no_dead_one(world, control_plane, put, tmp_path):
    with FaultProxy(address_of(control_plane.server)) as proxy:
        proxy.delay(0.5)
        user = {"token": control_plane.token}
        one = world(control_plane.write_kubeconfig(tmp_path / "config", user, server=proxy.url)).start()
        put("ExternalSecret", "es", spec=external_spec())
        one.hears("+ExternalSecret es")


def test_a_connection_that_breaks_in_the_middle_of_an_event_loses_none(world, control_plane, put, tmp_path):
    with FaultProxy(address_of(control_plane.server)) as proxy:
        user = {"token": control_plane.token}
        one = world(control_plane.write_kubeconfig(tmp_path / "config", user, server=proxy.url)).start()
        for number in range(10):
            proxy.cut(150)
            put("ExternalSecret", f"es-{number}", spec=external_spec("k" * 500))
            time.sleep(0.1)
        proxy.works()
        for number in range(10):
            one.hears(f"+ExternalSecret es-{number}")
        assert len(one.told) == len(set(one.told)), "nothing is told twice"


def test_throttling_is_waited_out_for_as_long_as_the_server_says(world, control_plane, put, tmp_path):
    with FaultProxy(address_of(control_plane.server), folder=tmp_path, upstream_ca=control_plane.ca_file) as proxy:
        kubeconfig = proxy.write_kubeconfig(tmp_path / "config", {"token": control_plane.token})
        one = world(kubeconfig, kinds=(ExternalSecret,)).start()
        proxy.status(429, retry_after=2)
        proxy.drop_connections()
        time.sleep(5.0)
        refused = len(proxy.requests)
        assert one.watched.problems() != []
        assert 2 <= refused <= 7, proxy.requests
        put("ExternalSecret", "es", spec=external_spec())
        proxy.works()
        one.hears("+ExternalSecret es")


@pytest.mark.parametrize("code", [500, 503, 401])
def test_a_failing_server_is_asked_ever_less_often(world, control_plane, put, tmp_path, code):
    with FaultProxy(address_of(control_plane.server), folder=tmp_path, upstream_ca=control_plane.ca_file) as proxy:
        kubeconfig = proxy.write_kubeconfig(tmp_path / "config", {"token": control_plane.token})
        one = world(kubeconfig, kinds=(ExternalSecret,)).start()
        before = len(proxy.requests)
        proxy.status(code)
        proxy.drop_connections()
        time.sleep(4.0)
        assert 2 <= len(proxy.requests) - before <= 14
        put("ExternalSecret", "es", spec=external_spec())
        proxy.works()
        one.hears("+ExternalSecret es")


def test_an_expired_version_leads_to_a_new_list(world, control_plane, put, gone, tmp_path):
    put("ExternalSecret", "vanishes", spec=external_spec())
    with FaultProxy(address_of(control_plane.server), folder=tmp_path, upstream_ca=control_plane.ca_file) as proxy:
        kubeconfig = proxy.write_kubeconfig(tmp_path / "config", {"token": control_plane.token})
        one = world(kubeconfig, kinds=(ExternalSecret,)).start()
        proxy.status(410, only=lambda _method, path: "watch=true" in path, times=1)
        proxy.drop_connections()
        gone("ExternalSecret", "vanishes")
        put("ExternalSecret", "es", spec=external_spec())
        one.hears("-ExternalSecret vanishes")
        one.hears("+ExternalSecret es")


def test_a_compacted_version_leads_to_a_new_list(world, control_plane, put, gone, namespace):
    """A watch that was cut off for so long that etcd and the watch cache have forgotten its version."""
    put("ExternalSecret", "vanishes", spec=external_spec())
    port = free_port()
    server = f"https://127.0.0.1:{port}"
    first = control_plane.spare_server(port)
    second = None
    try:
        wait_until(lambda: is_ready(server, control_plane.ca_file), timeout_s=60, what="the spare API server")
        user = {"token": control_plane.token}
        config = control_plane.write_kubeconfig(control_plane.folder / f"spare-{port}", user, server=server)
        one = world(config, kinds=(ExternalSecret,)).start()
        one.hears("+ExternalSecret vanishes")
        stop(first)
        gone("ExternalSecret", "vanishes")
        put("ExternalSecret", "es", spec=external_spec())
        compact(control_plane.etcd)
        wait_until(lambda: one.watched.problems() != [], timeout_s=10, what="the problem")
        second = control_plane.spare_server(port)
        one.hears("+ExternalSecret es", timeout_s=60)
        one.hears("-ExternalSecret vanishes")
        wait_until(lambda: one.watched.problems() == [], timeout_s=30, what="health")
    finally:
        stop(*(process for process in (first, second) if process is not None))


def test_a_restarted_server_is_watched_again_without_a_vanished_kind(world, control_plane, put):
    """While an API server starts, its custom resources may not be served yet: that is no deletion of everything."""
    put("ExternalSecret", "stays", spec=external_spec())
    port = free_port()
    server = f"https://127.0.0.1:{port}"
    spare = control_plane.spare_server(port)
    try:
        wait_until(lambda: is_ready(server, control_plane.ca_file), timeout_s=60, what="the spare API server")
        user = {"token": control_plane.token}
        config = control_plane.write_kubeconfig(control_plane.folder / f"spare-{port}", user, server=server)
        one = world(config, kinds=(ExternalSecret, Secret)).start()
        stop(spare)
        spare = control_plane.spare_server(port)
        put("ExternalSecret", "es", spec=external_spec())
        one.hears("+ExternalSecret es", timeout_s=60)
        assert "-ExternalSecret stays" not in one.told
    finally:
        stop(spare)


def test_a_kind_that_is_not_served_is_empty_and_noticed_when_it_comes(world, control_plane, tmp_path):
    with FaultProxy(address_of(control_plane.server), folder=tmp_path, upstream_ca=control_plane.ca_file) as proxy:
        proxy.status(404, only=lambda _method, path: "clustersecretstores" in path)
        kubeconfig = proxy.write_kubeconfig(tmp_path / "config", {"token": control_plane.token})
        one = world(kubeconfig, namespaces=(), kinds=(ClusterSecretStore, ExternalSecret)).start()
        assert one.watched.list(ClusterSecretStore) == []
        wait_until(lambda: one.watched.problems() == [], timeout_s=15, what="nothing else that fails")
        assert "clustersecretstores" in one.watched.notes()[0]
        proxy.works()
        wait_until(lambda: one.watched.notes() == [], timeout_s=15, what="the kind is served again")


def test_a_kind_that_is_not_served_for_a_moment_loses_nothing(world, control_plane, put, tmp_path):
    put("ExternalSecret", "stays", spec=external_spec())
    with FaultProxy(address_of(control_plane.server), folder=tmp_path, upstream_ca=control_plane.ca_file) as proxy:
        kubeconfig = proxy.write_kubeconfig(tmp_path / "config", {"token": control_plane.token})
        one = world(kubeconfig, kinds=(ExternalSecret,)).start()
        proxy.status(404, times=1)
        proxy.drop_connections()
        put("ExternalSecret", "es", spec=external_spec())
        one.hears("+ExternalSecret es")
        assert "-ExternalSecret stays" not in one.told


def compact(etcd: str) -> None:
    """Have etcd forget every version but the present one."""

    def post(path: str, body: dict) -> dict:
        request = urllib.request.Request(f"{etcd}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.loads(response.read())

    revision = post("/v3/kv/range", {"key": "AA=="})["header"]["revision"]
    post("/v3/kv/compaction", {"revision": revision, "physical": True})
