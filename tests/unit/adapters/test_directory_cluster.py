"""A folder as the cluster: what happens to the user's files."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from kubectl_asm.adapters.directory import DirectoryCluster
from kubectl_asm.errors import AsmError, BugError, ConflictError, InputError, NotFoundError
from kubectl_asm.model.externalsecret import ExternalSecret, ExternalSecretStatus, SyncResult
from kubectl_asm.model.objects import FINALIZER, ConfigMap, Meta, Secret, ServiceAccount
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.stores import ClusterSecretStore

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

TWO = """\
# who owns this: team shop
apiVersion: v1   # core
kind: Secret
metadata:
    name: db
    labels: {app: "web"}  # flow style
data:
    a: MQ==  # one
    b: Mg==
---
# a neighbour, written with other habits
apiVersion: v1
kind: ConfigMap
metadata:
  name:   settings
data:
  mode:    on demand
  number: '010'
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cluster"


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


def opened(folder, **options):
    return DirectoryCluster(folder, now=lambda: NOW, **options)


def data(**values):
    return {key: SecretBytes.of_text(value) for key, value in values.items()}


def update(cluster, obj, **fields):
    return cluster.update(msgspec.structs.replace(obj, **fields))


def with_meta(obj, **fields):
    return msgspec.structs.replace(obj, metadata=msgspec.structs.replace(obj.metadata, **fields))


EXTERNAL = """\
apiVersion: alibabacloud.com/v1alpha1
kind: ExternalSecret
metadata: {name: es, namespace: shop}
spec: {data: [{key: k}]}
"""

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"


# -- reading


def test_every_manifest_below_the_folder_is_an_object(folder):
    write(folder, "a.yaml", EXTERNAL)
    write(folder, "deep/er/b.yml", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: app}\n")
    write(folder, "c.json", '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}')
    write(folder, "notes.txt", "kind: Secret")
    write(folder, ".git/d.yaml", EXTERNAL)
    with opened(folder) as cluster:
        assert [obj.name for obj in cluster.list(ExternalSecret)] == ["es"]
        assert cluster.get(ServiceAccount, "default", "app")
        assert cluster.get(ConfigMap, "default", "c")


def test_objects_without_a_namespace_get_the_given_one(folder):
    write(folder, "a.yaml", CONFIG_MAP)
    with opened(folder, namespace="shop") as cluster:
        assert cluster.get(ConfigMap, "shop", "c").namespace == "shop"


def test_a_namespace_on_a_cluster_scoped_object_is_ignored(folder):
    store = (
        "apiVersion: alibabacloud.com/v1alpha1\nkind: ClusterSecretStore\nmetadata: {name: s, namespace: x}\nspec: {KMS: {}}\n"
    )
    write(folder, "a.yaml", store)
    with opened(folder) as cluster:
        assert cluster.get(ClusterSecretStore, "", "s").namespace == ""


def test_the_same_object_twice_is_refused_naming_both_places(folder):
    first = write(folder, "a.yaml", EXTERNAL)
    second = write(folder, "b.yaml", "# moved\n" + EXTERNAL)
    with pytest.raises(InputError) as caught:
        opened(folder)
    assert str(caught.value) == f"{second}:4:18: ExternalSecret shop/es is defined twice, first at {first}:3:18"
    assert caught.value.exit_code == 2


def test_an_implied_and_a_written_namespace_make_the_same_object(folder):
    write(folder, "a.yaml", CONFIG_MAP)
    write(folder, "b.yaml", CONFIG_MAP.replace("c}", "c, namespace: default}"))
    with pytest.raises(InputError, match="is defined twice"):
        opened(folder)


def test_what_does_not_parse_is_reported_and_hides_nothing_else(folder):
    write(folder, "a.yaml", EXTERNAL)
    write(folder, "b.yaml", "kind: [")
    with opened(folder) as cluster:
        assert [Path(problem.file).name for problem in cluster.problems] == ["b.yaml"]
        assert cluster.get(ExternalSecret, "shop", "es")


