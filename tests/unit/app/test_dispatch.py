"""Each change wakes exactly the objects it concerns, and nothing else: the dispatcher over a cluster in memory."""

import msgspec
import pytest

from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.app.dispatch import Dispatcher
from kubectl_asm.app.queue import Priority, WorkQueue
from kubectl_asm.errors import AccessError, UnavailableError
from kubectl_asm.model.externalsecret import ExternalSecret, ExternalSecretStatus, SyncResult
from kubectl_asm.model.objects import (
    ROLE_ARN_ANNOTATION,
    TRIGGER_ANNOTATION,
    ConfigMap,
    Namespace,
    ObjectRef,
    Secret,
    ServiceAccount,
)
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import (
    ClusterExternalSecret,
    ClusterExternalSecretStatus,
    ClusterSecretStore,
    SecretStore,
    StoreCondition,
    StoreStatus,
)
from tests.harness.world import FakeClock
from tests.unit.engine.worlds import cluster_store, key_refs, key_secret, obj, store


def external(name, namespace="shop", ref=None, **spec):
    source = {"key": "k", **({"secretStoreRef": ref} if ref else {})}
    return obj("ExternalSecret", name, namespace, spec={"data": [source], **spec})


def templated(name, namespace="shop", target=None, **source):
    template = {"templateFrom": [source]}
    return external(name, namespace, target={"name": target or name, "template": template})


def parent(name, labels, **spec):
    return obj("ClusterExternalSecret", name, spec={"namespaceSelectors": [{"matchLabels": labels}], **spec})


class Bench:
    """A dispatcher that was told of what exists; woken gives what a change asks for since."""

    def __init__(self, *objects, **options):
        self.clock = FakeClock()
        self.cluster = MemoryCluster(objects, now=self.clock.instant)
        self.queue = WorkQueue(self.clock)
        self.needed, self.gone = set(), []
        self.reader = options.pop("reader", self.cluster)
        self.dispatcher = Dispatcher(
            self.queue,
            self.reader,
            options.pop("settings", Settings()),
            self.clock.monotonic,
            needs=self.needed.add,
            on_gone=self.gone.append,
            **options,
        )
        self.dispatcher.subscribe(self.cluster)
        self.cluster.start()
        self.woken()

    def woken(self):
        """What waits, as kind/name with its priority; it counts as done."""
        found = {}
        while (item := self.queue.take_due()) is not None:
            found[f"{item.key.kind}/{item.key.name}"] = item.priority
            self.queue.done(item.key)
        return found

    def change(self, kind, name, namespace="shop", **fields):
        """Replace fields of an object, those of metadata by prefix meta_."""
        current = self.cluster.get(kind, namespace, name)
        meta = {key[5:]: value for key, value in fields.items() if key.startswith("meta_")}
        rest = {key: value for key, value in fields.items() if not key.startswith("meta_")}
        changed = msgspec.structs.replace(current, metadata=msgspec.structs.replace(current.metadata, **meta), **rest)
        if kind is Namespace:
            self.cluster.load([msgspec.structs.replace(changed, metadata=changed.metadata)])
        else:
            self.cluster.update(changed)
        return self.woken()

    def delete(self, kind, name, namespace="shop"):
        self.cluster.delete(self.cluster.get(kind, namespace, name))
        return self.woken()


STORE_REF = {"name": "s", "kind": "SecretStore"}
CLUSTER_REF = {"name": "cs", "kind": "ClusterSecretStore"}


def shop(**options):
    """Two users of a store, one of a cluster store, one of none, and the same names in another namespace."""
    return Bench(
        store("s", "shop", **key_refs()),
        store("s", "other", ramRoleARN="acs:ram::1:role/r", oidcProviderARN="acs:ram::1:oidc-provider/p"),
        cluster_store("cs", serviceAccountRef={"name": "sa", "namespace": "shop"}),
        key_secret("ak", "shop"),
        key_secret("ak", "other"),
        obj("ServiceAccount", "sa", "shop", {"annotations": {ROLE_ARN_ANNOTATION: "acs:ram::1:role/r"}}),
        external("a", ref=STORE_REF),
        external("b", ref=STORE_REF),
        external("c", ref=CLUSTER_REF),
        external("d"),
        external("elsewhere", "other", ref=STORE_REF),
        **options,
    )


# -- own kinds


def test_an_external_secret_that_appears_is_asked_for_as_a_change():
    bench = shop()
    bench.cluster.create(external("new"))
    assert bench.woken() == {"ExternalSecret/new": Priority.CHANGE}


def test_a_change_of_its_spec_wakes_an_external_secret_alone():
    bench = shop()
    spec = msgspec.structs.replace(bench.cluster.get(ExternalSecret, "shop", "a").spec, rotation_interval="1h")
    assert bench.change(ExternalSecret, "a", spec=spec) == {"ExternalSecret/a": Priority.CHANGE}


