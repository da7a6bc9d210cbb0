"""What least-privilege policies are made of: who reads, through whom, and what a policy cannot say exactly. Pure.

The policies themselves: policies_ram (permissions), policies_trust (who may take a role), policies_rbac (Kubernetes),
policies_egress (hosts). All start from the same admissions that `sync` executes.
Source: spec/auth.md 3, 5, 11; spec/cloud-apis.md 8.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kubectl_asm.engine.admit import EntryAdmission
from kubectl_asm.engine.failure_table import is_refused
from kubectl_asm.model.backend import AccessKeyPair, ClientPlan, Identity, Tier
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import ObjectRef

ROLE, ACCESS_KEY, WORKER_ROLE = "role", "accessKey", "workerRole"
VERSION: Final = "1"

_ROLE_ARN = re.compile(r"acs:ram::([^:*]+):role/([^:*?]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Subject:
    """One selected object with the admission of its entries."""

    external: ExternalSecret
    admissions: tuple[EntryAdmission, ...]

    def readable(self) -> Iterator[tuple[EntryAdmission, ClientPlan, Identity]]:
        """Yield the entries that are read, with the client and the identity that read them."""
        for one in self.admissions:
            if not is_refused(one) and one.plan is not None and one.plan.identity is not None:
                yield one, one.plan, one.plan.identity


@dataclass(frozen=True, slots=True, order=True)
class Principal:
    """Who holds a permission. name: the ARN of a role, or in words whose key or machine it is."""

    kind: str
    name: str

    @property
    def account(self) -> str:
        """The account of a role, `*` where it is not known."""
        match = _ROLE_ARN.fullmatch(self.name)
        return match[1] if match else "*"


@dataclass(frozen=True, slots=True)
class Policy:
    """One document for one principal. placeholders: text in the document to what has to stand there."""

    principal: Principal
    document: Mapping[str, Any]
    objects: tuple[ObjectRef, ...] = ()
    placeholders: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something no policy can say exactly, so it is left out."""

    external: ObjectRef
    entry: str
    reason: str


class Owners:
    """Who acts, with equal AccessKeys as one RAM user: which user it is, no manifest says, so it is named by its stores."""

    def __init__(self, subjects: Iterable[Subject]) -> None:
        keys: dict[str, AccessKeyPair] = {}
        for subject in subjects:
            for _, plan, identity in subject.readable():
                if identity.key is not None:
                    keys[_place(plan)] = identity.key
        groups: list[tuple[AccessKeyPair, list[str]]] = []
        for place in sorted(keys):
            same = next((places for key, places in groups if key == keys[place]), None)
            if same is None:
                groups.append((keys[place], [place]))
            else:
                same.append(place)
        self._owners = {
            place: Principal(ACCESS_KEY, f"the RAM user of the AccessKey of {', '.join(places)}")
            for _, places in groups
            for place in places
        }

    def key_owner(self, plan: ClientPlan) -> Principal:
        """Return the RAM user behind the credentials that a client is configured with."""
        place = _place(plan)
        return self._owners.get(place) or Principal(ACCESS_KEY, f"the identity of {place}")

    def base(self, plan: ClientPlan, identity: Identity) -> Principal:
        """Return who acts after the tier, before the cross-account hop."""
        if identity.tier is Tier.WORKER_ROLE:
            return Principal(WORKER_ROLE, "the worker role of the nodes")
        return Principal(ROLE, identity.role_arn) if identity.role_arn else self.key_owner(plan)

    def reader(self, plan: ClientPlan, identity: Identity) -> Principal:
        """Return whose credentials sign the read."""
        return Principal(ROLE, identity.hop.role_arn) if identity.hop is not None else self.base(plan, identity)


def _place(plan: ClientPlan) -> str:
    return "the environment" if plan.store is None else f"{plan.store[0]} {plan.store[1]}"


def role_resource(role_arn: str) -> str:
    """Return a role as policies name it (spec/cloud-apis.md 8.1). Raises ValueError for no role ARN."""
    match = _ROLE_ARN.fullmatch(role_arn)
    if match is None:
        raise ValueError(f'"{role_arn[:128]}" is no role ARN')
    return f"acs:ram:*:{match[1]}:role/{match[2]}"


def texts(values: Iterable[str]) -> str | list[str]:
    """Return one text alone, several as a sorted list, as policy documents are usually written."""
    found = sorted(set(values))
    return found[0] if len(found) == 1 else found