def test_an_absent_folder_is_an_input_error(folder):
    with pytest.raises(InputError, match="there is no such folder"):
        opened(folder)
    assert not folder.exists()


def test_reading_leaves_nothing_behind(folder):
    write(folder, "a.yaml", EXTERNAL)
    with opened(folder):
        pass
    opened(folder, writable=False).close()
    assert [path.name for path in folder.iterdir()] == ["a.yaml"]


def test_a_folder_opened_for_reading_cannot_be_written(folder):
    write(folder, "a.yaml", TWO)
    cluster = opened(folder, writable=False)
    with pytest.raises(BugError):
        cluster.delete(cluster.get(Secret, "default", "db"))


# -- changing in place


def test_a_change_keeps_comments_habits_and_neighbours(folder):
    path = write(folder, "a.yaml", TWO)
    with opened(folder) as cluster:
        update(cluster, cluster.get(Secret, "default", "db"), data=data(a="new", c="3"))
    wanted = TWO.replace("a: MQ==  # one\n    b: Mg==\n", "a: bmV3  # one\n    c: Mw==\n")
    assert path.read_text() == wanted


def test_the_second_document_changes_and_the_first_stays_byte_for_byte(folder):
    path = write(folder, "a.yaml", TWO)
    with opened(folder) as cluster:
        update(cluster, cluster.get(ConfigMap, "default", "settings"), data={"mode": "yes", "number": "010"})
    head, _, tail = path.read_text().partition("---\n")
    assert head == TWO.partition("---\n")[0]
    assert '  mode: "yes"\n' in tail  # unquoted it would be a boolean
    assert "  number: '010'\n" in tail
    assert "# a neighbour" in tail


def test_changes_of_two_documents_in_one_file_both_arrive(folder):
    path = write(folder, "a.yaml", TWO)
    with opened(folder) as cluster:
        update(cluster, cluster.get(Secret, "default", "db"), data=data(a="1", b="2", c="3", d="4"))
        update(cluster, cluster.get(ConfigMap, "default", "settings"), data={"mode": "x"})
        update(cluster, cluster.get(Secret, "default", "db"), data=data(z="9"))
    again = opened(folder, writable=False)
    assert again.get(Secret, "default", "db").data == data(z="9")
    assert again.get(ConfigMap, "default", "settings").data == {"mode": "x"}
    assert path.read_text().count("#") == TWO.count("#") - 1  # the comment on the removed line


def test_string_data_stays_string_data(folder):
    path = write(
        folder,
        "a.yaml",
        """\
        apiVersion: v1
        kind: Secret
        metadata: {name: db}
        stringData:
          user: root   # the usual
          password: old
          blob: text
        """,
    )
    with opened(folder) as cluster:
        values = {**data(user="root", password="123", more="m"), "blob": SecretBytes(b"\xff\xfe")}
        update(cluster, cluster.get(Secret, "default", "db"), data=values)
    text = path.read_text()
    assert "  user: root   # the usual\n" in text
    assert '  password: "123"\n' in text
    assert opened(folder, writable=False).get(Secret, "default", "db").data == values


def test_anchors_and_merges_never_give_a_wrong_object(folder):
    write(
        folder,
        "a.yaml",
        """\
        apiVersion: v1
        kind: Secret
        metadata:
          name: db
          labels: &l {app: web}
          annotations: {<<: *l, more: x}
        data: {a: MQ==}
        """,
    )
    with opened(folder) as cluster:
        found = cluster.get(Secret, "default", "db")
        cluster.update(with_meta(found, labels={"app": "db"}, annotations={"more": "y"}))
    again = opened(folder, writable=False).get(Secret, "default", "db")
    assert again.metadata.labels == {"app": "db"}
    assert again.metadata.annotations == {"more": "y"}


