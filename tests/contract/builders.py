"""Objects for the contract suite, in the namespace of the cluster under test."""

from __future__ import annotations

import msgspec

from kubectl_asm.model.externalsecret import DataSource, ExternalSecret, ExternalSecretSpec
from kubectl_asm.model.objects import Meta, Secret
from kubectl_asm.model.sensitive import SecretBytes


def secret(cluster, name="db", data=None, **fields):
    meta = Meta(name=name, namespace=cluster.namespace, **fields.pop("meta", {}))
    values = {key: SecretBytes.of_text(value) for key, value in ({"a": "1"} if data is None else data).items()}
    return Secret(metadata=meta, data=values, **fields)


def external(cluster, name="es", meta=None, **spec):
    entries = spec.pop("data", (DataSource(key="k"),))
    metadata = Meta(name=name, namespace=cluster.namespace, **(meta or {}))
    return ExternalSecret(metadata=metadata, spec=ExternalSecretSpec(data=entries, **spec))


def changed(obj, **fields):
    return msgspec.structs.replace(obj, **fields)


def with_meta(obj, **fields):
    return changed(obj, metadata=changed(obj.metadata, **fields))


def texts(**values):
    return {key: SecretBytes.of_text(value) for key, value in values.items()}


def without_books(obj):
    """The object without managedFields, which watched copies do not keep."""
    return with_meta(obj, managed_fields=())