def test_what_existed_before_the_start_comes_after_changes():
    bench = Bench(external("a"), has_started=lambda: False)
    bench.cluster.create(external("b"))
    assert bench.woken() == {"ExternalSecret/b": Priority.NEW}


@pytest.mark.parametrize(
    "meta", [{"meta_labels": {"a": "b"}}, {"meta_annotations": {"a": "b"}}, {"meta_finalizers": ("example.com/f",)}]
)
@pytest.mark.parametrize(("kind", "name"), [(ExternalSecret, "a"), (SecretStore, "s"), (ClusterSecretStore, "cs")])
def test_labels_annotations_and_finalizers_of_our_kinds_wake_nobody(kind, name, meta):
    assert shop().change(kind, name, **meta) == {}


def test_a_status_wakes_nobody():
    bench = shop()
    bench.cluster.load([parent("p", {"team": "x"})])
    bench.woken()
    statuses = [
        (ExternalSecret, "a", ExternalSecretStatus((SyncResult("k", "Failed", "r", "t"),))),
        (SecretStore, "s", StoreStatus((StoreCondition("Ready", "True"),), "ReadOnly", 7)),
        (ClusterSecretStore, "cs", StoreStatus((StoreCondition("Ready", "True"),), "ReadOnly", 7)),
        (ClusterExternalSecret, "p", ClusterExternalSecretStatus(provisioned_namespaces=("shop",))),
    ]
    for kind, name, status in statuses:
        bench.cluster.set_status(bench.cluster.get(kind, "shop", name), status)
        assert bench.woken() == {}, kind


def test_a_request_for_deletion_wakes_the_object():
    bench = shop()
    bench.change(ExternalSecret, "a", meta_finalizers=("example.com/f",))
    assert bench.delete(ExternalSecret, "a") == {"ExternalSecret/a": Priority.CHANGE}


def test_objects_of_other_replicas_are_not_asked_for():
    bench = shop(is_mine=lambda ref: ref.name != "b")
    assert "ExternalSecret/b" not in bench.delete(SecretStore, "s")
    bench.cluster.delete(bench.cluster.get(ExternalSecret, "shop", "b"))
    bench.cluster.create(external("b"))
    assert bench.woken() == {}


# -- stores and what is behind them


def test_a_store_wakes_itself_and_its_users_and_nobody_of_another_namespace():
    bench = shop()
    spec = bench.cluster.get(SecretStore, "other", "s").spec
    assert bench.change(SecretStore, "s", spec=spec) == {
        "SecretStore/s": Priority.CHANGE,
        "ExternalSecret/a": Priority.NEW,
        "ExternalSecret/b": Priority.NEW,
    }


def test_a_cluster_store_wakes_its_users():
    bench = shop()
    spec = cluster_store("cs", ramRoleARN="acs:ram::1:role/r").spec
    assert bench.change(ClusterSecretStore, "cs", spec=spec) == {
        "ClusterSecretStore/cs": Priority.CHANGE,
        "ExternalSecret/c": Priority.NEW,
    }


def test_a_store_that_vanishes_or_appears_wakes_its_users():
    bench = shop()
    users = {"ExternalSecret/a": Priority.NEW, "ExternalSecret/b": Priority.NEW}
    assert bench.delete(SecretStore, "s") == users
    bench.cluster.create(store("s", "shop", **key_refs()))
    assert bench.woken() == {"SecretStore/s": Priority.CHANGE, **users}


def test_a_trigger_that_is_set_wakes_the_store_and_its_users_and_one_that_is_cleared_nobody():
    bench = shop()
    woken = bench.change(SecretStore, "s", meta_annotations={TRIGGER_ANNOTATION: "1"})
    assert set(woken) == {"SecretStore/s", "ExternalSecret/a", "ExternalSecret/b"}
    assert bench.change(SecretStore, "s", meta_annotations={}) == {}


def test_the_secret_of_an_access_key_wakes_its_store_and_the_users_of_that():
    bench = shop()
    behind = {"SecretStore/s": Priority.NEW, "ExternalSecret/a": Priority.NEW, "ExternalSecret/b": Priority.NEW}
    assert bench.change(Secret, "ak", data={}) == behind
    assert bench.delete(Secret, "ak") == behind


def test_a_secret_of_the_same_name_elsewhere_wakes_nobody_here():
    assert shop().change(Secret, "ak", "other", data={}) == {}


def test_the_role_of_a_service_account_wakes_its_store_and_the_users_of_that():
    bench = shop()
    behind = {"ClusterSecretStore/cs", "ExternalSecret/c"}
    assert set(bench.change(ServiceAccount, "sa", meta_annotations={ROLE_ARN_ANNOTATION: "acs:ram::1:role/new"})) == behind
    assert set(bench.change(ServiceAccount, "sa", meta_annotations={})) == behind


