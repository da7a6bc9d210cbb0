"""kubectl asm release on a folder: it tells what it will do, asks or needs --yes, and changes nothing else."""

import pytest
import yaml

from tests.unit.cli.conftest import APP, FIXTURES

HELD = APP.replace("namespace: shop}", "namespace: shop, finalizers: [finalizer.ack.secrets-manager.alibabacloud.com]}")
WHERE = ("--cluster-dir", "cluster")


@pytest.fixture(autouse=True)
def _files(files):
    files(cluster__app_yaml=HELD, fixtures_yaml=FIXTURES)


def held(asm):
    return [one["object"]["name"] for one in asm("release", *WHERE, "-A", "--dry-run=client", "-o", "json").json()["items"]]


def test_a_released_object_is_held_no_more_and_its_secret_stays(asm, tmp_path):
    asm("sync", *WHERE, "--backend", "fixtures.yaml", "-A")
    secret = (tmp_path / "cluster" / "secret-shop-app.yaml").read_text()
    ran = asm("release", *WHERE, "-A", "--yes")
    assert (ran.code, ran.err) == (0, "ExternalSecret shop/app: stays; Secret shop/app stays\n")
    assert ran.out.splitlines()[1].split() == ["shop", "ExternalSecret", "app", "app", "(kept)", "released"]
    assert held(asm) == []
    assert (tmp_path / "cluster" / "secret-shop-app.yaml").read_text() == secret


def test_nobody_to_ask_means_no(asm):
    ran = asm("release", *WHERE, "-A")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert held(asm) == ["app"]


def test_a_dry_run_says_what_would_go_and_changes_nothing(asm, tmp_path):
    before = (tmp_path / "cluster" / "app.yaml").read_text()
    ran = asm("release", *WHERE, "-A", "--dry-run=client", "-o", "json")
    assert ran.code == 0
    (item,) = ran.json()["items"]
    assert (item["result"], item["keptSecret"], item["vanishes"], item["otherFinalizers"]) == ("released", "app", False, [])
    assert (tmp_path / "cluster" / "app.yaml").read_text() == before
    assert held(asm) == ["app"]


def test_another_namespace_is_left_alone(asm):
    ran = asm("release", *WHERE, "-n", "web", "--yes")
    assert (ran.code, ran.err) == (0, "nothing holds the finalizer\n")
    assert held(asm) == ["app"]


def test_a_name_is_one_externalsecret(asm):
    assert asm("release", "app", *WHERE, "-n", "shop", "--yes", "-o", "name").out == "externalsecret.alibabacloud.com/app\n"


def test_a_name_that_is_missing_is_told(asm):
    ran = asm("release", "ap", *WHERE, "-n", "shop", "--yes")
    assert ran.code == 2
    assert "'ap' not found" in ran.err


def test_names_and_all_namespaces_contradict(asm):
    assert asm("release", "app", *WHERE, "-A", "--yes").code == 2


def test_labels_select(asm, files):
    files(
        cluster__b_yaml=yaml.safe_dump(
            {**yaml.safe_load(HELD), "metadata": {**yaml.safe_load(HELD)["metadata"], "name": "b", "labels": {"team": "x"}}}
        )
    )
    assert asm("release", *WHERE, "-A", "-l", "team=x", "--yes", "-o", "name").out == "externalsecret.alibabacloud.com/b\n"
    assert held(asm) == ["app"]
