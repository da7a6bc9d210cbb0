"""Which objects belong to which shard, and which replica should hold which shards. Pure.

Every replica computes the same answer from the same list of Leases; who really holds a shard is settled by its Lease alone.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from kubectl_asm.model.objects import ObjectRef


def shard_of(ref: ObjectRef, shards: int) -> int:
    """Return the shard of an object, from 0: a hash of kind, namespace and name that no process and version changes."""
    return _hash(ref.kind, ref.namespace, ref.name) % shards if shards > 1 else 0


def assign(shards: int, members: Collection[str], held: Mapping[int, str] | None = None) -> dict[int, str]:
    """Return the member that should hold each shard; empty without members.

    Every member gets floor(shards / members) or one more. held: who holds a shard now. A member keeps what it holds up to
    its quota, so no more shards move than balance asks for; where a shard goes that has to move is decided by rendezvous
    hashing.
    """
    if not members:
        return {}
    present = {shard: member for shard, member in (held or {}).items() if member in members and 0 <= shard < shards}
    room = Counter(_quotas(shards, members, Counter(present.values())))
    kept: dict[int, str] = {}
    for shard, member in _by_affinity((shard, member) for shard, member in present.items()):
        if room[member] > 0:
            kept[shard] = member
            room[member] -= 1
    open_shards = [shard for shard in range(shards) if shard not in kept]
    candidates = ((shard, member) for shard in open_shards for member in members)
    for shard, member in _by_affinity(candidates):
        if shard not in kept and room[member] > 0:
            kept[shard] = member
            room[member] -= 1
    return kept


def _quotas(shards: int, members: Collection[str], holding: Mapping[str, int]) -> dict[str, int]:
    """Return how many shards each member gets; those who hold most get the odd ones."""
    least, odd = divmod(shards, len(members))
    order = sorted(members, key=lambda member: (-holding.get(member, 0), _hash(member)))
    return {member: least + (position < odd) for position, member in enumerate(order)}


def _by_affinity(pairs: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return pairs of shard and member, those first that suit each other best."""
    return sorted(pairs, key=lambda pair: (-_hash(str(pair[0]), pair[1]), pair))


def _hash(*parts: str) -> int:
    digest = hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")
