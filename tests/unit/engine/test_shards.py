"""Which objects belong to which shard, and who should hold what."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_asm.engine.shards import assign, shard_of
from kubectl_asm.model.objects import ObjectRef

names = st.text("abcdefghij-0123456789", min_size=1, max_size=20)
members = st.sets(names, min_size=1, max_size=9)


def ref(number, kind="ExternalSecret"):
    return ObjectRef(kind, f"team-{number % 40}", f"db-{number}")


def test_the_shard_of_an_object_is_the_same_in_every_process_and_release():
    found = [
        shard_of(ObjectRef("ExternalSecret", "shop", "db"), 16),
        shard_of(ObjectRef("SecretStore", "shop", "db"), 16),
        shard_of(ObjectRef("ClusterExternalSecret", "", "db"), 16),
        shard_of(ObjectRef("ExternalSecret", "sho", "pdb"), 16),
    ]
    assert found == [13, 7, 6, 4]


def test_without_sharding_there_is_one_shard():
    assert {shard_of(ref(number), 1) for number in range(50)} == {0}


def test_objects_spread_evenly():
    counts = Counter(shard_of(ref(number), 8) for number in range(8000))
    assert len(counts) == 8
    assert all(850 < count < 1150 for count in counts.values())


@given(shards=st.integers(1, 40), members=members)
def test_every_shard_has_one_owner_and_nobody_more_than_one_above_another(shards, members):
    owners = assign(shards, members)
    assert sorted(owners) == list(range(shards))
    counts = Counter(owners.values())
    assert {counts[member] for member in members} <= {shards // len(members), -(-shards // len(members))}


@given(shards=st.integers(1, 40), members=members, data=st.data())
def test_nothing_moves_that_balance_does_not_move(shards, members, data):
    gone = st.sampled_from([*sorted(members), "gone"])
    held = data.draw(st.dictionaries(st.integers(0, shards - 1), gone))
    owners = assign(shards, members, held)
    kept = sum(owners[shard] == member for shard, member in held.items())
    counts = Counter(member for member in held.values() if member != "gone")
    least, odd = divmod(shards, len(members))
    richest = sorted((counts[member] for member in members), reverse=True)
    assert kept == sum(min(count, least + (place < odd)) for place, count in enumerate(richest))


@given(shards=st.integers(1, 40), members=members)
def test_an_assignment_that_is_in_force_is_final(shards, members):
    owners = assign(shards, members)
    assert assign(shards, members, owners) == owners


@given(shards=st.integers(1, 40), members=members, newcomer=names)
def test_somebody_who_comes_takes_a_share_and_nothing_else_moves(shards, members, newcomer):
    before = assign(shards, members)
    after = assign(shards, members | {newcomer}, before)
    moved = [shard for shard in before if before[shard] != after[shard]]
    assert all(after[shard] == newcomer for shard in moved)
    assert len(moved) <= -(-shards // len(members | {newcomer}))


@given(shards=st.integers(1, 40), members=st.sets(names, min_size=2, max_size=9), data=st.data())
def test_shards_of_somebody_who_leaves_are_all_that_moves(shards, members, data):
    before = assign(shards, members)
    leaver = data.draw(st.sampled_from(sorted(members)))
    after = assign(shards, members - {leaver}, before)
    assert all(after[shard] == before[shard] for shard in before if before[shard] != leaver)


@given(shards=st.integers(1, 20), members=st.lists(names, min_size=1, max_size=6, unique=True), data=st.data())
def test_everybody_comes_to_the_same_answer(shards, members, data):
    held = data.draw(st.dictionaries(st.integers(0, shards - 1), st.sampled_from(members)))
    shuffled = dict(data.draw(st.permutations(list(held.items()))))
    assert assign(shards, members, held) == assign(shards, data.draw(st.permutations(members)), shuffled)


@pytest.mark.parametrize("held", [{7: "a"}, {-1: "a"}, {0: "nobody"}])
def test_what_is_held_outside_of_the_division_does_not_count(held):
    assert assign(2, {"a"}, held) == {0: "a", 1: "a"}


def test_nobody_holds_anything_without_members():
    assert assign(3, set()) == {}
