"""The table of settings: what a user may write for each one, under which names. Readers, options and pages use it.

Imports stay light: the options of every command are made from this table.
Source: spec/controller.md 1 and 3, spec/versions.md 3, spec/operation.md 1.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec

from kubectl_asm.model.durations import DurationError, format_duration, parse_duration
from kubectl_asm.model.settings import PROFILES, AuthOrder, Collections, ExtractStrings, Settings, parse_namespaces

MAX_COUNT: Final = 2**31 - 1
TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})


class Kind(enum.StrEnum):
    """What values a setting has."""

    TEXT = "text"
    IDENTIFIER = "identifier"
    BOOL = "true or false"
    COUNT = "whole number"
    DURATION = "duration"
    NAMESPACES = "comma-separated namespaces"
    CHOICE = "one of several words"


class SettingValueError(ValueError):
    """The value is not one the setting can have. The message names neither the setting nor its source."""


class SettingField(msgspec.Struct, frozen=True):
    """One field of Settings. helm: path in the chart's values, empty for settings upstream does not have.

    flag_only: never read from a file, a Deployment or the environment. hidden: left out of the help of commands.
    """

    name: str
    kind: Kind
    help: str
    helm: str = ""
    choices: tuple[str, ...] = ()
    flag_only: bool = False
    hidden: bool = False

    @property
    def flag(self) -> str:
        """Name on the command line, without dashes; upstream's name where upstream has the flag."""
        return self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """Name of the environment variable."""
        return f"ASM_{self.name.upper()}"

    @property
    def key(self) -> str:
        """Name in `.asm.yaml`: kmsEndpoint for --kms-endpoint."""
        first, *rest = self.name.split("_")
        return first + "".join(word.capitalize() for word in rest)

    @property
    def is_upstream(self) -> bool:
        """Whether upstream's controller has this flag."""
        return bool(self.helm)

    @property
    def default(self) -> Any:
        """Value when nothing decides."""
        return getattr(Settings(), self.name)

    @property
    def allows_empty(self) -> bool:
        """Whether the empty text is a value."""
        return self.kind in (Kind.TEXT, Kind.IDENTIFIER, Kind.NAMESPACES) or "" in self.choices


_BOOL, _TEXT, _COUNT, _NAMESPACES, _CHOICE = Kind.BOOL, Kind.TEXT, Kind.COUNT, Kind.NAMESPACES, Kind.CHOICE
_NETWORKS = ("vpc", "public")

