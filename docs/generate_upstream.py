"""Write docs/serve/upstream-flags.md: what ack-secret-manager's flags, variables and Helm values are here.

Usage: python docs/generate_upstream.py [--check]
Without arguments the page is written; with --check nothing is written and the exit code is 1 when it is stale.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from kubectl_asm.cli.options import UPSTREAM_VARIABLES
from kubectl_asm.cli.serve import command as serve
from kubectl_asm.engine.controller_pod import SECRET_VARIABLES
from kubectl_asm.manifest.settings_fields import RETIRED, all_fields, format_value
from kubectl_asm.model.settings import PROFILES

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).parent / "serve" / "upstream-flags.md"
VALUES = ROOT / "deploy" / "helm" / "kubectl-asm" / "values.yaml"

DEFAULTS = {
    "backend": ("alicloud-kms", "alicloud-kms"),
    "region": ("", ""),
    "kms-endpoint": ("", ""),
    "polling-interval": ("120s", "120s"),
    "disable-polling": ("false", "false"),
    "reconcile-period": ("5s", "5s"),
    "reconcile-count": ("1", "1"),
    "token-rotation-period": ("120s", "0"),
    "max-concurrent-secret-pulls": ("10", "10"),
    "max-concurrent-kms-secret-pulls": ("10", "10"),
    "max-concurrent-oos-secret-pulls": ("10", "10"),
    "enable-worker-role": ("true", "false"),
    "cleanup-secret-on-failure": ("false", "false"),
    "process-cluster-secret-store": ("true", "true"),
    "process-cluster-external-secret": ("true", "true"),
    "enable-cross-namespace-secret-store": ("true", "false"),
    "enable-cross-namespace-auth-ref": ("true", "false"),
    "cluster-id": ("", ""),
    "uid": ("", ""),
    "watch-namespaces": ("", ""),
    "exclude-namespaces": ("", ""),
    "kubeconfig": ("", ""),
}
"""Defaults of ack-secret-manager 0.6.2 and 0.6.7 (spec/controller.md 1)."""

NOTES = {
    "backend": "accepted, no effect; it names no fixtures file here",
    "reconcile-period": "accepted, no effect: stores are watched, and failures have a back-off of their own",
    "reconcile-count": "another name of `--workers`, whose default is 16",
    "token-rotation-period": "accepted, no effect, as upstream",
    "max-concurrent-secret-pulls": "deprecated name of `--max-concurrent-kms-secret-pulls`, as upstream",
    "max-concurrent-kms-secret-pulls": "the same bucket; 0 here: unlimited",
    "max-concurrent-oos-secret-pulls": "the same bucket; 0 here: unlimited",
    "watch-namespaces": "cluster resources stay on unless `--scope-disables-cluster-controllers` or their flags switch them off",
    "exclude-namespaces": "0.6.2 rejects every namespace when only this list is given; here all but the listed are served",
    "cleanup-secret-on-failure": "the same: deletes the Secret when every key failed, for whatever reason",
    "kubeconfig": "the same",
}

VARIABLES = {
    "WATCH_NAMESPACE": "stands in for `--watch-namespaces`, but for `--compat=0.6.7`; no released controller reads it",
    "POD_NAME": "identity of the replica, for Leases and logs",
    "POD_NAMESPACE": "namespace of the Leases, through `--lease-namespace=$(POD_NAMESPACE)`",
    "OPERATOR_NAME": "ignored, as upstream",
}

OF_VALUES = {
    "env": "the same; `OPERATOR_NAME` is dropped",
    "envVarsFromSecret": "the same",
    "rrsa": "the same",
    "command": "the flags above; what is not given is not passed on, so the profile decides",
    "crds": "`createClusterSecretStore`, `createClusterExternalSecret` the same; `install` and `keep` are new",
    "image": "the same, and `digest`",
    "cleanupImage": "accepted, no effect: no job deletes resources; `kubectl asm release` lets them go",
    "securityContext": "merged into the pod's, which passes `restricted` without it",
    "rbac": "the same; the rights are fewer (`kubectl asm manifests rbac`)",
    "replicaCount": "2",
    "resources": "no CPU limit by default",
}


def cell(value: str) -> str:
    """Return a value as code; a dash for the empty text."""
    return f"`{value}`" if value else "–"


def check() -> None:
    """Fail when the table and the program disagree about what upstream's flags are."""
    known = {name.removeprefix("--") for parameter in serve.params for name in parameter.opts}
    upstream = {one.flag for one in all_fields() if one.helm} | {"backend", "reconcile-period", "reconcile-count", "kubeconfig"}
    if upstream != DEFAULTS.keys() or not upstream <= known:
        raise SystemExit(
            f"flags of upstream: {sorted(upstream ^ DEFAULTS.keys())}, not known to serve: {sorted(upstream - known)}"
        )
    missing = set(re.findall(r"--([a-z-]+)", " ".join(NOTES.values()))) - known
    if missing or not OF_VALUES.keys() <= values().keys():
        raise SystemExit(f"named and not there: {sorted(missing)} {sorted(OF_VALUES.keys() - values().keys())}")


