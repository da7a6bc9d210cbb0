"""Controller settings that decide answers, with the presets of the compatibility profiles.

Every field is one flag of the same name (underscores for dashes). A profile presets fields; an explicit value wins.
Where values come from is recorded by manifest/settings_sources.py; here are only the effective values.
Source: spec/versions.md, spec/controller.md 1, spec/operation.md 1.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec


class ExtractStrings(enum.StrEnum):
    """How extract writes string members of a JSON document (spec/data.md 5.2)."""

    QUOTED = "quoted"
    RAW = "raw"


class Collections(enum.StrEnum):
    """How jmesPath writes lists and maps of a JSON document; those of YAML are always written as YAML (spec/data.md 4.3)."""

    JSON = "json"
    YAML = "yaml"


class AuthOrder(enum.StrEnum):
    """Order of the credential tiers (spec/auth.md 3)."""

    EXPLICIT = "explicit"
    AK_FIRST = "ak-first"
    RRSA_FIRST = "rrsa-first"


class Settings(msgspec.Struct, frozen=True):
    """Effective settings. Durations are timedelta, rates are per second with 0 meaning unlimited."""

    compat: str = "0.6.2"
    # data and templates
    extract_json_strings: ExtractStrings = ExtractStrings.QUOTED
    replace_values: bool = False
    jmespath_document_integers: bool = True
    jmespath_collections: Collections = Collections.JSON
    template_functions: str = "seed"
    drop_invalid_template_keys: bool = True
    annotation_dns_names: bool = True
    # writing and scheduling
    cleanup_secret_on_failure: bool = False
    disable_polling: bool = False
    polling_interval: timedelta = timedelta(seconds=120)
    max_concurrent_kms_secret_pulls: int = 10
    max_concurrent_oos_secret_pulls: int = 10
    manage_finalizers: bool = True
    process_deletions: bool = True
    # scope
    watch_namespaces: tuple[str, ...] = ()
    exclude_namespaces: tuple[str, ...] = ()
    environment_watch_namespace: bool = True
    process_cluster_secret_store: bool = True
    process_cluster_external_secret: bool = True
    scope_disables_cluster_controllers: bool = False
    # endpoints
    region: str = ""
    kms_endpoint: str = ""
    oos_endpoint: str = ""
    sts_endpoint: str = ""
    network: str = "vpc"
    sts_network: str = "vpc"
    endpoint_policy: str = "strict"
    kms_ca_file: str = ""
    kms_ca_dir: str = ""
    # identity
    cluster_id: str = ""
    uid: str = ""
    enable_worker_role: bool = True
    auth_order: AuthOrder = AuthOrder.EXPLICIT
    missing_access_key: str = "fail"
    sa_auth_fallback: str = ""
    default_session_name: str = "ack-secret-manager"
    oidc_session_name: str = ""
    environment_token_file: bool = True
    session_expiration: bool = True
    trim_access_keys: bool = True
    oos_ignores_endpoint: bool = True
    # access
    enable_cross_namespace_secret_store: bool = True
    enable_cross_namespace_auth_ref: bool = True
    namespace_regex_mode: str = "search"
    invalid_condition: str = "deny"
    ignore_access_gates: bool = False
    # cluster resources
    ces_empty_conditions: str = ""
    ces_adopt: str = "always"
    ces_ready: str = ""
    ces_verbose_failures: bool = False
    ces_replace_leftovers: bool = True
    ces_delete_by_name: bool = False

    def replaced(self, changes: Mapping[str, Any]) -> Settings:
        """Return a copy with some fields changed."""
        return msgspec.structs.replace(self, **changes)


ONE_SHOT: Final[Mapping[str, Any]] = {
    "enable_worker_role": False,
    "sts_network": "public",
    "manage_finalizers": False,
    "process_deletions": False,
}
"""What one-shot commands preset differently from the controller (spec/operation.md 3, spec/auth.md 3 and 6)."""

PROFILES: Final[Mapping[str, Mapping[str, Any]]] = {
    "0.6.2": {},
    "0.6.7": {
        "extract_json_strings": ExtractStrings.RAW,
        "replace_values": True,
        "jmespath_document_integers": False,
        "template_functions": "v0.6.7",
        "drop_invalid_template_keys": False,
        "annotation_dns_names": False,
        "enable_worker_role": False,
        "enable_cross_namespace_secret_store": False,
        "enable_cross_namespace_auth_ref": False,
        "environment_token_file": False,
        "environment_watch_namespace": False,
        "session_expiration": False,
        "oidc_session_name": "fixed",
        "trim_access_keys": False,
        "oos_ignores_endpoint": False,
        "scope_disables_cluster_controllers": True,
        "ces_verbose_failures": True,
        "ces_replace_leftovers": False,
        "ces_delete_by_name": True,
    },
    "0.6.2-exact": {
        "auth_order": AuthOrder.AK_FIRST,
        "missing_access_key": "skip",
        "sa_auth_fallback": "chain",
        "default_session_name": "",
        "oidc_session_name": "fixed",
        "environment_token_file": False,
        "session_expiration": False,
        "trim_access_keys": False,
        "endpoint_policy": "permissive",
        "invalid_condition": "skip",
        "ces_empty_conditions": "legacy",
        "ces_adopt": "always",
        "ces_ready": "always",
        "ces_replace_leftovers": False,
        "ces_delete_by_name": True,
    },
}


def profile_settings(compat: str, *, one_shot: bool) -> Settings:
    """Return the settings of a profile with nothing explicit. Raises KeyError for an unknown profile."""
    base = {"compat": compat, **(ONE_SHOT if one_shot else {}), **PROFILES[compat]}
    return Settings().replaced(base)


def parse_namespaces(text: str) -> tuple[str, ...]:
    """Return the namespaces of a flag: outer blanks and double quotes go, items are trimmed, empty ones dropped.

    Source: spec/controller.md 5.
    """
    items = (item.strip() for item in text.strip(' "\t').split(","))
    return tuple(dict.fromkeys(item for item in items if item))