FIELDS: Final[tuple[SettingField, ...]] = (
    SettingField("compat", _CHOICE, "Profile that presets all other settings.", choices=tuple(PROFILES)),
    # data and templates
    SettingField(
        "extract_json_strings",
        _CHOICE,
        "How extract writes string members of a JSON document.",
        choices=tuple(ExtractStrings),
    ),
    SettingField("replace_values", _BOOL, "replaceRule changes values as well as key names.", hidden=True),
    SettingField(
        "jmespath_document_integers", _BOOL, "Whole numbers of a document compare equal to numbers of a query.", hidden=True
    ),
    SettingField(
        "jmespath_collections",
        _CHOICE,
        "How jmesPath writes lists and maps of a JSON document: yaml as ack-secret-manager before 0.6.5.",
        choices=tuple(Collections),
        hidden=True,
    ),
    SettingField("template_functions", _CHOICE, "Table of template functions.", choices=("seed", "v0.6.7"), hidden=True),
    SettingField("drop_invalid_template_keys", _BOOL, "Drop template.data keys that no Secret can have.", hidden=True),
    SettingField("annotation_dns_names", _BOOL, "Keep template annotations whose key is a bare DNS name.", hidden=True),
    # writing and scheduling
    SettingField(
        "cleanup_secret_on_failure",
        _BOOL,
        "Delete the target Secret when every key failed; one-shot commands read it from the command line only.",
        helm="command.cleanupSecretOnFailure",
    ),
    SettingField("disable_polling", _BOOL, "No timed synchronization.", helm="command.disablePolling"),
    SettingField(
        "polling_interval",
        Kind.DURATION,
        "Time between two synchronizations of objects without rotationInterval.",
        helm="command.pollingInterval",
    ),
    SettingField(
        "max_concurrent_kms_secret_pulls",
        _COUNT,
        "Rounds per second that read KMS; 0: unlimited.",
        helm="command.maxConcurrentKmsSecretPulls",
    ),
    SettingField(
        "max_concurrent_oos_secret_pulls",
        _COUNT,
        "Rounds per second that read OOS; 0: unlimited.",
        helm="command.maxConcurrentOosSecretPulls",
    ),
    SettingField("manage_finalizers", _BOOL, "Add and remove the finalizer of ExternalSecrets.", hidden=True),
    SettingField("process_deletions", _BOOL, "Handle objects that are being deleted."),
    # scope
    SettingField("watch_namespaces", _NAMESPACES, "Only these namespaces; empty: all.", helm="command.watchNamespaces"),
    SettingField("exclude_namespaces", _NAMESPACES, "All but these namespaces.", helm="command.excludeNamespaces"),
    SettingField("environment_watch_namespace", _BOOL, "WATCH_NAMESPACE stands in for --watch-namespaces.", hidden=True),
    SettingField(
        "process_cluster_secret_store",
        _BOOL,
        "Process ClusterSecretStores.",
        helm="command.processClusterSecretStore",
        hidden=True,
    ),
    SettingField(
        "process_cluster_external_secret",
        _BOOL,
        "Process ClusterExternalSecrets.",
        helm="command.processClusterExternalSecret",
        hidden=True,
    ),
    SettingField(
        "scope_disables_cluster_controllers",
        _BOOL,
        "A namespace list switches the processing of cluster resources off.",
        hidden=True,
    ),
    # endpoints
    SettingField("region", _TEXT, "Region of the services, such as cn-hangzhou.", helm="command.region"),
    SettingField("kms_endpoint", _TEXT, "KMS host of entries that name none.", helm="command.kmsEndpoint"),
    SettingField("oos_endpoint", _TEXT, "OOS host instead of the region's."),
    SettingField("sts_endpoint", _TEXT, "STS host instead of the region's."),
    SettingField("network", _CHOICE, "Default KMS and OOS hosts inside or outside the VPC.", choices=_NETWORKS),
    SettingField("sts_network", _CHOICE, "Default STS host inside or outside the VPC.", choices=_NETWORKS),
    SettingField("endpoint_policy", _CHOICE, "Which KMS hosts are accepted.", choices=("strict", "permissive")),
    SettingField("kms_ca_file", _TEXT, "CA bundle (PEM) of dedicated KMS hosts."),
    SettingField("kms_ca_dir", _TEXT, "Folder of REGION.pem files for dedicated KMS hosts."),
    # identity
    SettingField("cluster_id", _TEXT, "Cluster id, to derive the OIDC provider.", helm="command.clusterId"),
    SettingField("uid", Kind.IDENTIFIER, "Account id, to derive the OIDC provider.", helm="command.aliuid"),
    SettingField(
        "enable_worker_role", _BOOL, "Use the RAM role of the machine as the last resort.", helm="command.enableWorkerRole"
    ),
    SettingField("auth_order", _CHOICE, "Order of the credential tiers.", choices=tuple(AuthOrder)),
    SettingField(
        "missing_access_key",
        _CHOICE,
        "A missing AccessKey Secret fails the entry or skips the tier.",
        choices=("fail", "skip"),
        hidden=True,
    ),
    SettingField(
        "sa_auth_fallback",
        _CHOICE,
        "chain: an unusable serviceAccountRef goes on to the next tier.",
        choices=("", "chain"),
        hidden=True,
    ),
    SettingField("default_session_name", _TEXT, "Session name when none is given; empty: no role without a name.", hidden=True),
    SettingField(
        "oidc_session_name", _CHOICE, "fixed: RRSA sessions ignore the configured name.", choices=("", "fixed"), hidden=True
    ),
    SettingField("environment_token_file", _BOOL, "Honour ALICLOUD_OIDC_TOKEN_FILE.", hidden=True),
    SettingField("session_expiration", _BOOL, "Honour the configured session length.", hidden=True),
    SettingField("trim_access_keys", _BOOL, "Strip blanks around AccessKeys.", hidden=True),
    SettingField("oos_ignores_endpoint", _BOOL, "kmsEndpoint on an OOS entry changes nothing at all.", hidden=True),
    # access
    SettingField(
        "enable_cross_namespace_secret_store",
        _BOOL,
        "Allow a SecretStore of another namespace (gate G1).",
        helm="command.enableCrossNamespaceSecretStore",
    ),
    SettingField(
        "enable_cross_namespace_auth_ref",
        _BOOL,
        "Allow credentials of another namespace in a SecretStore (gate G2).",
        helm="command.enableCrossNamespaceAuthRef",
    ),
    SettingField(
        "namespace_regex_mode",
        _CHOICE,
        "Namespace expressions match a part or the whole of a name.",
        choices=("search", "fullmatch"),
    ),
    SettingField(
        "invalid_condition", _CHOICE, "An invalid condition refuses, or is passed over.", choices=("deny", "skip"), hidden=True
    ),
    SettingField("ignore_access_gates", _BOOL, "Lift all access gates; for diagnosis only.", flag_only=True, hidden=True),
    # cluster resources
    SettingField(
        "ces_empty_conditions",
        _CHOICE,
        "legacy: namespaceSelectors that miss, without conditions, select all namespaces.",
        choices=("", "legacy"),
        hidden=True,
    ),
    SettingField(
        "ces_adopt",
        _CHOICE,
        "Which ExternalSecrets a ClusterExternalSecret takes over.",
        choices=("always", "owned-only"),
        hidden=True,
    ),
    SettingField(
        "ces_ready",
        _CHOICE,
        "always: a ClusterExternalSecret is Ready even when namespaces failed.",
        choices=("", "always"),
        hidden=True,
    ),
    SettingField("ces_verbose_failures", _BOOL, "List every namespace that does not match as failed.", hidden=True),
    SettingField("ces_replace_leftovers", _BOOL, "Replace a child's spec when other fields remain in it.", hidden=True),
    SettingField("ces_delete_by_name", _BOOL, "Delete children by name, whoever owns them.", hidden=True),
)