def values() -> dict[str, Any]:
    """Return the values of the chart."""
    found: dict[str, Any] = yaml.safe_load(VALUES.read_text(encoding="utf-8"))
    return found


def flags() -> Iterator[str]:
    """Yield the rows of flags."""
    fields = {one.flag: one for one in all_fields()}
    retired = {one.field.flag for one in RETIRED}
    yield "| flag | 0.6.2 | 0.6.7 | here | with `--compat=0.6.7` | Helm value | difference |"
    yield "|---|---|---|---|---|---|---|"
    for flag, (old, new) in DEFAULTS.items():
        one = fields.get(flag)
        ours = newer = helm = ""
        if one is not None:
            helm = one.helm
        if one is not None and flag not in retired:
            ours = format_value(one.default)
            newer = format_value(PROFILES["0.6.7"].get(one.name, one.default))
        helm = helm or {"reconcile-period": "command.reconcilePeriod", "reconcile-count": "command.reconcileCount"}.get(flag, "")
        cells = (f"`--{flag}`", *map(cell, (old, new, ours, newer, helm)), NOTES.get(flag, "the same"))
        yield "| " + " | ".join(cells) + " |"


def variables() -> Iterator[str]:
    """Yield the rows of variables."""
    yield "| variable | key that upstream proposes in the Secret | here |"
    yield "|---|---|---|"
    for name in UPSTREAM_VARIABLES:
        note = {
            "ALICLOUD_OIDC_TOKEN_FILE": "read, but for `--compat=0.6.7`; upstream documents it and reads its fixed path",
            "ALICLOUD_ROLE_SESSION_EXPIRATION": "sent, but for `--compat=0.6.7`; upstream documents it and ignores it",
        }.get(name, "read")
        yield f"| `{name}` | {cell(SECRET_VARIABLES.get(name, ''))} | {note} |"
    for name, note in VARIABLES.items():
        yield f"| `{name}` | – | {note} |"


def chart() -> Iterator[str]:
    """Yield the rows of values."""
    yield "| value | here |"
    yield "|---|---|"
    for name, note in OF_VALUES.items():
        yield f"| `{name}` | {note} |"
    new = [f"`{name}`" for name in values() if name not in OF_VALUES and name not in SAME]
    yield ""
    yield f"The same: {', '.join(f'`{name}`' for name in SAME)}. New: {', '.join(new)}. A value of any other name is refused."


SAME = (
    "imagePullSecrets",
    "nameOverride",
    "fullnameOverride",
    "serviceAccount",
    "podAnnotations",
    "podLabels",
    "nodeSelector",
    "affinity",
    "tolerations",
)


def page() -> str:
    """Return the whole page."""
    check()
    return "\n".join(
        [
            "<!-- Generated by docs/generate_upstream.py: do not edit. -->",
            "# What upstream's flags, variables and values are here",
            "",
            "`kubectl asm serve` takes the arguments of an ack-secret-manager Deployment as they stand, with one dash or two.",
            "All settings: [settings](../reference/settings.md). How to move: [migration](migration.md).",
            "",
            "## Flags",
            "",
            *flags(),
            "",
            "## Environment of the pod",
            "",
            *variables(),
            "",
            "## Helm values",
            "",
            "The chart `deploy/helm/kubectl-asm` takes a values file that was written for the ack-secret-manager chart.",
            "",
            *chart(),
            "",
        ]
    )


def main() -> int:
    """Write or check the page; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the page is stale instead of writing it")
    text = page()
    if not parser.parse_args().check:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    print("upstream-flags.md is stale: run docs/generate_upstream.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
