"""The hosts that reading these objects dials: for egress rules of a network. Pure.

They are the hosts of the calls that `explain` lists; the API server is not among them, its address is the kubeconfig's.
Source: spec/endpoints.md 1 and 5, spec/auth.md 6 and 7.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kubectl_asm.engine.calls import Hosts, calls_of
from kubectl_asm.engine.policies import Subject
from kubectl_asm.model.objects import ObjectRef


@dataclass(frozen=True, slots=True)
class Destination:
    """One host and port, which services are asked there, and for which objects."""

    host: str
    port: int
    services: tuple[str, ...]
    objects: tuple[ObjectRef, ...]


def destinations(subjects: Iterable[Subject], hosts: Hosts) -> tuple[Destination, ...]:
    """Return every destination, sorted by host and port."""
    services: dict[tuple[str, int], set[str]] = {}
    objects: dict[tuple[str, int], set[ObjectRef]] = {}
    for subject in subjects:
        for admission in subject.admissions:
            for call in calls_of(admission, hosts):
                if call.host:
                    place = _place(call.host, 80 if call.service == "metadata" else 443)
                    services.setdefault(place, set()).add(call.service)
                    objects.setdefault(place, set()).add(subject.external.ref)
    return tuple(Destination(*place, tuple(sorted(services[place])), tuple(sorted(objects[place]))) for place in sorted(services))


def _place(host: str, port: int) -> tuple[str, int]:
    """Split a port off, which only endpoints of --endpoint-policy=permissive have."""
    bare = host.partition("://")[2] or host
    name, colon, digits = bare.partition(":")
    return (name, int(digits)) if colon and digits.isdigit() else (bare, port)
