"""Which values no field of the four kinds may hold: a table of its own, so that it can disagree with the rules.

A path is written with dots; `[]` stands for an element of a list and `*` for a key of a free mapping.
Source: spec/api.md; spec/lint.md 2 and 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

LONG: Final = "x" * 254
TEXT, LIST, MAP, STRUCT = "text", "list", "mapping", "struct"

NAMES: Final = ("Upper", "under_score", "-dash", "dot.", LONG)
LABELS: Final = ("Upper", "under_score", "-dash", "a.b", "x" * 64)
ITEM_KEYS: Final = ("a b", "a/b", LONG)
DURATIONS: Final = ("90", "1d", "10S", "10 s", "5min", "1h30", "soon")
EXPIRATIONS: Final = ("soon", "5", "899", "43201", "13h")
ROLES: Final = ("admin", "acs:ram::{accountID}:role/x", "acs:ram::1000:user/x", "acs:ram:cn-hangzhou:1000:role/x y")
PROVIDERS: Final = ("provider", "acs:ram::{accountID}:oidc-provider/ack-rrsa-c1", "acs:ram::1000:role/x")
ENDPOINTS: Final = ("http://kms.cn-hangzhou.aliyuncs.com", "kms.example.com", "a b", "kms.cn-hangzhou.aliyuncs.com/x", "x:443")
REGEXES: Final = ("(", "[a", "(?=a)", "a**", r"(a)\1")
JMESPATHS: Final = ("a[", "a.", "nosuch(a)", "length(a, b)", "a | | b", "'a")
TEMPLATES: Final = ("{{", "{{ end }}", "{{ nosuch 1 }}", "{{ if true }}", "{{ 'ab' }}", "{{ upper }}", "{{ .a b. }}")
LABEL_KEYS: Final = ("a b", "-a", "Upper_/a", "a/b/c", "x" * 64)
LABEL_VALUES: Final = ("a b", "-a", "a/b", "x" * 64)


@dataclass(frozen=True, slots=True)
class Field:
    """form: what belongs there; wrong: texts that do not; keys: keys that a free mapping may not have.

    unless: a sibling beside which the text is not read.
    """

    form: str = TEXT
    is_required: bool = False
    wrong: Sequence[str] = ()
    keys: Sequence[str] = ()
    unless: str = ""


def _below(base: str, fields: Mapping[str, Field]) -> dict[str, Field]:
    return {f"{base}.{path}" if path else base: field for path, field in fields.items()}


_SOURCE: Final = {
    "": Field(STRUCT),
    "key": Field(is_required=True, wrong=("",)),
    "name": Field(wrong=("a b", "a/b", "..", LONG), unless="jmesPath"),
    "versionStage": Field(),
    "versionId": Field(),
    "kmsEndpoint": Field(wrong=ENDPOINTS),
    "jmesPath": Field(LIST),
    "jmesPath[]": Field(STRUCT),
    "jmesPath[].path": Field(is_required=True, wrong=JMESPATHS),
    "jmesPath[].objectAlias": Field(is_required=True, wrong=("a b", LONG)),
    "secretStoreRef": Field(STRUCT),
    "secretStoreRef.name": Field(is_required=True, wrong=("", *NAMES)),
    "secretStoreRef.namespace": Field(wrong=LABELS, unless="kind"),
    "secretStoreRef.kind": Field(wrong=("secretstore", "ClusterStore", "Store", "SecretStore ")),
}
_EXTRACT: Final = {path: field for path, field in _SOURCE.items() if path != "name" and not path.startswith("jmesPath[].")} | {
    "name": Field(),
    "jmesPath[].path": Field(is_required=True, wrong=("a[", "a.", "'a")),
    "jmesPath[].objectAlias": Field(is_required=True),
}
_TEMPLATE_SOURCE: Final = {
    "": Field(STRUCT),
    "name": Field(is_required=True, wrong=("", *NAMES)),
    "items": Field(LIST, is_required=True),
    "items[]": Field(STRUCT),
    "items[].key": Field(is_required=True, wrong=ITEM_KEYS),
    "items[].templateAs": Field(wrong=("values", "Keys", "KeysAndValue")),
}
_TEMPLATE: Final = {
    "": Field(STRUCT),
    "data": Field(MAP, keys=("a b", "a/b")),
    "data.*": Field(wrong=TEMPLATES),
    "type": Field(),
    "mergePolicy": Field(wrong=("replace", "Append", "Merge ")),
    "metadata": Field(STRUCT),
    "metadata.labels": Field(MAP, keys=("a b", "-a", "Upper", "under_score")),
    "metadata.labels.*": Field(wrong=("{{", "a b", "{{ nosuch 1 }}", "x" * 64)),
    "metadata.annotations": Field(MAP, keys=("a b", "-a", "Upper", "under_score")),
    "metadata.annotations.*": Field(wrong=("{{", "{{ nosuch 1 }}")),
    "templateFrom": Field(LIST),
    "templateFrom[]": Field(STRUCT),
    **_below("templateFrom[].configMap", _TEMPLATE_SOURCE),
    **_below("templateFrom[].secret", _TEMPLATE_SOURCE),
    "templateFrom[].literal": Field(wrong=TEMPLATES),
    "templateFrom[].target": Field(wrong=("data", "Label", "Metadata")),
}
_EXTERNAL: Final = {
    "": Field(STRUCT),
    "provider": Field(wrong=("KMS", "Oos", "vault", "kms ")),
    "type": Field(),
    "rotationInterval": Field(wrong=DURATIONS),
    "data": Field(LIST),
    **_below("data[]", _SOURCE),
    "dataProcess": Field(LIST),
    "dataProcess[]": Field(STRUCT),
    **_below("dataProcess[].extract", _EXTRACT),
    "dataProcess[].replaceRule": Field(LIST),
    "dataProcess[].replaceRule[]": Field(STRUCT),
    "dataProcess[].replaceRule[].source": Field(is_required=True, wrong=REGEXES),
    "dataProcess[].replaceRule[].target": Field(is_required=True, wrong=("$9", "${nosuch}", "a b$0")),
    "target": Field(STRUCT),
    "target.name": Field(wrong=NAMES),
    **_below("target.template", _TEMPLATE),
}
_META: Final = {
    "": Field(STRUCT),
    "name": Field(is_required=True, wrong=("", *NAMES)),
    "namespace": Field(wrong=LABELS),
    "labels": Field(MAP, keys=LABEL_KEYS),
    "labels.*": Field(wrong=LABEL_VALUES),
    "annotations": Field(MAP, keys=LABEL_KEYS),
    "annotations.*": Field(),
}
_SELECTOR: Final = {
    "": Field(STRUCT),
    "matchLabels": Field(MAP, keys=LABEL_KEYS),
    "matchLabels.*": Field(wrong=LABEL_VALUES),
    "matchExpressions": Field(LIST),
    "matchExpressions[]": Field(STRUCT),
    "matchExpressions[].key": Field(is_required=True, wrong=("", *LABEL_KEYS)),
    "matchExpressions[].operator": Field(is_required=True, wrong=("", "in", "Equals", "IN", "Gt")),
    "matchExpressions[].values": Field(LIST),
    "matchExpressions[].values[]": Field(wrong=LABEL_VALUES),
}
_CONDITION: Final = {
    "": Field(STRUCT),
    "namespaces": Field(LIST),
    "namespaces[]": Field(wrong=("", "team-*", *LABELS)),
    "namespaceRegexes": Field(LIST),
    "namespaceRegexes[]": Field(wrong=REGEXES),
    **_below("namespaceSelector", _SELECTOR),
}
_KEY_REF: Final = {
    "": Field(STRUCT),
    "name": Field(is_required=True, wrong=("", *NAMES)),
    "key": Field(is_required=True, wrong=("", "a b", "a/b")),
    "namespace": Field(wrong=LABELS),
}
_AUTH: Final = {
    "": Field(STRUCT),
    **_below("accessKey", _KEY_REF),
    **_below("accessKeySecret", _KEY_REF),
    "ramRoleARN": Field(wrong=ROLES),
    "ramRoleSessionName": Field(),
    "oidcProviderARN": Field(wrong=PROVIDERS),
    "oidcTokenFilePath": Field(),
    "roleSessionExpiration": Field(wrong=EXPIRATIONS),
    "remoteRamRoleARN": Field(wrong=ROLES),
    "remoteRamRoleSessionName": Field(),
    "serviceAccountRef": Field(STRUCT),
    "serviceAccountRef.name": Field(is_required=True, wrong=("", *NAMES)),
    "serviceAccountRef.namespace": Field(wrong=LABELS),
    "serviceAccountRef.audiences": Field(LIST),
    "serviceAccountRef.audiences[]": Field(),
}
_STORE: Final = {
    "": Field(STRUCT, is_required=True),
    "KMS": Field(STRUCT, is_required=True),
    **_below("KMS.KMSAuth", {**_AUTH, "": Field(STRUCT, is_required=True)}),
    "OOS": Field(STRUCT, is_required=True),
    **_below("OOS.OOSAuth", {**_AUTH, "": Field(STRUCT, is_required=True)}),
}
_CONDITIONS: Final = {"conditions": Field(LIST), **_below("conditions[]", _CONDITION)}
_TOP: Final = {
    "apiVersion": Field(wrong=("alibabacloud.com/v1", "alibabacloud.com/v1beta1", "alibabacloud.com")),
    **_below("metadata", _META),
}
_KIND: Final = Field(is_required=True, wrong=("externalsecret", "ExternalSecrets", "SecretsStore", "Secret", "CSS"))


def _kind(spec: Mapping[str, Field]) -> dict[str, Field]:
    return {**_TOP, "kind": _KIND, **_below("spec", spec)}


_CLUSTER_EXTERNAL: Final = {
    "": Field(STRUCT, is_required=True),
    **_below("externalSecretSpec", {**_EXTERNAL, "": Field(STRUCT, is_required=True)}),
    "externalSecretName": Field(wrong=NAMES),
    "externalSecretMetadata": Field(STRUCT),
    "externalSecretMetadata.labels": Field(MAP, keys=LABEL_KEYS),
    "externalSecretMetadata.labels.*": Field(wrong=LABEL_VALUES),
    "externalSecretMetadata.annotations": Field(MAP, keys=LABEL_KEYS),
    "externalSecretMetadata.annotations.*": Field(),
    "namespaceSelectors": Field(LIST),
    **_below("namespaceSelectors[]", _SELECTOR),
    **_CONDITIONS,
    "rotationInterval": Field(wrong=DURATIONS),
}
FIELDS: Final[Mapping[str, Mapping[str, Field]]] = {
    "ExternalSecret": _kind(_EXTERNAL),
    "SecretStore": _kind(_STORE),
    "ClusterSecretStore": _kind({**_STORE, **_CONDITIONS}),
    "ClusterExternalSecret": _kind(_CLUSTER_EXTERNAL),
}
REFERENCES: Final = (
    "secretStoreRef.name",
    "serviceAccountRef.name",
    "accessKey.name",
    "accessKey.key",
    "accessKeySecret.name",
    "accessKeySecret.key",
    "configMap.name",
    "configMap.items[].key",
    "secret.name",
    "secret.items[].key",
)
"""Ends of paths that name an object of the set, or a key of one."""


def misspelt(key: str) -> Iterator[str]:
    """Yield a field's name with typing mistakes that make no other field's name."""
    yield f"{key}x"
    yield key[:-1] if len(key) > 3 else f"{key}{key}"
    yield key[0].swapcase() + key[1:]
    yield f"{key[:-2]}{key[-1]}{key[-2]}" if key[-1] != key[-2] else f"x{key}"
