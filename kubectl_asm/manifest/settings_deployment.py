"""Settings of a running controller: the flags of its Deployment, and what its version decides.

Our own controller is one too: its Deployment starts `serve`, it takes every setting as a flag, and its version decides nothing.

A version decides data, templates, identity and access. It never decides what a failed read may do to a Secret or how
strictly hosts and conditions are checked, and nothing about other people's objects.
Source: spec/controller.md 1, spec/versions.md 3, spec/operation.md 1, spec/auth.md 3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any, Final

import msgspec

from kubectl_asm.errors import UsageError
from kubectl_asm.manifest.settings_fields import BY_FLAG, BY_NAME, RETIRED, Kind, SettingField
from kubectl_asm.manifest.settings_given import Given, Reading, usable
from kubectl_asm.model.settings import PROFILES, AuthOrder, Collections, ExtractStrings

Version = tuple[int, int, int]

_NEWEST: Final = "0.6.7"
_OLDEST: Final = "0.6.2"
_EFFECTLESS: Final = frozenset({"backend", "reconcile-period", "reconcile-count", "kubeconfig"})
_FLAGS: Final[Mapping[str, SettingField]] = {
    **{flag: one for flag, one in BY_FLAG.items() if one.is_upstream},
    **{retired.field.flag: retired.field for retired in RETIRED},
}
_OWN_FLAGS: Final[Mapping[str, SettingField]] = {
    **_FLAGS,
    **{
        flag: one
        for flag, one in BY_FLAG.items()
        if not one.flag_only and one.name not in ("manage_finalizers", "process_deletions")
    },
}
_OWN_COMMAND: Final = "serve"
_SHELLS: Final = frozenset({"sh", "bash", "ash", "dash"})
_TAG: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?!\d)", re.ASCII)
_REFERENCE: Final = re.compile(r"(?<!\$)\$\([A-Za-z_][\w.-]*\)", re.ASCII)
_END: Final[Version] = (1_000_000, 0, 0)
_DATA: Final = (
    "replace_values",
    "jmespath_document_integers",
    "template_functions",
    "drop_invalid_template_keys",
    "annotation_dns_names",
)

_BY_VERSION: Final[tuple[tuple[Version, Version, Mapping[str, Any]], ...]] = (
    ((0, 0, 0), _END, {name: PROFILES[_NEWEST][name] for name in _DATA}),
    ((0, 5, 1), _END, {"extract_json_strings": ExtractStrings.RAW}),
    ((0, 0, 0), (0, 6, 5), {"jmespath_collections": Collections.YAML}),
    ((0, 0, 0), _END, {"oidc_session_name": "fixed", "session_expiration": False, "trim_access_keys": False}),
    ((0, 0, 0), _END, {"environment_watch_namespace": False}),
    ((0, 0, 0), (0, 6, 0), {"auth_order": AuthOrder.RRSA_FIRST}),
    ((0, 6, 0), (0, 6, 3), {"auth_order": AuthOrder.AK_FIRST}),
    ((0, 6, 3), (0, 6, 5), {"auth_order": AuthOrder.RRSA_FIRST, "oos_ignores_endpoint": False}),
    ((0, 6, 5), _END, {"oos_ignores_endpoint": False}),
    ((0, 0, 0), (0, 6, 5), {"default_session_name": ""}),
    ((0, 6, 4), _END, {"enable_cross_namespace_secret_store": False, "enable_cross_namespace_auth_ref": False}),
    ((0, 6, 4), (0, 6, 7), {"namespace_regex_mode": "fullmatch"}),
    ((0, 6, 7), _END, {"enable_worker_role": False, "scope_disables_cluster_controllers": True}),
)
"""(first version, first version without it, what these versions do). The changes of 0.6.5 in auth and in lists of
jmesPath are not verified for 0.6.3 and 0.6.4."""


class DeploymentFlags(msgspec.Struct, frozen=True):
    """How a controller was started. name: NAMESPACE/NAME; args: command and arguments; tag: of the image, or empty.

    service_account: NAMESPACE/NAME of what it runs as.
    """

    name: str
    args: tuple[str, ...]
    tag: str = ""
    service_account: str = ""

    @property
    def is_own(self) -> bool:
        """Whether it runs this program's controller."""
        return is_own_command(self.args)


