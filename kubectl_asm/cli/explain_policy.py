"""explain --policy: what the explained objects need of RAM, of roles' trust, of Kubernetes and of the network."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kubectl_asm import wiring
from kubectl_asm.cli import exits
from kubectl_asm.cli.session import say
from kubectl_asm.engine.calls import Hosts
from kubectl_asm.engine.policies import Subject
from kubectl_asm.engine.policies_rbac import NAME
from kubectl_asm.errors import UsageError
from kubectl_asm.manifest.load import Manifests
from kubectl_asm.model.settings import Settings
from kubectl_asm.report.explanation import Explained
from kubectl_asm.wiring import explaining

POLICIES: Final = ("ram", "trust", "rbac", "network")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a policy is made of. form: yaml or json; issuer: of the cluster's tokens; bound_to: what --bind-to says."""

    session: wiring.Session
    items: list[Explained]
    settings: Settings
    hosts: Hosts
    form: str
    issuer: str = ""
    bound_to: str = ""
    manifests: Manifests | None = None
    is_everywhere: bool = False


def write_policy(policy: str, asked: Asked) -> int:
    """Print the policies of one kind; return 1 when something is left out of them."""
    subjects = explaining.subjects_of(asked.items)
    is_complete = _tell_left_out(asked.items)
    return exits.OK if _WRITERS[policy](asked, subjects) and is_complete else exits.FOUND


def _ram(asked: Asked, subjects: list[Subject]) -> bool:
    from kubectl_asm.engine.policies_ram import ram_policies
    from kubectl_asm.report import policies

    ram = ram_policies(subjects)
    policies.write_policies(sys.stdout, "ram", ram.policies, asked.form)
    for problem in ram.problems:
        say(f"{problem.external}: {problem.entry}: {problem.reason}")
    return not ram.problems


def _trust(asked: Asked, subjects: list[Subject]) -> bool:
    from kubectl_asm.engine.policies_trust import Surroundings, trust_policies
    from kubectl_asm.report import policies

    around = Surroundings(asked.issuer, asked.hosts.controller)
    policies.write_policies(sys.stdout, "trust", trust_policies(subjects, asked.settings, around), asked.form)
    return True


def _network(asked: Asked, subjects: list[Subject]) -> bool:
    from kubectl_asm.engine.policies_egress import destinations
    from kubectl_asm.report import policies

    policies.write_destinations(sys.stdout, destinations(subjects, asked.hosts), asked.form)
    return True


def _rbac(asked: Asked, subjects: list[Subject]) -> bool:
    from kubectl_asm.engine.policies_rbac import expansion_rights, role_bindings, role_manifests, sync_rights
    from kubectl_asm.report import policies

    from_files = asked.manifests is not None
    session, settings = asked.session, asked.settings
    holder = _holder(asked.bound_to or f"serviceaccount:{session.namespace}/{NAME}")
    reads = explaining.recorded_reads(session, [subject.external for subject in subjects])
    rights = sync_rights(subjects, reads, settings, asked.hosts, from_files=from_files, everywhere=asked.is_everywhere)
    if from_files or asked.is_everywhere:
        plans = [plan for plan, _ in explaining.cluster_reach(session, asked.manifests).expansions]
        rights |= expansion_rights(plans, settings, from_files=from_files)
    roles = role_manifests(rights)
    policies.write_roles(sys.stdout, [*roles, *role_bindings(roles, holder)], asked.form)
    if not asked.bound_to:
        say(f"bound to ServiceAccount {session.namespace}/{NAME}; --bind-to names somebody else")
    return True


_WRITERS: Final = {"ram": _ram, "trust": _trust, "network": _network, "rbac": _rbac}


def _holder(text: str) -> Mapping[str, Any]:
    """Return the subject of a binding. Raises UsageError."""
    kind, _, name = text.partition(":")
    if kind in ("user", "group") and name:
        return {"kind": kind.capitalize(), "name": name, "apiGroup": "rbac.authorization.k8s.io"}
    namespace, _, short = name.partition("/")
    if kind == "serviceaccount" and namespace and short and "/" not in short:
        return {"kind": "ServiceAccount", "name": short, "namespace": namespace}
    raise UsageError(f'--bind-to "{text[:128]}" is nobody', hint="use user:NAME, group:NAME or serviceaccount:NS/NAME")


def _tell_left_out(items: list[Explained]) -> bool:
    """Say which entries no policy covers because they fail whatever is allowed."""
    left_out = [text for one in items for text in explaining.left_out(one)]
    for text in left_out:
        say(f"not covered: {text}")
    return not left_out
