"""Who may take each role: the trust policies that exactly these objects need. Pure.

What no manifest says (the cluster's issuer, the RAM user of an AccessKey) stands there as a marked placeholder.
Source: spec/auth.md 4.3 and 5; spec/cloud-apis.md 3.4 and 8.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kubectl_asm.engine.identity import DEFAULT_AUDIENCE
from kubectl_asm.engine.policies import ROLE, VERSION, Owners, Policy, Principal, Subject, texts
from kubectl_asm.model.backend import ClientPlan, Identity, Tier
from kubectl_asm.model.objects import ObjectRef
from kubectl_asm.model.settings import Settings

ISSUER: Final = "<OIDC_ISSUER>"
CONTROLLER: Final = "<CONTROLLER_NAMESPACE>:<CONTROLLER_SERVICE_ACCOUNT>"
_MEANINGS: Final = {
    ISSUER: "issuer of the cluster's ServiceAccount tokens: give it with --oidc-issuer, or set --cluster-id and --region",
    CONTROLLER: "ServiceAccount of the controller: give it with --controller-service-account NS/NAME",
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What trust depends on beyond the objects. controller: (namespace, name) of the controller's ServiceAccount."""

    issuer: str = ""
    controller: tuple[str, str] | None = None


@dataclass(slots=True)
class _Trust:
    """Who takes one role: subjects by (provider, audiences), and RAM principals."""

    federated: dict[tuple[str, tuple[str, ...]], set[str]] = field(default_factory=dict)
    principals: set[str] = field(default_factory=set)
    objects: set[ObjectRef] = field(default_factory=set)


def trust_policies(subjects: Iterable[Subject], settings: Settings, around: Surroundings) -> tuple[Policy, ...]:
    """Return the trust policy of every role that these objects assume, sorted by role."""
    roles: dict[str, _Trust] = {}
    chosen = tuple(subjects)
    owners = Owners(chosen)
    for subject in chosen:
        for _, plan, identity in subject.readable():
            for role in _take(roles, owners, plan, identity, around):
                role.objects.add(subject.external.ref)
    return tuple(_policy(arn, roles[arn], settings, around) for arn in sorted(roles))


def _take(
    roles: dict[str, _Trust], owners: Owners, plan: ClientPlan, identity: Identity, around: Surroundings
) -> Iterable[_Trust]:
    taken = []
    if identity.tier in (Tier.SERVICE_ACCOUNT, Tier.TOKEN_FILE):
        trust = roles.setdefault(identity.role_arn, _Trust())
        key = (identity.oidc_provider_arn, tuple(sorted(identity.audiences or (DEFAULT_AUDIENCE,))))
        trust.federated.setdefault(key, set()).add(_subject(identity, around))
        taken.append(trust)
    elif identity.tier is Tier.AK_ASSUME_ROLE:
        trust = roles.setdefault(identity.role_arn, _Trust())
        trust.principals.add(_ram_name(owners.key_owner(plan)))
        taken.append(trust)
    if identity.hop is not None:
        trust = roles.setdefault(identity.hop.role_arn, _Trust())
        trust.principals.add(_ram_name(owners.base(plan, identity)))
        taken.append(trust)
    return taken


def _subject(identity: Identity, around: Surroundings) -> str:
    account = identity.service_account or around.controller
    return f"system:serviceaccount:{':'.join(account) if account else CONTROLLER}"


def _ram_name(principal: Principal) -> str:
    """Return a role's ARN, and a placeholder for whoever no manifest names."""
    return principal.name if principal.kind == ROLE else f"<ARN of {principal.name}>"


def _policy(arn: str, trust: _Trust, settings: Settings, around: Surroundings) -> Policy:
    statements: list[Mapping[str, Any]] = [
        _federated(provider, audiences, sorted(trust.federated[provider, audiences]), settings, around)
        for provider, audiences in sorted(trust.federated)
    ]
    if trust.principals:
        statements.append({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": sorted(trust.principals)}})
    document = {"Version": VERSION, "Statement": statements}
    text = str(document)
    placeholders = {token: meaning for token, meaning in _MEANINGS.items() if token in text}
    unnamed = (name for name in trust.principals if name.startswith("<"))
    placeholders |= dict.fromkeys(unnamed, "it stands in no manifest; ask the RAM console or kubectl asm whoami")
    return Policy(Principal(ROLE, arn), document, tuple(sorted(trust.objects)), placeholders)


def _federated(
    provider: str, audiences: tuple[str, ...], subjects: list[str], settings: Settings, around: Surroundings
) -> Mapping[str, Any]:
    claims = {"oidc:iss": issuer_of(provider, settings, around), "oidc:aud": texts(audiences), "oidc:sub": texts(subjects)}
    return {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Federated": [provider]},
        "Condition": {"StringEquals": claims},
    }


def issuer_of(provider: str, settings: Settings, around: Surroundings) -> str:
    """Return the issuer: as given, or ACK's own form for the cluster the provider belongs to, or the placeholder."""
    if around.issuer:
        return around.issuer
    cluster, region = settings.cluster_id, settings.region
    if cluster and region and provider.endswith(f":oidc-provider/ack-rrsa-{cluster}"):
        return f"https://oidc-ack-{region}.oss-{region}.aliyuncs.com/{cluster}"
    return ISSUER