BY_NAME: Final[Mapping[str, SettingField]] = {field.name: field for field in FIELDS}
BY_FLAG: Final[Mapping[str, SettingField]] = {field.flag: field for field in FIELDS}
BY_KEY: Final[Mapping[str, SettingField]] = {field.key: field for field in FIELDS}


class Retired(msgspec.Struct, frozen=True):
    """A flag of upstream that is still accepted. replaced_by: the setting it stands for, empty when it has no effect."""

    field: SettingField
    replaced_by: str
    note: str


RETIRED: Final[tuple[Retired, ...]] = (
    Retired(
        SettingField(
            "max_concurrent_secret_pulls",
            _COUNT,
            "Deprecated: --max-concurrent-kms-secret-pulls.",
            helm="command.maxConcurrentSecretPulls",
            hidden=True,
        ),
        "max_concurrent_kms_secret_pulls",
        "is deprecated; use --max-concurrent-kms-secret-pulls",
    ),
    Retired(
        SettingField(
            "token_rotation_period",
            Kind.DURATION,
            "Accepted, without effect.",
            helm="command.tokenRotationPeriod",
            hidden=True,
        ),
        "",
        "has no effect",
    ),
)


def all_fields() -> Iterator[SettingField]:
    """Yield everything that can be given: the settings, then the retired ones."""
    yield from FIELDS
    yield from (retired.field for retired in RETIRED)


# --- values -----------------------------------------------------------------------------------------------------------


def parse_text(field: SettingField, text: str) -> Any:
    """Return the value a text stands for: what flags, variables and rendered Helm values have. Raises SettingValueError."""
    match field.kind:
        case Kind.BOOL:
            return _bool(text)
        case Kind.COUNT:
            return _count(text)
        case Kind.DURATION:
            return _duration(text)
        case Kind.NAMESPACES:
            return parse_namespaces(text)
        case Kind.CHOICE:
            return _choice(field, text)
        case _:
            return text


def parse_value(field: SettingField, value: object) -> Any:
    """Return the value of a YAML or JSON value, kinds taken strictly. Raises SettingValueError."""
    if field.kind is Kind.BOOL and isinstance(value, bool):
        return value
    if field.kind is Kind.COUNT and isinstance(value, int) and not isinstance(value, bool):
        return _count(str(value))
    if field.kind is Kind.IDENTIFIER and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if field.kind is Kind.NAMESPACES and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return parse_namespaces(",".join(value))
    if isinstance(value, str) and field.kind not in (Kind.BOOL, Kind.COUNT):
        return parse_text(field, value)
    raise SettingValueError(f"{_shown(value)} is not {wanted(field)}")


def format_value(value: object) -> str:
    """Return a value as it would be written after the flag."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return format_duration(value)
    return ",".join(value) if isinstance(value, tuple) else str(value)


def wanted(field: SettingField) -> str:
    """Return what values a setting takes, as the end of a sentence."""
    match field.kind:
        case Kind.CHOICE:
            return "one of " + ", ".join(choice or '""' for choice in field.choices)
        case Kind.DURATION:
            return "a duration such as 90s, 2m or 1h30m"
        case Kind.COUNT:
            return f"a whole number from 0 to {MAX_COUNT}"
        case Kind.NAMESPACES:
            return "a list of namespaces"
        case Kind.BOOL:
            return "true or false"
        case _:
            return "a text (quote it)"


def _bool(text: str) -> bool:
    if text in TRUE or text in FALSE:
        return text in TRUE
    raise SettingValueError(f"{_shown(text)} is not true or false")


def _count(text: str) -> int:
    if re.fullmatch(r"\+?\d{1,10}", text, re.ASCII) and int(text) <= MAX_COUNT:
        return int(text)
    raise SettingValueError(f"{_shown(text)} is not a whole number from 0 to {MAX_COUNT}")


def _duration(text: str) -> timedelta:
    try:
        value = parse_duration(text)
    except DurationError as error:
        raise SettingValueError(str(error)) from None
    if value < timedelta(0):
        raise SettingValueError(f"{_shown(text)} is negative")
    return value


def _choice(field: SettingField, text: str) -> Any:
    if text in field.choices:
        return type(field.default)(text)
    raise SettingValueError(f"{_shown(text)} is not {wanted(field)}")


def _shown(value: object) -> str:
    """Return a short form of a refused value."""
    if value is None:
        return "null"
    if isinstance(value, bool | int | float):
        return str(value).lower()[:64]
    return f'"{value[:64]}"' if isinstance(value, str) else f"a {'list' if isinstance(value, list) else 'mapping'}"
