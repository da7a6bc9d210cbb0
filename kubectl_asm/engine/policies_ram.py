"""The RAM permissions that exactly these reads need, one document an identity. Pure.

Batch reads are not part of it: where they are refused, reads go one by one. Names are exact: one with a wildcard in it
would widen the policy, so it is reported and left out.
Source: spec/auth.md 11; spec/cloud-apis.md 1.7, 8.1, 8.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kubectl_asm.engine.endpoints import is_dedicated
from kubectl_asm.engine.policies import (
    ACCESS_KEY,
    VERSION,
    Owners,
    Policy,
    Principal,
    Problem,
    Subject,
    role_resource,
)
from kubectl_asm.model.backend import ClientPlan, Identity, Provider, Tier
from kubectl_asm.model.objects import ObjectRef

_HOST_REGION = re.compile(r"(?:kms|kms-vpc|oos|oos-vpc)\.([a-z0-9-]+)\.aliyuncs\.com", re.ASCII)
_SECRET_ARN = re.compile(r"acs:kms:([a-z0-9-]+):(\d+):secret/(.+)", re.ASCII)
_READ_SECRET: Final = ("kms:GetSecretValue",)
_READ_PARAMETER: Final = ("oos:GetSecretParameter",)
_DECRYPT: Final = ("kms:Decrypt",)
_ASSUME: Final = ("sts:AssumeRole",)
KEY_PLACEHOLDER: Final = "the keys that encrypt these secrets; narrow * to their ids"


@dataclass(slots=True)
class _Grants:
    """What one principal may do: actions to resources, and for whom."""

    allowed: dict[tuple[str, ...], set[str]] = field(default_factory=dict)
    objects: set[ObjectRef] = field(default_factory=set)

    def add(self, actions: tuple[str, ...], resource: str, ref: ObjectRef) -> None:
        self.allowed.setdefault(actions, set()).add(resource)
        self.objects.add(ref)


@dataclass(frozen=True, slots=True)
class RamPolicies:
    """The documents, and what is missing from them."""

    policies: tuple[Policy, ...]
    problems: tuple[Problem, ...] = ()


def ram_policies(subjects: Iterable[Subject]) -> RamPolicies:
    """Return the permissions of every identity behind these objects, sorted by identity."""
    grants: dict[Principal, _Grants] = {}
    problems: list[Problem] = []
    chosen = tuple(subjects)
    owners = Owners(chosen)
    for subject in chosen:
        for one, plan, identity in subject.readable():
            ref = subject.external.ref
            try:
                reader = owners.reader(plan, identity)
                wanted = [*_hops(owners, plan, identity), *_reads(reader, plan, one.entry.source.key)]
            except ValueError as error:
                problems.append(Problem(ref, str(one.entry), str(error)))
                continue
            for principal, actions, resource in wanted:
                grants.setdefault(principal, _Grants()).add(actions, resource, ref)
    policies = tuple(_policy(principal, grants[principal]) for principal in sorted(grants))
    return RamPolicies(policies, tuple(problems))


Grant = tuple[Principal, tuple[str, ...], str]


def _hops(owners: Owners, plan: ClientPlan, identity: Identity) -> Iterator[Grant]:
    """Yield the roles that are assumed with signed calls; AssumeRoleWithOIDC needs no permission, only trust."""
    if identity.tier is Tier.AK_ASSUME_ROLE:
        yield owners.key_owner(plan), _ASSUME, role_resource(identity.role_arn)
    if identity.hop is not None:
        yield owners.base(plan, identity), _ASSUME, role_resource(identity.hop.role_arn)


def _reads(reader: Principal, plan: ClientPlan, key: str) -> Iterator[Grant]:
    region = _region(plan)
    if "*" in key or "?" in key:
        raise ValueError(f'the name "{key[:128]}" holds a wildcard; a policy cannot name it exactly')
    if plan.provider is Provider.OOS:
        yield (
            reader,
            _READ_PARAMETER,
            f"acs:oos:{region}:{reader.account}:secretparameter/{key}",
        )
        yield reader, _READ_SECRET, f"acs:kms:{region}:{reader.account}:secret/oos/{key}"
        return
    arn = _SECRET_ARN.fullmatch(key)
    where = f"acs:kms:{arn[1]}:{arn[2]}" if arn else f"acs:kms:{region}:{reader.account}"
    yield reader, _READ_SECRET, f"{where}:secret/{arn[3] if arn else key}"
    # The shared gateway asks sessions for the secret only; long-term keys and the dedicated gateway need the key as well.
    if is_dedicated(plan.endpoint) or reader.kind == ACCESS_KEY:
        yield reader, _DECRYPT, f"{where}:key/*"


def _region(plan: ClientPlan) -> str:
    """Return the region of the secrets behind an endpoint, `*` where neither host nor settings say it."""
    match = _HOST_REGION.fullmatch(plan.endpoint)
    return match[1] if match else plan.region or "*"


def _policy(principal: Principal, grants: _Grants) -> Policy:
    allowed = grants.allowed
    statements: list[Mapping[str, Any]] = [
        {"Effect": "Allow", "Action": list(actions), "Resource": sorted(allowed[actions])} for actions in sorted(allowed)
    ]
    keys = sorted(allowed.get(_DECRYPT, ()))
    document = {"Version": VERSION, "Statement": statements}
    return Policy(principal, document, tuple(sorted(grants.objects)), dict.fromkeys(keys, KEY_PLACEHOLDER))
