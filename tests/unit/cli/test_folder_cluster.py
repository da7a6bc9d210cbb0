"""diff, sync and status with a folder as the cluster and a file as the cloud."""

import base64
import stat

import pytest
import yaml

from tests.unit.cli.conftest import APP, CANARY, FIXTURES

WHERE = ("--cluster-dir", "cluster", "--backend", "fixtures.yaml", "-A")


@pytest.fixture(autouse=True)
def _files(files):
    files(cluster__app_yaml="# the shop\n" + APP, fixtures_yaml=FIXTURES)


def secret_file(tmp_path):
    return tmp_path / "cluster" / "secret-shop-app.yaml"


def test_a_sync_writes_what_diff_announced_and_then_nothing_differs(asm, tmp_path):
    announced = asm("diff", *WHERE)
    assert (announced.code, announced.out) == (1, "Secret shop/app: create\n  + data.password ***\n")
    assert asm("sync", *WHERE).code == 0
    data = yaml.safe_load(secret_file(tmp_path).read_text())["data"]
    assert base64.b64decode(data["password"]).decode() == CANARY
    assert stat.S_IMODE(secret_file(tmp_path).stat().st_mode) == 0o600
    assert (asm("diff", *WHERE).code, asm("diff", *WHERE).out) == (0, "")
    assert (tmp_path / "cluster" / "app.yaml").read_text() == "# the shop\n" + APP


def test_a_dry_run_writes_nothing(asm, tmp_path):
    ran = asm("sync", *WHERE, "--dry-run=client", "-o", "json")
    assert ran.json()["summary"] == {"create": 1}
    assert not secret_file(tmp_path).exists()
    assert not (tmp_path / "cluster" / ".asm-state.yaml").exists()


def test_a_failed_source_keeps_the_old_value_and_is_shown_by_status(asm, tmp_path, files):
    asm("sync", *WHERE)
    before = secret_file(tmp_path).read_text()
    denied = "{fail: {code: Forbidden.NoPermission, status: 403}}"
    files(fixtures_yaml=f"apiVersion: kubectl-asm/v1\nkind: Fixtures\nkms: {{db: {denied}}}\n")
    assert asm("sync", *WHERE).code == 1
    assert secret_file(tmp_path).read_text() == before
    status = asm("status", "--cluster-dir", "cluster", "-A", "-o", "json")
    assert status.code == 1
    (item,) = status.json()["items"]
    assert (item["state"], item["target"]) == ("Stale", "app")
    assert "Forbidden.NoPermission" in item["reason"]


def test_input_that_does_not_parse_stops_a_sync_before_any_write(asm, tmp_path, files):
    files(cluster__broken_yaml="a: [\n")
    ran = asm("sync", *WHERE)
    assert ran.code == 2
    assert "broken.yaml:" in ran.err
    assert not secret_file(tmp_path).exists()


def test_two_objects_with_one_target_are_both_refused(asm, tmp_path, files):
    files(cluster__twin_yaml=APP.replace("name: app", "name: twin") + "  target: {name: app}\n")
    ran = asm("sync", *WHERE, "-o", "json")
    assert ran.code == 1
    assert ran.json()["summary"] == {"abort": 2}
    assert not secret_file(tmp_path).exists()


def test_a_live_secret_of_the_other_profile_is_left_alone_with_a_warning(asm, tmp_path, files):
    spec = APP.replace("data:\n  - {key: db, name: password}", "dataProcess:\n  - extract: {key: doc}")
    raw = base64.b64encode(b"tom").decode()
    files(
        cluster__app_yaml=spec,
        fixtures_yaml='apiVersion: kubectl-asm/v1\nkind: Fixtures\nkms: {doc: \'{"name":"tom"}\'}\n',
        cluster__live_yaml=f"apiVersion: v1\nkind: Secret\nmetadata: {{name: app, namespace: shop}}\ndata: {{name: {raw}}}\n",
    )
    undecided = asm("sync", *WHERE, "-o", "json")
    assert undecided.json()["summary"] == {"in-sync": 1}
    assert "--compat=0.6.7" in undecided.err
    decided = asm("sync", *WHERE, "--adopt", "--compat", "0.6.2", "-o", "json")
    assert decided.json()["summary"] == {"update": 1}


def test_a_secret_of_somebody_else_needs_adopt(asm, files):
    files(cluster__live_yaml="apiVersion: v1\nkind: Secret\nmetadata: {name: app, namespace: shop}\nstringData: {a: b}\n")
    refused = asm("sync", *WHERE)
    assert refused.code == 1
    assert "--adopt" in refused.out
    assert asm("sync", *WHERE, "--adopt").code == 0


def test_selection_by_name_label_and_namespace(asm, files):
    files(cluster__two_yaml=APP.replace("name: app", "name: two, labels: {tier: db}"))
    where = ("--cluster-dir", "cluster", "--backend", "fixtures.yaml")
    assert asm("sync", *where, "-n", "shop", "externalsecret/app", "-o", "name").out == "secret/app\n"
    assert asm("sync", *where, "-n", "shop", "-l", "tier=db", "-o", "name").out == "secret/two\n"
    assert asm("sync", *where, "-n", "elsewhere", "-o", "name").out == ""
    missing = asm("sync", *where, "-n", "shop", "nobody")
    assert (missing.code, "nobody" in missing.err) == (2, True)


def test_no_command_shows_a_value(asm, files):
    files(
        cluster__t_yaml=APP.replace("name: app", "name: t")
        + '  target: {template: {data: {x: "{{ .password | int64 | fail }}"}}}\n'
    )
    ran = [
        asm("diff", *WHERE),
        asm("diff", *WHERE, "-o", "json"),
        asm("diff", *WHERE, "-o", "markdown"),
        asm("sync", *WHERE, "--debug"),
        asm("status", "--cluster-dir", "cluster", "-A", "-o", "wide"),
        asm("explain", "-f", "cluster", "--region", "cn-hangzhou", "-o", "json"),
    ]
    encoded = base64.b64encode(CANARY.encode()).decode()
    for one in ran:
        for form in (CANARY, encoded, "canary-Zq7"):
            assert form not in one.out + one.err


def test_two_folders_are_compared_without_a_cluster(asm, files):
    files(old__app_yaml=APP, new__app_yaml=APP.replace("name: password", "name: secret"))
    ran = asm("diff", "--from-dir", "old", "--to-dir", "new", "--backend", "fixtures.yaml")
    assert ran.code == 1
    assert ran.out == "Secret shop/app: update\n  - data.password\n  + data.secret ***\n"
    assert asm("diff", "--from-dir", "old", "--to-dir", "old", "--backend", "fixtures.yaml").code == 0


def test_objects_of_files_keep_their_own_namespaces(asm, tmp_path, files):
    files(manifests__app_yaml=APP)
    where = ("-f", "manifests", "--cluster-dir", "cluster", "--backend", "fixtures.yaml")
    assert asm("diff", *where).out.startswith("Secret shop/app: create")
    assert asm("diff", *where, "-n", "elsewhere").out == ""
    assert asm("sync", *where, "-o", "name").out == "secret/app\n"
    assert secret_file(tmp_path).exists()