def test_an_item_of_a_list_is_changed_and_removed_in_place(folder):
    path = write(
        folder,
        "a.yaml",
        """\
        apiVersion: v1
        kind: List
        items:
        - apiVersion: v1
          kind: ConfigMap
          metadata: {name: a}  # first
        - apiVersion: v1
          kind: ConfigMap
          metadata: {name: b}
          data: {x: "1"}  # second
        - apiVersion: v1
          kind: ConfigMap
          metadata: {name: c}
        """,
    )
    with opened(folder) as cluster:
        cluster.delete(cluster.get(ConfigMap, "default", "a"))
        update(cluster, cluster.get(ConfigMap, "default", "b"), data={"x": "2"})
        update(cluster, cluster.get(ConfigMap, "default", "c"), data={"y": "3"})
    again = opened(folder, writable=False)
    assert [(obj.name, obj.data) for obj in again.list(ConfigMap)] == [("b", {"x": "2"}), ("c", {"y": "3"})]
    assert "# second" in path.read_text()


def test_json_stays_json(folder):
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": {"a": "MQ=="}, "x-note": 1}
    path = write(folder, "a.json", json.dumps(manifest))
    with opened(folder) as cluster:
        update(cluster, cluster.get(Secret, "default", "db"), data=data(b="2"))
    assert json.loads(path.read_text()) == {**manifest, "data": {"b": "Mg=="}}


def test_windows_line_ends_stay(folder):
    path = write(folder, "a.yaml", "")
    path.write_bytes(TWO.replace("\n", "\r\n").encode())
    with opened(folder) as cluster:
        update(cluster, cluster.get(Secret, "default", "db"), data=data(a="new"))
    assert b"\n" not in path.read_bytes().replace(b"\r\n", b"")


def test_fields_no_model_knows_are_kept(folder):
    path = write(folder, "a.yaml", EXTERNAL.replace("spec: {data", "spec: {future: 1, data"))
    with opened(folder) as cluster:
        found = cluster.get(ExternalSecret, "shop", "es")
        update(cluster, found, spec=msgspec.structs.replace(found.spec, type="x"))
    assert "future: 1" in path.read_text()
    assert "type: x" in path.read_text()


# -- creating and deleting


def test_a_new_object_gets_a_file_of_its_own(folder):
    write(folder, "a.yaml", EXTERNAL)
    with opened(folder) as cluster:
        cluster.create(Secret(metadata=Meta(name="db", namespace="shop", labels={"app": "010"}), data=data(a="1")))
    path = folder / "secret-shop-db.yaml"
    assert path.read_text() == textwrap.dedent("""\
        apiVersion: v1
        kind: Secret
        metadata:
          name: db
          namespace: shop
          labels:
            app: "010"
        type: Opaque
        data:
          a: MQ==
        """)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_name_that_is_taken_by_another_file_is_not_overwritten(folder):
    foreign = write(folder, "secret-shop-db.yaml", "# not an object\n")
    with opened(folder) as cluster:
        cluster.create(Secret(metadata=Meta(name="db", namespace="shop")))
    assert foreign.read_text() == "# not an object\n"
    assert (folder / "secret-shop-db-2.yaml").exists()


def test_a_very_long_name_still_makes_a_file(folder):
    folder.mkdir()
    with opened(folder) as cluster:
        cluster.create(Secret(metadata=Meta(name="n" * 253, namespace="m" * 63)))
    assert opened(folder, writable=False).get(Secret, "m" * 63, "n" * 253)


def test_deleting_removes_the_file_that_was_made_for_the_object(folder):
    folder.mkdir()
    with opened(folder) as cluster:
        cluster.delete(cluster.create(Secret(metadata=Meta(name="db", namespace="shop"))))
    assert not list(folder.glob("secret*"))


