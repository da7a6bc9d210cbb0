"""The composition root: which adapters stand behind the ports of a command. The only package that knows app and adapters.

Offline sessions build no cluster or cloud client at all; heavy modules are imported by the functions that need them.
Source: design of one engine with three drivers; spec/operation.md 5, 6, 8, 9.
"""

from __future__ import annotations

from kubectl_asm.adapters.writers import ClientDryRun
from kubectl_asm.wiring.checks import (
    cluster_checks,
    credential_checks,
    endpoint_checks,
    failed_check,
    kubeconfig_check,
    local_source_checks,
    region_check,
    settings_checks,
)
from kubectl_asm.wiring.children import ChildChoice
from kubectl_asm.wiring.clouds import Cloud, CloudChoice, open_cloud
from kubectl_asm.wiring.clusters import Cluster, ClusterChoice, open_cluster
from kubectl_asm.wiring.emulation import emulator_world, template_environment
from kubectl_asm.wiring.identity import (
    Client,
    ClientScope,
    CredentialChoice,
    Resolved,
    check_source,
    clients_in_use,
    describe_source,
    expect_account,
    identify_all,
    patient,
    shown_clients,
)
from kubectl_asm.wiring.inputs import load_plain, manifests_of, read_fixtures, read_manifests, read_texts
from kubectl_asm.wiring.live import PassChoice, cluster_session, explaining_session
from kubectl_asm.wiring.neighbours import Neighbour, deployment_flags, look_around, watch_neighbour
from kubectl_asm.wiring.offline import offline_session
from kubectl_asm.wiring.passes import deletions, plan_pass, repeat_failed, sorted_objects, sync_pass
from kubectl_asm.wiring.releasing import held_objects, refuse_controllers, release_objects
from kubectl_asm.wiring.strictness import missing_keys, parent_of, with_failures
from kubectl_asm.wiring.views import existing_targets, select_live
from kubectl_asm.wiring.world import Session, World

__all__ = [
    "ChildChoice",
    "Client",
    "ClientDryRun",
    "ClientScope",
    "Cloud",
    "CloudChoice",
    "Cluster",
    "ClusterChoice",
    "CredentialChoice",
    "Neighbour",
    "PassChoice",
    "Resolved",
    "Session",
    "World",
    "check_source",
    "clients_in_use",
    "cluster_checks",
    "cluster_session",
    "credential_checks",
    "deletions",
    "deployment_flags",
    "describe_source",
    "emulator_world",
    "endpoint_checks",
    "existing_targets",
    "expect_account",
    "explaining_session",
    "failed_check",
    "held_objects",
    "identify_all",
    "kubeconfig_check",
    "load_plain",
    "local_source_checks",
    "look_around",
    "manifests_of",
    "missing_keys",
    "offline_session",
    "open_cloud",
    "open_cluster",
    "parent_of",
    "patient",
    "plan_pass",
    "read_fixtures",
    "read_manifests",
    "read_texts",
    "refuse_controllers",
    "region_check",
    "release_objects",
    "repeat_failed",
    "select_live",
    "settings_checks",
    "shown_clients",
    "sorted_objects",
    "sync_pass",
    "template_environment",
    "watch_neighbour",
    "with_failures",
]
