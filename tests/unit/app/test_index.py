"""Who uses what, in both directions, and nothing left of what is gone."""

from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_asm.app.index import UseIndex
from kubectl_asm.model.objects import ObjectRef


def secret(name):
    return ObjectRef("Secret", "shop", name)


def user(name):
    return ObjectRef("ExternalSecret", "shop", name)


def test_new_uses_take_the_place_of_old_ones():
    index = UseIndex()
    index.put(user("a"), frozenset({secret("x"), secret("y")}))
    index.put(user("a"), frozenset({secret("y"), secret("z")}))
    assert [index.users_of(secret(name)) for name in "xyz"] == [(), (user("a"),), (user("a"),)]


def test_users_are_sorted():
    index = UseIndex()
    for name in "cab":
        index.put(user(name), frozenset({secret("x")}))
    assert index.users_of(secret("x")) == (user("a"), user("b"), user("c"))


def test_a_kind_is_used_as_long_as_anybody_uses_it():
    index = UseIndex()
    index.put(user("a"), frozenset({secret("x")}))
    assert index.uses_kind("Secret")
    assert not index.uses_kind("ConfigMap")
    index.drop(user("a"))
    assert not index.uses_kind("Secret")


def test_dropping_what_was_never_there_is_fine():
    UseIndex().drop(user("a"))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.frozensets(st.sampled_from("uvwxyz"), max_size=4))))
@settings(max_examples=60, deadline=None)
def test_the_reverse_is_always_that_of_the_latest_uses_and_nothing_else_is_kept(steps):
    index, latest = UseIndex(), {}
    for name, uses in steps:
        if uses is None:
            index.drop(user(name))
            latest.pop(name, None)
        else:
            index.put(user(name), frozenset(map(secret, uses)))
            latest[name] = uses
    for used in "uvwxyz":
        assert index.users_of(secret(used)) == tuple(user(name) for name in sorted(latest) if used in latest[name])
    for name in "abc":
        index.drop(user(name))
    assert not index._users
    assert not index._uses