def test_other_annotations_and_labels_of_a_service_account_wake_nobody():
    bench = shop()
    role = {ROLE_ARN_ANNOTATION: "acs:ram::1:role/r"}
    assert bench.change(ServiceAccount, "sa", meta_annotations={**role, "a": "b"}) == {}
    assert bench.change(ServiceAccount, "sa", meta_labels={"a": "b"}) == {}


# -- sources of templates


def sources():
    return Bench(
        obj("ConfigMap", "tpl", "shop", data={"x": "1"}),
        obj("ConfigMap", "tpl", "other", data={"x": "1"}),
        key_secret("parts", "shop"),
        templated("m", configMap={"name": "tpl", "items": [{"key": "x"}]}),
        templated("n", secret={"name": "parts", "items": [{"key": "id"}]}),
        external("o"),
    )


def test_a_config_map_of_a_template_wakes_who_uses_it():
    bench = sources()
    assert bench.change(ConfigMap, "tpl", data={"x": "2"}) == {"ExternalSecret/m": Priority.NEW}
    assert bench.change(ConfigMap, "tpl", "other", data={"x": "2"}) == {}
    assert bench.delete(ConfigMap, "tpl") == {"ExternalSecret/m": Priority.NEW}


def test_a_secret_of_a_template_wakes_who_uses_it():
    assert sources().change(Secret, "parts", data={}) == {"ExternalSecret/n": Priority.NEW}


def test_a_source_that_is_used_no_more_wakes_nobody():
    bench = sources()
    bench.change(ExternalSecret, "m", spec=external("m").spec)
    assert bench.change(ConfigMap, "tpl", data={"x": "2"}) == {}


def test_who_writes_a_secret_that_is_a_source_of_its_own_template_is_not_woken_by_it():
    """With random parts in the template every round would write, and every write would begin a round."""
    bench = Bench(
        key_secret("own", "shop"),
        templated("self", target="own", secret={"name": "own", "items": [{"key": "id"}]}),
        templated("reader", secret={"name": "own", "items": [{"key": "id"}]}),
    )
    assert bench.change(Secret, "own", data={}) == {"ExternalSecret/reader": Priority.NEW}


def test_kinds_are_watched_once_somebody_refers_to_them():
    assert Bench(external("a")).needed == set()
    assert shop().needed == {ServiceAccount}
    assert sources().needed == {ConfigMap}


# -- namespaces


def selected(**options):
    return Bench(
        obj("Namespace", "shop", metadata={"labels": {"team": "red"}}),
        obj("Namespace", "other", metadata={"labels": {"team": "blue"}}),
        external("a"),
        external("b", "other"),
        parent("red", {"team": "red"}),
        parent("green", {"team": "green"}),
        **options,
    )


def test_labels_of_a_namespace_wake_its_objects_and_the_parents_that_select_it_or_did():
    bench = selected()
    assert bench.change(Namespace, "shop", "", meta_labels={"team": "green"}) == {
        "ExternalSecret/a": Priority.NEW,
        "ClusterExternalSecret/red": Priority.NEW,
        "ClusterExternalSecret/green": Priority.NEW,
    }


def test_a_namespace_that_begins_to_terminate_wakes_its_objects_and_its_parents():
    woken = selected().change(Namespace, "shop", "", meta_deletion_timestamp="2026-03-01T12:00:00Z")
    assert set(woken) == {"ExternalSecret/a", "ClusterExternalSecret/red"}


def test_annotations_of_a_namespace_wake_nobody():
    assert selected().change(Namespace, "shop", "", meta_annotations={"a": "b"}) == {}


def test_a_new_namespace_wakes_the_parents_that_select_it():
    bench = selected()
    bench.cluster.create(obj("Namespace", "third", metadata={"labels": {"team": "green"}}))
    assert bench.woken() == {"ClusterExternalSecret/green": Priority.NEW}


def test_namespaces_of_the_first_list_wake_no_parents():
    bench = selected(has_started=lambda: False)
    bench.cluster.create(obj("Namespace", "third", metadata={"labels": {"team": "green"}}))
    assert bench.woken() == {}


class Unreachable:
    """A reader of a cluster that cannot be reached, or of one that forbids everything."""

    def __init__(self, error):
        self.error = error

    def list(self, _kind):
        raise self.error


def test_a_change_is_passed_on_though_the_cluster_cannot_be_read_now():
    """Watch threads must not fail, and a change that was lost would not come again."""
    bench = selected(reader=Unreachable(UnavailableError("no answer")))
    assert "ClusterExternalSecret/green" in bench.change(Namespace, "shop", "", meta_labels={"team": "green"})


