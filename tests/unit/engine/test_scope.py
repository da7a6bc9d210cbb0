"""Watch and exclude lists (controller.md 2 and 5)."""

import pytest

from kubectl_asm.engine.scope import ScopeConflictError, check_scope, in_scope, is_watched, parse_namespaces
from tests.unit.engine.worlds import settings


@pytest.mark.parametrize(
    ("text", "names"),
    [("a,b", ("a", "b")), (' "a, b ,,a" ', ("a", "b")), (" , ,", ()), ("", ()), ("a", ("a",))],
)
def test_lists(text, names):
    assert parse_namespaces(text) == names


def test_both_lists_naming_one_namespace_refuse_to_start():
    check_scope(settings(watch_namespaces=("a",), exclude_namespaces=("b",)))
    with pytest.raises(ScopeConflictError, match="b is both"):
        check_scope(settings(watch_namespaces=("a", "b"), exclude_namespaces=("b",)))


def test_scope():
    assert in_scope("x", settings())
    watched = settings(watch_namespaces=("a",))
    assert (in_scope("a", watched), in_scope("b", watched), is_watched("b", watched)) == (True, False, False)
    excluded = settings(exclude_namespaces=("b",))
    assert (in_scope("a", excluded), in_scope("b", excluded), is_watched("b", excluded)) == (True, False, True)
