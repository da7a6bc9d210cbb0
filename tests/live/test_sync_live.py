"""The main job on the real parts: a real API server, the real SDK, the emulator over HTTPS, a process a command."""

from __future__ import annotations

import base64
import json
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.live.command import Asm, emulator
from tests.live.controlplane import ControlPlane, free_port, is_ready, stop, wait_until

FINALIZER = "finalizer.ack.secrets-manager.alibabacloud.com"
CANARY = 'canary-Zq7/+%22"\\é'

FIXTURES = {
    "apiVersion": "kubectl-asm/v1",
    "kind": "Fixtures",
    "kms": {"db": CANARY, "doc": json.dumps({"user": "ada", "port": 5432}), "other": "second", "bin": {"binary": "//79"}},
    "oos": {"param": "from-oos"},
}


class Objects:
    """Objects of one namespace through the API server's own interface."""

    def __init__(self, control_plane: ControlPlane, namespace: str) -> None:
        self._server = control_plane
        self.namespace = namespace
        self._base = f"/apis/alibabacloud.com/v1alpha1/namespaces/{namespace}/externalsecrets"
        self._core = f"/api/v1/namespaces/{namespace}/secrets"

    def external(self, name: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
        body = {
            "apiVersion": "alibabacloud.com/v1alpha1",
            "kind": "ExternalSecret",
            "metadata": {"name": name, **metadata},
            "spec": spec,
        }
        return self._server.request("POST", self._base, body)

    def get_external(self, name: str) -> dict[str, Any]:
        return self._server.request("GET", f"{self._base}/{name}")

    def delete_external(self, name: str) -> None:
        self._server.request("DELETE", f"{self._base}/{name}")

    def secret(self, name: str) -> dict[str, Any]:
        return self._server.request("GET", f"{self._core}/{name}")

    def data(self, name: str) -> dict[str, bytes]:
        return {key: base64.b64decode(value) for key, value in self.secret(name).get("data", {}).items()}

    def create_secret(self, name: str, data: dict[str, str], **fields: Any) -> dict[str, Any]:
        body = {"metadata": {"name": name}, "stringData": data, **fields}
        return self._server.request("POST", self._core, body)

    def names(self) -> list[str]:
        return sorted(item["metadata"]["name"] for item in self._server.request("GET", self._core)["items"])


@pytest.fixture
def objects(control_plane: ControlPlane, namespace: str) -> Objects:
    return Objects(control_plane, namespace)


@pytest.fixture
def asm(tmp_path: Path, kubeconfig_for: Callable[..., Path]) -> Iterator[Asm]:
    fixtures = tmp_path / "fixtures.json"
    fixtures.write_text(json.dumps(FIXTURES))
    with emulator(tmp_path, fixtures) as (ready, record):
        yield Asm(kubeconfig_for("admin"), ready, tmp_path, record, fixtures)


def set_fixture(asm: Asm, **kms: Any) -> None:
    """Change values of the cloud; the emulator reads the file again."""
    changed = {**FIXTURES, "kms": {**FIXTURES["kms"], **kms}}
    asm.fixtures.write_text(json.dumps(changed))
    time.sleep(0.3)


def decisions(ran: Any) -> dict[str, str]:
    return {item["object"]["name"]: item["decision"] for item in ran.json()["items"]}


SPEC = {"data": [{"key": "db", "name": "password"}], "dataProcess": [{"extract": {"key": "doc"}}]}


def test_a_first_sync_creates_and_a_second_changes_nothing(asm: Asm, objects: Objects) -> None:
    objects.external("app", SPEC)
    assert asm.diff().code == 1
    first = asm.sync()
    assert (first.code, decisions(first)) == (0, {"app": "create"}), first.err
    assert objects.data("app") == {"password": CANARY.encode(), "user": b'"ada"', "port": b"5432"}
    version = objects.secret("app")["metadata"]["resourceVersion"]
    second = asm.sync()
    assert (second.code, decisions(second)) == (0, {"app": "in-sync"})
    assert objects.secret("app")["metadata"]["resourceVersion"] == version
    assert asm.diff().code == 0
    results = objects.get_external("app")["status"]["dataSyncResults"]
    assert [entry["status"] for entry in results] == ["Succeeded"]
    assert "finalizers" not in objects.get_external("app")["metadata"], "one-shot commands manage no finalizer"


def test_kms_and_oos_and_binary_values_arrive_through_the_real_sdk(asm: Asm, objects: Objects) -> None:
    objects.external("kms", {"data": [{"key": "bin"}, {"key": "other", "versionStage": "ACSCurrent"}]})
    objects.external("oos", {"provider": "oos", "data": [{"key": "param", "name": "p"}]})
    ran = asm.sync()
    assert ran.code == 0, ran.out + ran.err
    assert objects.data("kms") == {"bin": b"\xff\xfe\xfd", "other": b"second"}
    assert objects.data("oos") == {"p": b"from-oos"}
    assert {call["action"] for call in asm.calls()} <= {
        "GetSecretValue",
        "BatchGetSecretValue",
        "GetSecretParameter",
        "GetCallerIdentity",
    }


def test_a_changed_value_updates_only_its_secret(asm: Asm, objects: Objects) -> None:
    objects.external("one", {"data": [{"key": "db"}]})
    objects.external("two", {"data": [{"key": "other"}]})
    assert asm.sync().code == 0
    set_fixture(asm, db="rotated")
    ran = asm.sync()
    assert decisions(ran) == {"one": "update", "two": "in-sync"}
    assert objects.data("one") == {"db": b"rotated"}


def test_a_partly_failed_sync_keeps_the_old_value_of_the_failed_key(asm: Asm, objects: Objects) -> None:
    objects.external("app", {"data": [{"key": "db"}, {"key": "other"}]})
    assert asm.sync().code == 0
    set_fixture(asm, db={"fail": {"code": "Forbidden.NoPermission", "status": 403}}, other="newer")
    ran = asm.sync()
    assert (ran.code, decisions(ran)) == (1, {"app": "update"})
    assert objects.data("app") == {"db": CANARY.encode(), "other": b"newer"}
    failed = objects.get_external("app")["status"]["dataSyncResults"]
    assert [(entry["ExternalSecretKey"], entry["status"]) for entry in failed] == [("db", "Failed")]
    assert "Forbidden.NoPermission" in failed[0]["reason"]


def test_a_totally_failed_sync_leaves_the_secret_alone(asm: Asm, objects: Objects) -> None:
    objects.external("app", {"data": [{"key": "db"}]})
    assert asm.sync().code == 0
    set_fixture(asm, db={"fail": {"code": "Forbidden.NoPermission", "status": 403}})
    ran = asm.sync()
    assert (ran.code, decisions(ran)) == (1, {"app": "skip"})
    assert objects.data("app") == {"db": CANARY.encode()}


def test_an_object_being_deleted_is_ignored_unless_asked_for(asm: Asm, objects: Objects) -> None:
    objects.external("app", {"data": [{"key": "other"}]}, finalizers=[FINALIZER])
    assert asm.sync().code == 0
    objects.delete_external("app")
    assert decisions(asm.sync()) == {"app": "ignored"}
    assert objects.names() == ["app"]
    refused = asm.sync("--process-deletions")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert objects.names() == ["app"]
    done = asm.sync("--process-deletions", "--yes")
    assert (done.code, decisions(done)) == (0, {"app": "cleanup"}), done.err
    assert objects.names() == []
    assert asm.run("status", "-o", "json").json()["items"] == []


def test_an_immutable_secret_is_reported_and_left_as_it_is(asm: Asm, objects: Objects) -> None:
    objects.create_secret("app", {"db": "old"}, immutable=True)
    objects.external("app", {"data": [{"key": "db"}]})
    ran = asm.sync("--adopt")
    assert (ran.code, decisions(ran)) == (1, {"app": "rejected"})
    assert objects.data("app") == {"db": b"old"}
    assert objects.get_external("app")["status"]["dataSyncResults"][-1]["ExternalSecretKey"] == "update_operation"


def test_a_secret_somebody_else_wrote_needs_adopt(asm: Asm, objects: Objects) -> None:
    objects.create_secret("app", {"mine": "keep"})
    objects.external("app", {"data": [{"key": "other"}]})
    refused = asm.sync()
    assert (refused.code, decisions(refused)) == (1, {"app": "abort"})
    assert "--adopt" in refused.out
    assert objects.data("app") == {"mine": b"keep"}
    assert decisions(asm.sync("--adopt")) == {"app": "update"}


def test_a_user_who_may_not_write_secrets_changes_nothing(
    asm: Asm, objects: Objects, kubeconfig_for: Callable[..., Path], grant: Callable[..., None]
) -> None:
    objects.external("app", {"data": [{"key": "db"}]})
    grant("reader", ["get", "list"], ["externalsecrets", "secretstores"], group="alibabacloud.com")
    grant("reader", ["get", "list"], ["secrets"])
    ran = asm.sync(env={"KUBECONFIG": str(kubeconfig_for("reader"))})
    assert (ran.code, decisions(ran)) == (1, {"app": "rejected"}), ran.err
    assert "forbidden" in ran.out.lower()
    assert objects.names() == []


def test_many_objects_survive_a_kill_between_writes_and_converge(asm: Asm, objects: Objects) -> None:
    for number in range(40):
        objects.external(f"app-{number:02}", {"data": [{"key": "other"}, {"key": "db"}]})
    process = asm.start("sync", *asm.cloud(), "--concurrency", "1")
    deadline = time.monotonic() + 60
    while not objects.names() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    written = objects.names()
    assert 0 < len(written) < 40, "the kill came too early or too late to test anything"
    for name in written:
        assert set(objects.data(name)) == {"db", "other"}, "a Secret is written whole or not at all"
    ran = asm.sync()
    assert ran.code == 0
    assert len(objects.names()) == 40
    assert asm.diff().code == 0


def test_ctrl_c_ends_between_objects_with_a_consistent_state(asm: Asm, objects: Objects) -> None:
    for number in range(40):
        objects.external(f"app-{number:02}", {"data": [{"key": "other"}]})
    process = asm.start("sync", *asm.cloud(), "--concurrency", "1", "-o", "json")
    deadline = time.monotonic() + 60
    while not objects.names() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    items = json.loads(out)["items"]
    assert {item["decision"] for item in items} <= {"create", "abort"}, "a round that was about to begin is aborted"
    created = {item["object"]["name"] for item in items if item["decision"] == "create"}
    assert created == set(objects.names()), "what is reported as created is there, and nothing else"


def test_sync_from_files_writes_secrets_and_no_status_of_other_specs(asm: Asm, objects: Objects, tmp_path: Path) -> None:
    objects.external("live", {"data": [{"key": "other", "name": "old"}]})
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(
        "apiVersion: alibabacloud.com/v1alpha1\nkind: ExternalSecret\nmetadata: {name: live}\n"
        "spec:\n  data:\n  - {key: other, name: new}\n"
    )
    ran = asm.sync("-f", str(manifests))
    assert (ran.code, decisions(ran)) == (0, {"live": "create"}), ran.err
    assert set(objects.data("live")) == {"new"}
    assert "status" not in objects.get_external("live"), "the live object has another spec"


def test_dry_runs_write_nothing(asm: Asm, objects: Objects) -> None:
    objects.external("app", {"data": [{"key": "db"}]})
    for mode in ("client", "server"):
        ran = asm.sync(f"--dry-run={mode}")
        assert decisions(ran) == {"app": "create"}, ran.err
        assert objects.names() == []
        assert "status" not in objects.get_external("app")


@pytest.mark.usefixtures("alone_with_controllers")
def test_beside_a_live_controller_whose_settings_are_unknown_a_sync_refuses(
    asm: Asm, objects: Objects, control_plane: ControlPlane, namespace: str
) -> None:
    objects.external("app", {"data": [{"key": "other"}]})
    lease = {
        "metadata": {"name": "ack-secret-manager-lock"},
        "spec": {
            "holderIdentity": "ack-secret-manager-0",
            "leaseDurationSeconds": 3600,
            "renewTime": time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime()),
        },
    }
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    control_plane.request("POST", path, lease)
    try:
        ran = replace(asm, looks_around=True).run("sync", *asm.cloud())
        assert ran.code == 2
        assert "--from-deployment" in ran.err
        assert "--allow-coexistence" in ran.err
        assert objects.names() == []
        assert asm.sync().code == 0, "the test command line adds --allow-coexistence"
    finally:
        control_plane.request("DELETE", f"{path}/ack-secret-manager-lock")


