"""Small worlds for tests of decisions: a cluster in memory, one entry, its admission."""

from datetime import UTC, datetime

from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.engine.admit import Admitter, EntryAdmission
from kubectl_asm.engine.lookups import References
from kubectl_asm.manifest.decode import KINDS, decode_object
from kubectl_asm.model.backend import Provider
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.settings import Settings, profile_settings

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
VERSIONS = {kind: version for version, kind in KINDS}


def obj(kind, name, namespace="", metadata=None, **fields):
    """A typed object from plain values."""
    head = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return decode_object({"apiVersion": VERSIONS[kind], "kind": kind, "metadata": {**head, **(metadata or {})}, **fields})


def cluster(*objects, **options) -> MemoryCluster:
    return MemoryCluster(objects, now=lambda: NOW, **options)


def settings(**changes) -> Settings:
    return profile_settings("0.6.2", one_shot=False).replaced({"region": "cn-hangzhou", **changes})


def store(name="s", namespace="default", **auth):
    return obj("SecretStore", name, namespace, spec={"KMS": {"KMSAuth": auth}})


def cluster_store(name="cs", conditions=(), **auth):
    return obj("ClusterSecretStore", name, spec={"KMS": {"KMSAuth": auth}, "conditions": list(conditions)})


def key_secret(name="ak", namespace="default", **data):
    return obj("Secret", name, namespace, stringData=data or {"id": "LTAI-one", "secret": "sk-one"})


def key_refs(**more):
    return {"accessKey": {"name": "ak", "key": "id", **more}, "accessKeySecret": {"name": "ak", "key": "secret", **more}}


def external(ref=None, namespace="default", **source) -> ExternalSecret:
    entry = {"key": "k", **({"secretStoreRef": ref} if ref is not None else {}), **source}
    return obj("ExternalSecret", "demo", namespace, spec={"data": [entry]})


def admitted(world, one: ExternalSecret, environment=None, provider=Provider.KMS, **changes) -> EntryAdmission:
    """Admit the only entry of an ExternalSecret."""
    (admission,) = Admitter(References(world), settings(**changes), environment or {}).admit(one, provider)
    return admission


def refusal(admission: EntryAdmission):
    """What a real client is refused with."""
    return admission.refusal or (admission.plan.refusal if admission.plan else None)
