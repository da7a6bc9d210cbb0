"""Effective settings of a command: gathers every source and asks manifest/settings_sources.py which one wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubectl_asm import wiring
from kubectl_asm.adapters.files import read_file
from kubectl_asm.cli.options import ProcessEnvironment
from kubectl_asm.cli.setting_options import config_path, setting_flags
from kubectl_asm.engine.endpoints import with_present_ca
from kubectl_asm.engine.scope import ScopeConflictError, check_scope
from kubectl_asm.errors import UsageError
from kubectl_asm.manifest.settings_sources import DeploymentFlags, EffectiveSettings, resolve_settings
from kubectl_asm.model.settings import Settings


@dataclass(frozen=True, slots=True)
class Chosen:
    """The settings of a command and how they came about.

    controller_account: NS/NAME of the ServiceAccount of the controller whose settings these are, empty without one.
    unknown: settings whose value nobody here can tell.
    """

    settings: Settings
    profile_is_decided: bool
    warnings: tuple[str, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    controller_account: str = ""
    unknown: frozenset[str] = frozenset()


def choose_settings(
    values: Mapping[str, Any],
    process: ProcessEnvironment,
    *,
    one_shot: bool,
    cluster: wiring.Cluster | None = None,
    neighbour: wiring.Neighbour | None = None,
) -> Chosen:
    """Return the effective settings. Raises UsageError, InputError, and ClusterError for --from-deployment."""
    deployment = neighbour.deployment if neighbour else None
    if values.get("from_deployment"):
        if cluster is None:
            raise UsageError("--from-deployment needs a cluster", hint="offline, use --helm-values FILE")
        deployment = wiring.deployment_flags(cluster, values["from_deployment"])
    effective = _resolve(values, process, one_shot=one_shot, deployment=deployment)
    try:
        check_scope(effective.settings)
    except ScopeConflictError as error:
        raise UsageError(str(error)) from None
    notes = (*effective.warnings, *(neighbour.notes if neighbour else ()))
    if deployment is not None:
        notes = (f"using the settings of Deployment {deployment.name} (image tag {deployment.tag or 'unknown'})", *notes)
    settings = with_present_ca(effective.settings, lambda path: Path(path).is_file())
    account = deployment.service_account if deployment is not None else ""
    return Chosen(settings, effective.profile_is_decided, notes, effective.origins, account, effective.unknown)


def _resolve(
    values: Mapping[str, Any], process: ProcessEnvironment, *, one_shot: bool, deployment: DeploymentFlags | None
) -> EffectiveSettings:
    config = config_path(values)
    helm = values.get("helm_values")
    return resolve_settings(
        one_shot=one_shot,
        asm_yaml=read_file(config) if config else None,
        helm_values=read_file(Path(helm)) if helm else None,
        deployment=deployment,
        environment=process.variables,
        flags=setting_flags(values),
    )


def shown_settings(chosen: Chosen) -> list[dict[str, Any]]:
    """Return the settings that differ from their default or decide identity and endpoints, with their origin."""
    always = ("compat", "region", "kms_endpoint", "auth_order", "enable_worker_role")
    names = [name for name, origin in chosen.origins.items() if name in always or origin != "default"]
    return [
        {"name": name, "value": plain(getattr(chosen.settings, name)), "origin": chosen.origins.get(name, "default")}
        for name in sorted(names)
    ]


def plain(value: Any) -> Any:
    """Return a setting's value for output."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, bool | int):
        return value
    if hasattr(value, "total_seconds"):
        return f"{value.total_seconds():g}s"
    return str(value)