def test_no_output_holds_a_value_in_any_form(asm: Asm, objects: Objects) -> None:
    objects.external("app", {"data": [{"key": "db", "name": "password"}]})
    objects.external("templated", {
        "data": [{"key": "db", "name": "p"}],
        "target": {"template": {"data": {"broken": "{{ .p | int64 | fail }}", "url": "{{ .p | urlquery }}"}}},
    })  # fmt: skip
    set_fixture(asm, doc=CANARY)
    objects.external("undocumented", {"dataProcess": [{"extract": {"key": "doc"}}]})
    ran = [
        asm.run("explain", "--region", "cn-hangzhou", "-o", "json"),
        asm.diff("-o", "json"),
        asm.diff("-o", "markdown"),
        asm.sync("--dry-run=client"),
        asm.sync("--debug"),
        asm.run("status", "-o", "wide"),
        asm.diff(),
    ]
    texts = [text for one in ran for text in (one.out, one.err)]
    texts.append(json.dumps([objects.get_external(name) for name in ("app", "templated", "undocumented")]))
    texts.append(asm.record.read_text())
    forms = [CANARY, base64.b64encode(CANARY.encode()).decode(), json.dumps(CANARY)[1:-1], "canary-Zq7"]
    for text in texts:
        for form in forms:
            assert form not in text


