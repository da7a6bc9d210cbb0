"""A folder as the cluster: what happens to the user's files."""

from __future__ import annotations

import json
import stat
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from kubectl_asm.adapters.directory import DirectoryCluster
from kubectl_asm.errors import BugError, InputError
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import ConfigMap, Meta, Secret, ServiceAccount
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


@pytest.mark.parametrize(("dash", "indent"), [("  - ", "    "), ("- ", "  "), ("    - ", "      ")])
def test_the_users_way_to_indent_lists_is_kept(folder, dash, indent):
    text = (
        "apiVersion: alibabacloud.com/v1alpha1\nkind: ExternalSecret\nmetadata:\n  name: es\nspec:\n  data:\n"
        f"  {dash}key: a\n  {indent}name: x # c\n  {dash}key: b\n  rotationInterval: 1m\n"
    )
    path = write(folder, "a.yaml", text)
    with opened(folder) as cluster:
        found = cluster.get(ExternalSecret, "default", "es")
        update(cluster, found, spec=msgspec.structs.replace(found.spec, rotation_interval="2m"))
    assert path.read_text() == text.replace("1m", "2m")


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
