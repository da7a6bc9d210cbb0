"""SecretStore, ClusterSecretStore and ClusterExternalSecret (spec/api.md sections 4 to 6)."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from kubectl_asm.model.externalsecret import ExternalSecretSpec
from kubectl_asm.model.objects import API_VERSION, KubeObject, Resource


class SecretKeyRef(msgspec.Struct, frozen=True):
    """Reference to one key of a Secret."""

    name: str = ""
    namespace: str = ""
    key: str = ""


class ServiceAccountRef(msgspec.Struct, frozen=True):
    """serviceAccountRef of an Auth object."""

    name: str = ""
    namespace: str = ""
    audiences: tuple[str, ...] = ()


class Auth(msgspec.Struct, frozen=True):
    """KMSAuth and OOSAuth (spec/api.md 4.1). The remote role is read in both spellings."""

    access_key: SecretKeyRef | None = msgspec.field(default=None, name="accessKey")
    access_key_secret: SecretKeyRef | None = msgspec.field(default=None, name="accessKeySecret")
    ram_role_arn: str = msgspec.field(default="", name="ramRoleARN")
    ram_role_session_name: str = msgspec.field(default="", name="ramRoleSessionName")
    oidc_provider_arn: str = msgspec.field(default="", name="oidcProviderARN")
    oidc_token_file_path: str = msgspec.field(default="", name="oidcTokenFilePath")
    role_session_expiration: str = msgspec.field(default="", name="roleSessionExpiration")
    remote_ram_role_arn: str = msgspec.field(default="", name="remoteRamRoleARN")
    remote_ram_role_arn_seed: str = msgspec.field(default="", name="remoteRamRoleArn")
    remote_ram_role_session_name: str = msgspec.field(default="", name="remoteRamRoleSessionName")
    service_account_ref: ServiceAccountRef | None = msgspec.field(default=None, name="serviceAccountRef")


class KmsSection(msgspec.Struct, frozen=True):
    """spec.KMS."""

    auth: Auth | None = msgspec.field(default=None, name="KMSAuth")
    dedicated: dict[str, Any] | None = msgspec.field(default=None, name="dedicatedKMSAuth")


class OosSection(msgspec.Struct, frozen=True):
    """spec.OOS."""

    auth: Auth | None = msgspec.field(default=None, name="OOSAuth")


class LabelRequirement(msgspec.Struct, frozen=True):
    """matchExpressions[] of a label selector."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class LabelSelector(msgspec.Struct, frozen=True, rename="camel"):
    """metav1.LabelSelector; every requirement must hold."""

    match_labels: dict[str, str] = {}
    match_expressions: tuple[LabelRequirement, ...] = ()


class NamespaceCondition(msgspec.Struct, frozen=True, rename="camel"):
    """Item of conditions: any of its three fields may admit a namespace (spec/access-control.md 3)."""

    namespace_selector: LabelSelector | None = None
    namespaces: tuple[str, ...] = ()
    namespace_regexes: tuple[str, ...] = ()


class StoreCondition(msgspec.Struct, frozen=True, rename="camel"):
    """status.conditions[] of a store."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: str = ""
    observed_generation: int = 0


class StoreStatus(msgspec.Struct, frozen=True, rename="camel"):
    """status of a store."""

    conditions: tuple[StoreCondition, ...] = ()
    capabilities: str = ""
    client_generation: int = 0


class StoreSpec(msgspec.Struct, frozen=True):
    """spec of both store kinds; conditions exist on the cluster kind only."""

    kms: KmsSection | None = msgspec.field(default=None, name="KMS")
    oos: OosSection | None = msgspec.field(default=None, name="OOS")
    conditions: tuple[NamespaceCondition, ...] = ()


class SecretStore(KubeObject, frozen=True, rename="camel"):
    """How to authenticate, for ExternalSecrets of (normally) the same namespace."""

    RESOURCE: ClassVar[Resource] = Resource("SecretStore", API_VERSION, "secretstores", True)

    spec: StoreSpec = StoreSpec()
    status: StoreStatus = StoreStatus()


class ClusterSecretStore(KubeObject, frozen=True, rename="camel"):
    """How to authenticate, for ExternalSecrets of every namespace its conditions admit."""

    RESOURCE: ClassVar[Resource] = Resource("ClusterSecretStore", API_VERSION, "clustersecretstores", False)

    spec: StoreSpec = StoreSpec()
    status: StoreStatus = StoreStatus()


class ChildMetadata(msgspec.Struct, frozen=True):
    """externalSecretMetadata: copied onto the children."""

    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class ClusterExternalSecretSpec(msgspec.Struct, frozen=True, rename="camel"):
    """spec of a ClusterExternalSecret (spec/api.md 6)."""

    external_secret_spec: ExternalSecretSpec = ExternalSecretSpec()
    external_secret_name: str = ""
    external_secret_metadata: ChildMetadata = ChildMetadata()
    namespace_selectors: tuple[LabelSelector | None, ...] = ()
    conditions: tuple[NamespaceCondition, ...] = ()
    rotation_interval: str = ""


class FailedNamespace(msgspec.Struct, frozen=True):
    """status.failedNamespaces[]; an empty namespace means none in particular."""

    namespace: str = ""
    reason: str = ""


class ClusterExternalSecretStatus(msgspec.Struct, frozen=True, rename="camel"):
    """status of a ClusterExternalSecret; provisionedNamespaces is the ledger used for clean-up."""

    external_secret_name: str = ""
    provisioned_namespaces: tuple[str, ...] = ()
    failed_namespaces: tuple[FailedNamespace, ...] = ()
    conditions: tuple[StoreCondition, ...] = ()


class ClusterExternalSecret(KubeObject, frozen=True, rename="camel"):
    """A stamp: one ExternalSecret in every selected namespace."""

    RESOURCE: ClassVar[Resource] = Resource("ClusterExternalSecret", API_VERSION, "clusterexternalsecrets", False)

    spec: ClusterExternalSecretSpec = ClusterExternalSecretSpec()
    status: ClusterExternalSecretStatus = ClusterExternalSecretStatus()