def test_deleting_removes_only_the_document_from_a_users_file(folder):
    path = write(folder, "a.yaml", TWO)
    with opened(folder) as cluster:
        cluster.delete(cluster.get(Secret, "default", "db"))
        update(cluster, cluster.get(ConfigMap, "default", "settings"), data={"a": "1"})
    assert "db" not in path.read_text()
    assert opened(folder, writable=False).get(ConfigMap, "default", "settings").data == {"a": "1"}


def test_deleting_a_users_only_document_keeps_the_file(folder):
    path = write(folder, "a.yaml", EXTERNAL)
    with opened(folder) as cluster:
        cluster.delete(cluster.get(ExternalSecret, "shop", "es"))
    assert path.exists()
    assert opened(folder, writable=False).list(ExternalSecret) == []


# -- what a manifest has no place for


def test_status_and_finalizers_go_to_the_state_file_only(folder):
    path = write(folder, "a.yaml", EXTERNAL)
    with opened(folder) as cluster:
        found = cluster.set_finalizers(cluster.get(ExternalSecret, "shop", "es"), (FINALIZER,))
        cluster.set_status(found, ExternalSecretStatus((SyncResult("k", "Failed", "no such secret", "2026-03-01T12:00:00Z"),)))
    assert path.read_text() == EXTERNAL
    state = (folder / ".asm-state.yaml").read_text()
    assert FINALIZER in state
    assert '"ExternalSecretKey":"k"' in state
    again = opened(folder, writable=False).get(ExternalSecret, "shop", "es")
    assert again.metadata.finalizers == (FINALIZER,)
    assert again.status.data_sync_results == (SyncResult("k", "Failed", "no such secret", "2026-03-01T12:00:00Z"),)


def test_identity_and_field_owners_survive_the_process(folder):
    folder.mkdir()
    with opened(folder) as cluster:
        created = cluster.create(Secret(metadata=Meta(name="db", namespace="shop"), data=data(a="1")))
    again = opened(folder, writable=False).get(Secret, "shop", "db")
    assert again.metadata.uid == created.metadata.uid
    assert again.metadata.managed_fields == created.metadata.managed_fields
    assert again.metadata.managed_fields[0].manager == "kubectl-asm"


def test_the_uid_of_an_untouched_manifest_is_the_same_in_every_process(folder):
    write(folder, "b.yaml", EXTERNAL)
    first = opened(folder, writable=False).get(ExternalSecret, "shop", "es").metadata.uid
    write(folder, "a.yaml", CONFIG_MAP)
    assert opened(folder, writable=False).get(ExternalSecret, "shop", "es").metadata.uid == first


def test_the_state_file_holds_no_value(folder):
    folder.mkdir()
    with opened(folder) as cluster:
        created = cluster.create(Secret(metadata=Meta(name="db", namespace="shop"), data=data(a="S3cr3t-value")))
        update(cluster, created, data=data(a="S3cr3t-value-2"))
    state = (folder / ".asm-state.yaml").read_text()
    assert "S3cr3t" not in state
    assert "UzNjcjN0" not in state
    assert stat.S_IMODE((folder / ".asm-state.yaml").stat().st_mode) == 0o600


def test_the_state_of_a_removed_manifest_is_forgotten(folder):
    path = write(folder, "a.yaml", EXTERNAL)
    with opened(folder) as cluster:
        cluster.set_finalizers(cluster.get(ExternalSecret, "shop", "es"), (FINALIZER,))
    path.unlink()
    opened(folder).close()
    write(folder, "a.yaml", EXTERNAL)
    assert opened(folder, writable=False).get(ExternalSecret, "shop", "es").metadata.finalizers == ()


def test_a_damaged_state_file_is_an_input_error(folder):
    write(folder, "a.yaml", EXTERNAL)
    write(folder, ".asm-state.yaml", "objects: [1]")
    with pytest.raises(InputError, match="this is no state of kubectl asm"):
        opened(folder)


# -- modes, links, locks, crashes


