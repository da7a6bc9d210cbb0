"""The controller against a real API server with the rights `manifests rbac` grants and nothing more: every trigger."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live.controlplane import wait_until
from tests.live.serving import FINALIZER, SOON_S, Place, Serve, Territory, territory


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Territory]:
    with territory(tmp_path_factory.mktemp("serve"), db="first", other="second", doc='{"user":"ada"}') as made:
        yield made


@pytest.fixture(scope="module")
def running(ground: Territory) -> Iterator[Serve]:
    with ground.serve() as serve:
        yield serve.is_ready()


@pytest.fixture
def place(ground: Territory) -> Place:
    return ground.namespace()


def children(ground: Territory, name: str) -> list[str]:
    items = ground.control_plane.request("GET", "/apis/alibabacloud.com/v1alpha1/externalsecrets")["items"]
    return sorted(one["metadata"]["namespace"] for one in items if one["metadata"]["name"] == name)


# -- ExternalSecrets


@pytest.mark.usefixtures("running")
def test_a_new_object_gets_its_secret_a_finalizer_conditions_and_an_event(place: Place) -> None:
    place.external("app", "db", dataProcess=[{"extract": {"key": "doc"}}])
    place.is_ready("app")
    assert place.data("app") == {"db": "first", "user": '"ada"'}
    found = place.get("ExternalSecret", "app")
    assert found["metadata"]["finalizers"] == [FINALIZER]
    assert [one["status"] for one in found["status"]["dataSyncResults"]] == ["Succeeded"]
    assert place.condition("app", "Degraded")[0] == place.condition("app", "Stale")[0] == "False"
    assert found["status"]["observedGeneration"] == 1
    wait_until(lambda: ("app", "Normal", "Created") in place.events(), timeout_s=SOON_S, what="the Event")


@pytest.mark.usefixtures("running")
def test_an_edit_reaches_the_secret_at_once(place: Place) -> None:
    place.external("app", "db", rotationInterval="1h")
    place.holds("app", db="first")
    place.external("app", "other", rotationInterval="1h")
    place.holds("app", timeout_s=3, other="second")


@pytest.mark.usefixtures("running")
def test_a_rotated_value_arrives_with_the_next_refresh(ground: Territory, place: Place) -> None:
    ground.set_values(rotating="one")
    place.external("app", "rotating")
    place.holds("app", rotating="one")
    ground.set_values(rotating="two")
    place.holds("app", timeout_s=6, rotating="two")


@pytest.mark.usefixtures("running")
def test_a_failing_key_keeps_its_value_and_is_said_honestly(ground: Territory, place: Place) -> None:
    ground.set_values(shaky="good")
    place.external("app", "db", "shaky")
    place.is_ready("app")
    ground.set_values(shaky={"fail": {"code": "Forbidden.NoPermission", "status": 403}})
    place.is_ready("app", "PartiallySynced", "False")
    assert place.data("app") == {"db": "first", "shaky": "good"}
    assert place.condition("app", "Degraded") == ("True", "EntriesFailed")
    assert place.condition("app", "Stale") == ("True", "ValuesKept")
    ground.set_values(shaky="better")
    place.is_ready("app")
    assert place.data("app") == {"db": "first", "shaky": "better"}
    wait_until(lambda: ("app", "Normal", "Recovered") in place.events(), timeout_s=SOON_S, what="the Event")


@pytest.mark.usefixtures("running")
def test_a_deleted_object_takes_its_secret_along(place: Place) -> None:
    place.external("app", "db")
    place.holds("app", db="first")
    place.territory.delete("ExternalSecret", place.name, "app")
    place.vanishes("ExternalSecret", "app")
    assert place.data("app") is None


def test_series_of_a_deleted_object_are_gone(running: Serve, place: Place) -> None:
    place.external("app", "db")
    place.is_ready("app")
    assert running.total("asm_externalsecret_ready", having=place.name) == 1
    place.territory.delete("ExternalSecret", place.name, "app")
    place.vanishes("ExternalSecret", "app")
    wait_until(lambda: not any(place.name in name for name in running.metrics()), timeout_s=SOON_S, what="no series")


@pytest.mark.usefixtures("running")
def test_a_deleted_target_comes_back_without_waiting_for_the_refresh(place: Place) -> None:
    place.external("app", "db", rotationInterval="1h")
    place.holds("app", db="first")
    place.territory.delete("Secret", place.name, "app")
    place.holds("app", timeout_s=3, db="first")


@pytest.mark.usefixtures("running")
def test_an_edited_target_is_put_right_by_the_refresh(place: Place) -> None:
    place.external("app", "db")
    place.holds("app", db="first")
    place.territory.put("Secret", place.name, "app", stringData={"db": "edited by hand"})
    place.holds("app", timeout_s=6, db="first")


# -- what objects refer to


@pytest.mark.usefixtures("running")
def test_missing_credentials_are_taken_up_as_soon_as_they_exist(place: Place) -> None:
    place.store("store")
    place.external("app", data=[{"key": "db", "secretStoreRef": {"name": "store", "kind": "SecretStore"}}], rotationInterval="1h")
    place.is_ready("app", "ReadFailed", "False")
    place.credentials()
    place.is_ready("app", timeout_s=5)
    assert place.data("app") == {"db": "first"}


@pytest.mark.usefixtures("running")
def test_rotated_credentials_are_used_at_once(place: Place) -> None:
    place.credentials(secret="outdated")
    place.store("store")
    place.external("app", data=[{"key": "db", "secretStoreRef": {"name": "store", "kind": "SecretStore"}}], rotationInterval="1h")
    place.is_ready("app", "ReadFailed", "False")
    place.credentials(secret="emulator")
    place.is_ready("app", timeout_s=5)


@pytest.mark.usefixtures("running")
def test_a_store_that_appears_or_changes_wakes_who_uses_it(place: Place) -> None:
    place.credentials("good")
    place.external("app", data=[{"key": "db", "secretStoreRef": {"name": "store", "kind": "SecretStore"}}], rotationInterval="1h")
    place.is_ready("app", "ReadFailed", "False")
    place.store("store", "absent")
    place.store("store", "good")
    place.is_ready("app", timeout_s=5)


@pytest.mark.usefixtures("running")
def test_a_changed_config_map_renders_the_template_again(place: Place) -> None:
    place.territory.put("ConfigMap", place.name, "parts", data={"conf": "user={{ .db }}"})
    source = [{"configMap": {"name": "parts", "items": [{"key": "conf", "templateAs": "Values"}]}, "target": "Data"}]
    place.external("app", "db", rotationInterval="1h", target={"template": {"templateFrom": source}})
    place.holds("app", conf="user=first")
    place.territory.put("ConfigMap", place.name, "parts", data={"conf": "login={{ .db }}"})
    place.holds("app", timeout_s=5, conf="login=first")


# -- cluster resources


@pytest.mark.usefixtures("running")
def test_children_follow_their_parent_and_the_labels_of_namespaces(ground: Territory) -> None:
    chosen, other = ground.namespace(fan="yes"), ground.namespace()
    spec = {
        "externalSecretName": "fan",
        "externalSecretSpec": {"provider": "kms", "data": [{"key": "db"}]},
        "namespaceSelectors": [{"matchLabels": {"fan": "yes"}}],
        "refreshTime": "1h",
    }
    ground.put("ClusterExternalSecret", "", "fan", spec=spec)
    chosen.holds("fan", db="first")
    assert children(ground, "fan") == [chosen.name]

    ground.put("Namespace", "", other.name, metadata={"labels": {"fan": "yes"}})
    other.holds("fan", timeout_s=5, db="first")

    ground.delete("ExternalSecret", chosen.name, "fan")
    chosen.vanishes("ExternalSecret", "fan") if not chosen.get("ExternalSecret", "fan") else None
    chosen.holds("fan", db="first")

    ground.put("Namespace", "", other.name, metadata={"labels": {"fan": "no"}})
    other.vanishes("ExternalSecret", "fan")
    assert other.data("fan") is None

    ground.delete("ClusterExternalSecret", "", "fan")
    chosen.vanishes("ExternalSecret", "fan")
    wait_until(lambda: ground.get("ClusterExternalSecret", "", "fan") is None, timeout_s=SOON_S, what="the parent to vanish")