def is_own_command(words: Sequence[str]) -> bool:
    """Return whether a command with its arguments starts `kubectl-asm serve`."""
    return _OWN_COMMAND in takewhile(lambda word: not _is_flag(word), words)


def read_deployment_flags(deployment: DeploymentFlags) -> Reading:
    """Return the flags of a Deployment and the profile of its version. Raises UsageError for a value no controller takes."""
    reading = Reading()
    origin = f"Deployment {deployment.name}"
    flags, effectless = (_OWN_FLAGS, None) if deployment.is_own else (_FLAGS, _EFFECTLESS)
    for flag, text in _flag_words(deployment.args, flags, reading.warnings, origin):
        one = flags.get(flag)
        place = f"{origin} (--{flag})"
        if one is None:
            # What our own controller does not share with other commands is no setting; it knows all flags it was started with.
            reading.warnings += [] if effectless is None or flag in effectless else [f"{place}: unknown flag, ignored"]
        elif _REFERENCE.search(text):
            reading.values.pop(one.name, None)
            reading.unknown.add(one.name)
            reading.warnings.append(f"{place}: the value comes from the pod's environment and is not known here")
        else:
            reading.unknown.discard(one.name)
            reading.values[one.name] = Given(usable(one, text.replace("$$", "$"), place), place)
    _add_profile(deployment, reading)
    return reading.settled()


def _add_profile(deployment: DeploymentFlags, reading: Reading) -> None:
    if deployment.is_own:
        reading.values.setdefault("compat", Given(BY_NAME["compat"].default, f"Deployment {deployment.name} (default)"))
        return
    version = parse_version(deployment.tag)
    if version is None:
        shown = f'tag "{deployment.tag[:64]}"' if deployment.tag else "missing tag"
        reading.warnings.append(f"Deployment {deployment.name}: the {shown} of the image tells no version")
        return
    compat = _NEWEST if version >= (0, 6, 5) else _OLDEST
    reading.values["compat"] = Given(compat, version_origin(deployment))


def version_origin(deployment: DeploymentFlags) -> str:
    """Return the origin of what a Deployment's version decides."""
    return f"Deployment {deployment.name} (version {deployment.tag})"


def parse_version(tag: str) -> Version | None:
    """Return the version an image tag begins with, None when it begins with none."""
    match = _TAG.match(tag)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def version_settings(version: Version) -> dict[str, Any]:
    """Return what a version does differently from the defaults."""
    changes: dict[str, Any] = {}
    for first, end, found in _BY_VERSION:
        if first <= version < end:
            changes |= found
    return changes


def _flag_words(
    args: tuple[str, ...], known: Mapping[str, SettingField], warnings: list[str], origin: str
) -> Iterator[tuple[str, str]]:
    """Yield (flag, text) of Go-style arguments; scanning ends at the first word that is none."""
    if args and args[0].rpartition("/")[2] in _SHELLS:
        warnings.append(f"{origin}: started through a shell, so its flags cannot be read")
        return
    words = list(args)
    while words and (not _is_flag(words[0])):
        words.pop(0)
    while words and _is_flag(words[0]):
        word = words.pop(0)
        flag, equals, text = word[2 if word.startswith("--") else 1 :].partition("=")
        yield flag, text if equals else _detached(flag, known.get(flag), words, origin)


def _is_flag(word: str) -> bool:
    return word.startswith("-") and word not in ("-", "--")


def _detached(flag: str, one: SettingField | None, words: list[str], origin: str) -> str:
    """Return the value of a flag written without equals sign; flags that are not known may have none."""
    if one is not None and one.kind is Kind.BOOL:
        return "true"
    if words and (one is not None or not words[0].startswith("-")):
        return words.pop(0)
    if one is None:
        return ""
    raise UsageError(f"{origin} (--{flag}): the value is missing")