def test_an_api_server_that_goes_away_in_the_middle_loses_nothing(
    asm: Asm, objects: Objects, control_plane: ControlPlane
) -> None:
    for number in range(40):
        objects.external(f"app-{number:02}", {"data": [{"key": "other"}, {"key": "db"}]})
    port = free_port()
    server = f"https://127.0.0.1:{port}"
    spare = control_plane.spare_server(port)
    try:
        wait_until(lambda: is_ready(server, control_plane.ca_file), timeout_s=60, what="the spare API server")
        process = asm.start("sync", *asm.cloud(), "-o", "json", "--concurrency", "1", "-s", server)
        wait_until(lambda: bool(objects.names()), timeout_s=60, what="the first Secret")
        stop(spare)
        out, err = process.communicate(timeout=120)
        assert process.returncode in (1, 2), "an unreachable API server is no success"
        assert CANARY not in out + err
        assert "Traceback" not in err
    finally:
        stop(spare)
    for name in objects.names():
        assert set(objects.data(name)) == {"db", "other"}
    assert asm.sync().code == 0
    assert len(objects.names()) == 40


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sync", "--kubeconfig", "/nowhere/config"), "/nowhere/config"),
        (("sync", "--context", "nobody"), "nobody"),
        (("sync", "-s", "https://127.0.0.1:1"), "127.0.0.1:1"),
        (("sync", "--token", "no-such-token"), "expired"),
        (("sync", "no-such-object"), "no-such-object"),
        (("render", "-f", "/nowhere.yaml", "--backend", "/nowhere.yaml"), "/nowhere.yaml"),
        (("diff", "--cloud-emulator", "/nowhere.json"), "/nowhere.json"),
        (("frobnicate",), "frobnicate"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(asm: Asm, objects: Objects, arguments: tuple[str, ...], words: str) -> None:
    objects.external("app", {"data": [{"key": "other"}]})
    ran = asm.run(*arguments)
    assert ran.code == 2, (ran.out, ran.err)
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert objects.names() == []
