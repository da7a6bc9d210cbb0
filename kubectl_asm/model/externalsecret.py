"""ExternalSecret, with every field of spec/api.md section 3.

Absent, null and empty are the same for every optional field, as in the Go types of the upstream controller; the one
exception is target.template, whose presence switches template processing on.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from kubectl_asm.model.objects import API_VERSION, KubeObject, Resource

STORE_KIND = "SecretStore"
CLUSTER_STORE_KIND = "ClusterSecretStore"


class SecretStoreRef(msgspec.Struct, frozen=True, rename="camel"):
    """secretStoreRef of an entry (spec/api.md 3.2). An empty namespace or kind equals an absent one."""

    name: str = ""
    namespace: str = ""
    kind: str = ""


class JmesPathRule(msgspec.Struct, frozen=True, rename="camel"):
    """One jmesPath item: expression and the Secret key its result goes to."""

    path: str = ""
    object_alias: str = ""


class DataSource(msgspec.Struct, frozen=True, rename="camel"):
    """One backend read: items of data and dataProcess[].extract (spec/api.md 3.1)."""

    key: str = ""
    name: str = ""
    version_stage: str = ""
    version_id: str = ""
    jmes_path: tuple[JmesPathRule, ...] = ()
    kms_endpoint: str = ""
    secret_store_ref: SecretStoreRef | None = None

    @property
    def target_key(self) -> str:
        """The Secret key of the raw value: name, or key when name is empty (spec/data.md 3)."""
        return self.name or self.key


class ReplaceRule(msgspec.Struct, frozen=True):
    """replaceRule item: RE2 pattern and replacement for member names (spec/data.md 5.3)."""

    target: str = ""
    source: str = ""


class DataProcess(msgspec.Struct, frozen=True, rename="camel"):
    """Item of dataProcess; without extract it is no data source (spec/api.md 3.3)."""

    extract: DataSource | None = None
    replace_rule: tuple[ReplaceRule, ...] = ()


class TemplateItem(msgspec.Struct, frozen=True, rename="camel"):
    """items[] of a templateFrom source."""

    key: str = ""
    template_as: str = "Values"


class TemplateSource(msgspec.Struct, frozen=True):
    """configMap or secret of a templateFrom element."""

    name: str = ""
    items: tuple[TemplateItem, ...] = ()


class TemplateFrom(msgspec.Struct, frozen=True, rename="camel"):
    """Element of templateFrom (spec/api.md 3.4); the first of configMap, secret, literal counts."""

    config_map: TemplateSource | None = None
    secret: TemplateSource | None = None
    literal: str | None = None
    target: str = "Data"


class TemplateMetadata(msgspec.Struct, frozen=True):
    """template.metadata: values are templates."""

    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Template(msgspec.Struct, frozen=True, rename="camel"):
    """spec.target.template."""

    data: dict[str, str] = {}
    template_from: tuple[TemplateFrom, ...] = ()
    metadata: TemplateMetadata = TemplateMetadata()
    type: str = ""
    merge_policy: str = ""


class Target(msgspec.Struct, frozen=True):
    """spec.target."""

    name: str = ""
    template: Template | None = None


class ExternalSecretSpec(msgspec.Struct, frozen=True, rename="camel"):
    """spec of an ExternalSecret and externalSecretSpec of a ClusterExternalSecret."""

    provider: str = ""
    data: tuple[DataSource, ...] = ()
    data_process: tuple[DataProcess, ...] = ()
    type: str = ""
    target: Target = Target()
    rotation_interval: str = ""


class SyncResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """Item of status.dataSyncResults (spec/api.md 3.5); key is spelled ExternalSecretKey on the wire."""

    key: str = msgspec.field(default="", name="ExternalSecretKey")
    status: str = ""
    reason: str = ""
    time: str = msgspec.field(default="", name="synchronizationTime")


class Condition(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """status.conditions[] of an ExternalSecret, in the standard form."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: str = ""
    observed_generation: int = 0


class ExternalSecretStatus(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """status of an ExternalSecret. Only dataSyncResults exists upstream; the rest needs our resource definition."""

    data_sync_results: tuple[SyncResult, ...] = ()
    conditions: tuple[Condition, ...] = ()
    observed_generation: int = 0


class ExternalSecret(KubeObject, frozen=True, rename="camel"):
    """Describes which backend values become which Kubernetes Secret."""

    RESOURCE: ClassVar[Resource] = Resource("ExternalSecret", API_VERSION, "externalsecrets", True)

    spec: ExternalSecretSpec = ExternalSecretSpec()
    status: ExternalSecretStatus = ExternalSecretStatus()

    @property
    def target_name(self) -> str:
        """Name of the target Secret (spec/writes-and-failures.md 1)."""
        return self.spec.target.name or self.metadata.name

    @property
    def template(self) -> Template | None:
        """spec.target.template; its presence switches template processing on."""
        return self.spec.target.template
