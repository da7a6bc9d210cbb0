"""A folder as the cluster: state beside the files, modes, links, locks and crashes."""

from __future__ import annotations

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
from kubectl_asm.errors import AsmError, ConflictError, InputError, NotFoundError
from kubectl_asm.model.externalsecret import ExternalSecret, ExternalSecretStatus, SyncResult
from kubectl_asm.model.objects import FINALIZER, Meta, Secret
from kubectl_asm.model.sensitive import SecretBytes

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