def test_a_users_secret_file_becomes_private_when_it_is_written(folder):
    path = write(folder, "a.yaml", TWO)
    path.chmod(0o644)
    with opened(folder) as cluster:
        update(cluster, cluster.get(Secret, "default", "db"), data=data(a="new"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_other_files_keep_their_mode(folder):
    path = write(folder, "a.yaml", EXTERNAL)
    path.chmod(0o664)
    with opened(folder) as cluster:
        found = cluster.get(ExternalSecret, "shop", "es")
        update(cluster, found, spec=msgspec.structs.replace(found.spec, type="x"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o664


def test_a_symbolic_link_stays_one(folder, tmp_path):
    target = write(tmp_path, "elsewhere.txt", EXTERNAL)
    folder.mkdir()
    (folder / "a.yaml").symlink_to(target)
    with opened(folder) as cluster:
        found = cluster.get(ExternalSecret, "shop", "es")
        update(cluster, found, spec=msgspec.structs.replace(found.spec, type="x"))
    assert (folder / "a.yaml").is_symlink()
    assert "type: x" in target.read_text()


def test_two_writers_exclude_each_other(folder):
    write(folder, "a.yaml", EXTERNAL)
    with opened(folder), pytest.raises(AsmError, match="another process works on"):
        opened(folder)
    opened(folder).close()


def test_a_lock_left_by_a_killed_process_does_not_hold(folder):
    write(folder, "a.yaml", EXTERNAL)
    write(folder, ".asm-lock", "")
    opened(folder).close()


def test_a_file_edited_meanwhile_gives_a_conflict_and_then_the_edit_is_seen(folder):
    path = write(folder, "a.yaml", TWO)
    with opened(folder) as cluster:
        stale = cluster.get(Secret, "default", "db")
        path.write_text(TWO.replace("MQ==", "NDI="))
        with pytest.raises(ConflictError, match=r"a\.yaml changed since Secret default/db was read"):
            update(cluster, stale, data=data(a="mine"))
        fresh = cluster.get(Secret, "default", "db")
        assert fresh.data["a"].reveal() == b"42"
        update(cluster, fresh, data=data(a="mine"))
    assert opened(folder, writable=False).get(Secret, "default", "db").data == data(a="mine")


def test_a_file_removed_meanwhile_gives_a_conflict(folder):
    path = write(folder, "a.yaml", TWO)
    with opened(folder) as cluster:
        stale = cluster.get(Secret, "default", "db")
        path.unlink()
        with pytest.raises(ConflictError):
            update(cluster, stale, data=data(a="mine"))
        with pytest.raises(NotFoundError):
            cluster.get(Secret, "default", "db")


def test_a_process_killed_while_it_writes_leaves_whole_files(folder):
    folder.mkdir()
    script = """
        import sys
        from datetime import UTC, datetime
        from pathlib import Path
        import msgspec
        from kubectl_asm.adapters.directory import DirectoryCluster
        from kubectl_asm.model.objects import Meta, Secret
        from kubectl_asm.model.sensitive import SecretBytes
        cluster = DirectoryCluster(Path(sys.argv[1]), now=lambda: datetime(2026, 3, 1, tzinfo=UTC))
        value = {"a": SecretBytes(b"x" * 200_000)}
        found = [cluster.create(Secret(metadata=Meta(name=f"s-{n}", namespace="shop"), data=value)) for n in range(3)]
        print("ready", flush=True)
        for n in range(100_000):
            value = {"a": SecretBytes(bytes([65 + n % 26]) * 200_000)}
            found = [cluster.update(msgspec.structs.replace(one, data=value)) for one in found]
    """
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(folder)], stdout=subprocess.PIPE, cwd=root, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.kill()
    process.wait()
    process.stdout.close()
    with opened(folder) as cluster:
        assert cluster.problems == ()
        for found in cluster.list(Secret):
            value = found.data["a"].reveal()
            assert len(value) == 200_000
            assert len(set(value)) == 1
        assert len(cluster.list(Secret)) == 3
    assert not [name for name in os.listdir(folder) if name.endswith(".asm-new")]
