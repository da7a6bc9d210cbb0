"""Where every setting comes from: all sources in, effective settings with their origins out. Pure.

Order, weakest first: defaults, profile, `.asm.yaml`, Helm values, Deployment, `ASM_*` environment, flags. The strongest
profile presets what no source gives explicitly; the version of a Deployment counts as a profile.
Source: spec/operation.md 1 and 3, spec/versions.md 2, spec/controller.md 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.manifest.settings_deployment import (
    DeploymentFlags,
    parse_version,
    read_deployment_flags,
    version_origin,
    version_settings,
)
from kubectl_asm.manifest.settings_fields import FIELDS
from kubectl_asm.manifest.settings_files import read_config, read_helm_values
from kubectl_asm.manifest.settings_given import Given, Reading, read_environment, read_flags
from kubectl_asm.model.settings import ONE_SHOT, PROFILES, Settings

__all__ = ["DeploymentFlags", "EffectiveSettings", "Given", "resolve_settings"]

_DECIDING: Final = ("compat", "extract_json_strings")
_OWN_TO_ONE_SHOT: Final[Mapping[str, frozenset[str]]] = {
    "cleanup_secret_on_failure": frozenset({"flags"}),
    "enable_worker_role": frozenset({"asm_yaml", "helm_values", "environment", "flags"}),
}
"""Settings a one-shot command takes from these sources only (spec/operation.md 3, spec/auth.md 3)."""


class EffectiveSettings(msgspec.Struct, frozen=True):
    """Settings of a command. origins: every field; unknown: fields whose value nobody here can tell (their default stands).

    profile_is_decided: somebody chose the profile, the form of extracted strings, or runs a controller of known version.
    """

    settings: Settings
    origins: Mapping[str, str]
    profile_is_decided: bool
    unknown: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = msgspec.field(default=())


def resolve_settings(
    *,
    one_shot: bool,
    asm_yaml: SourceText | None = None,
    helm_values: SourceText | None = None,
    deployment: DeploymentFlags | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> EffectiveSettings:
    """Return the settings all sources together give. environment: variables of the process; flags: by field name.

    Raises InputError with the place of a bad value in a file, UsageError naming the flag or variable otherwise.
    """
    readings = {
        "asm_yaml": read_config(asm_yaml) if asm_yaml else Reading(),
        "helm_values": read_helm_values(helm_values) if helm_values else Reading(),
        "deployment": read_deployment_flags(deployment) if deployment else Reading(),
        "environment": read_environment(environment or {}),
        "flags": read_flags(flags or {}),
    }
    found, refused = _strongest(readings, one_shot=one_shot)
    presets = _presets(found, deployment, one_shot=one_shot)
    watch = found.get("environment_watch_namespace", presets["environment_watch_namespace"])
    fallbacks = _fallbacks(readings, is_honoured=watch.value)
    effective = {**presets, **refused, **fallbacks, **found}
    unknown = _unknown(readings, deployment) - found.keys() - fallbacks.keys()
    note = " (not known: not written in --helm-values)" if deployment is None else " (not known: set by the pod's environment)"
    return EffectiveSettings(
        Settings().replaced({name: given.value for name, given in effective.items()}),
        {name: given.origin + (note if name in unknown else "") for name, given in effective.items()},
        any(name in found for name in _DECIDING),
        unknown,
        tuple(text for reading in readings.values() for text in reading.warnings),
    )


def _strongest(readings: Mapping[str, Reading], *, one_shot: bool) -> tuple[dict[str, Given], dict[str, Given]]:
    """Return the strongest explicit value of every field, and defaults in place of values that are not inherited."""
    found: dict[str, Given] = {}
    refused: dict[str, Given] = {}
    for source, reading in readings.items():
        for name, given in reading.values.items():
            if one_shot and given.value and source not in _OWN_TO_ONE_SHOT.get(name, readings):
                refused[name] = Given(False, f"default (one-shot; not inherited from {given.origin})")
            else:
                found[name] = given
    return found, refused


def _presets(found: Mapping[str, Given], deployment: DeploymentFlags | None, *, one_shot: bool) -> dict[str, Given]:
    """Return every field as the defaults and the profile in force preset it."""
    defaults = Settings()
    presets = {one.name: Given(getattr(defaults, one.name), "default") for one in FIELDS}
    if one_shot:
        presets |= {name: Given(value, "default (one-shot)") for name, value in ONE_SHOT.items()}
    compat = found.get("compat", presets["compat"])
    presets |= _profile(compat, deployment)
    return {**presets, "compat": compat}


def _profile(compat: Given, deployment: DeploymentFlags | None) -> dict[str, Given]:
    """Return what the profile presets; the version of the Deployment when no stronger source named a profile."""
    changes, origin = PROFILES[compat.value], f"profile {compat.value}"
    if deployment is not None and compat.origin == version_origin(deployment):
        changes, origin = version_settings(parse_version(deployment.tag) or (0, 0, 0)), compat.origin
    return {name: Given(value, origin) for name, value in changes.items()}


def _fallbacks(readings: Mapping[str, Reading], *, is_honoured: bool) -> dict[str, Given]:
    """Return WATCH_NAMESPACE, which the 0.6.2 README promises and no released controller reads (spec/controller.md 2)."""
    return {**readings["helm_values"].fallbacks, **readings["environment"].fallbacks} if is_honoured else {}


def _unknown(readings: Mapping[str, Reading], deployment: DeploymentFlags | None) -> frozenset[str]:
    """Return the fields nobody can tell: a Deployment tells them all, but for values taken from the pod's environment."""
    source = "deployment" if deployment is not None else "helm_values"
    return frozenset(readings[source].unknown)