def test_kinds_that_may_not_be_read_are_passed_over_and_other_failures_are_for_the_caller():
    selected(reader=Unreachable(AccessError("forbidden", status=403))).dispatcher.everything()
    with pytest.raises(UnavailableError):
        selected(reader=Unreachable(UnavailableError("no answer"))).dispatcher.everything()


# -- targets and children


def test_a_target_that_vanishes_is_made_again_at_once():
    bench = Bench(external("a", target={"name": "t"}), key_secret("t", "shop"), external("b"))
    assert bench.delete(Secret, "t") == {"ExternalSecret/a": Priority.CHANGE}


def test_an_edit_of_a_target_waits_for_the_refresh():
    bench = Bench(external("a"), key_secret("a", "shop"))
    assert bench.change(Secret, "a", data={}) == {}


def test_a_target_that_vanishes_again_within_a_minute_comes_back_when_it_is_over():
    """Not lost: without polling nothing else would bring it back."""
    bench = Bench(external("a"), key_secret("a", "shop"))
    assert bench.delete(Secret, "a") == {"ExternalSecret/a": Priority.CHANGE}
    bench.clock.wait(10)
    for _ in range(3):
        bench.cluster.create(key_secret("a", "shop"))
        assert bench.delete(Secret, "a") == {}
    bench.clock.wait(49)
    assert bench.woken() == {}
    bench.clock.wait(1)
    assert set(bench.woken()) == {"ExternalSecret/a"}


def test_a_target_that_vanishes_once_a_minute_is_always_made_at_once():
    bench = Bench(external("a"), key_secret("a", "shop"))
    for _ in range(3):
        assert bench.delete(Secret, "a") == {"ExternalSecret/a": Priority.CHANGE}
        bench.cluster.create(key_secret("a", "shop"))
        bench.clock.wait(61)
        bench.woken()


def test_all_who_write_a_target_are_asked_to_make_it_again():
    bench = Bench(external("a", target={"name": "t"}), external("b", target={"name": "t"}), key_secret("t", "shop"))
    assert set(bench.delete(Secret, "t")) == {"ExternalSecret/a", "ExternalSecret/b"}


def child_of(name, uid="u"):
    owner = {"apiVersion": "alibabacloud.com/v1alpha1", "kind": "ClusterExternalSecret", "name": name, "uid": uid}
    return obj("ExternalSecret", "child", "shop", {"ownerReferences": [{**owner, "controller": True}]}, spec={"data": []})


def test_a_child_that_vanishes_wakes_its_parent():
    bench = Bench(parent("p", {"team": "x"}), parent("q", {"team": "x"}), child_of("p"))
    assert bench.delete(ExternalSecret, "child") == {"ClusterExternalSecret/p": Priority.NEW}


def test_an_object_without_parent_vanishes_silently():
    bench = Bench(parent("p", {"team": "x"}), external("a"))
    assert bench.delete(ExternalSecret, "a") == {}


# -- what is left of those that are gone


def test_nothing_is_kept_of_what_is_gone():
    bench = shop()
    bench.cluster.create(parent("p", {"team": "x"}))
    for one in bench.cluster.objects():
        bench.cluster.delete(one)
    bench.woken()
    table = bench.dispatcher
    assert not table._uses._uses
    assert not table._uses._users
    assert not table._targets._users
    assert not table._repaired_s
    assert not table._parents
    assert bench.queue.planned() == 0
    assert {ref.name for ref in bench.gone} == {"a", "b", "c", "d", "elsewhere", "s", "cs", "p"}


def test_an_object_in_the_place_of_another_of_its_name_is_a_new_one():
    """A watch may tell deletion and creation as one change; nothing of the old one must live on."""
    bench = shop()
    old = bench.cluster.get(ExternalSecret, "shop", "a")
    new = msgspec.structs.replace(old, metadata=msgspec.structs.replace(old.metadata, uid="another"))
    bench.dispatcher.reconciled_changed(old, new)
    assert bench.gone == [ObjectRef("ExternalSecret", "shop", "a")]
    assert bench.woken() == {"ExternalSecret/a": Priority.CHANGE}
    assert "ExternalSecret/a" in bench.delete(SecretStore, "s")


def test_a_new_shard_asks_for_its_objects_only():
    bench = shop()
    bench.dispatcher.everything(lambda ref: ref.namespace == "other")
    assert bench.woken() == {"SecretStore/s": Priority.NEW, "ExternalSecret/elsewhere": Priority.NEW}


def test_stores_are_asked_for_before_those_who_use_them():
    bench = shop()
    bench.dispatcher.everything()
    order = []
    while (item := bench.queue.take_due()) is not None:
        order.append(item.key.kind)
    assert order == sorted(order, key=["SecretStore", "ClusterSecretStore", "ClusterExternalSecret", "ExternalSecret"].index)
