"""Any expression over any document ends with a result, None, or one of two errors of our own, soon."""

from __future__ import annotations

import contextlib
import time

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kubectl_asm.engine import jmes
from kubectl_asm.engine.entries import EntryError, query_text
from kubectl_asm.model.sensitive import SecretBytes

WORDS = st.sampled_from(
    [
        "a",
        "b",
        "@",
        "*",
        ".",
        "[",
        "]",
        "[]",
        "[*]",
        "[?",
        "[0]",
        "[::-1]",
        "[::0]",
        "{",
        "}",
        ":",
        ",",
        "|",
        "||",
        "&&",
        "!",
        "(",
        ")",
        "&",
        "==",
        "!=",
        "<",
        ">=",
        "`1`",
        '`"\\ud800"`',
        "`[1,true]`",
        "`1e308`",
        "'x'",
        '"a"',
        "length(",
        "join(",
        "to_string(",
        "to_number(",
        "sort_by(",
        "max_by(",
        "map(",
        "merge(",
        "sum(",
        "avg(",
        "ceil(",
        "contains(",
        "keys(",
        "reverse(",
        "not_null(",
        "type(",
        "[@,@]",
        "{a:@,b:@}",
        "|[@,@][]",
    ]
)
PATHS = st.one_of(st.text(max_size=30), st.lists(WORDS, max_size=14).map("".join))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)),
    max_leaves=10,
)


@given(PATHS, VALUES, st.booleans())
@example("|".join(["[@,@]"] * 50), 1, True)
@example("|".join(["join(@,[@,@,@])"] * 50), "ab", True)
@example("ceil(a)", {"a": float("inf")}, True)
@example("(" * 2000 + "a" + ")" * 2000, {}, True)
@example("!" * 2000 + "a", {}, True)
@example("a[" + "9" * 5000 + "]", {"a": [1]}, True)
@settings(max_examples=600, deadline=None)
def test_an_expression_ends(path, value, integers_are_numbers):
    start = time.process_time()
    with contextlib.suppress(jmes.PathSyntaxError, jmes.PathBudgetError):
        result = jmes.evaluate(path, jmes.prepare(value, integers_are_numbers=integers_are_numbers))
        for is_json in (True, False):
            with contextlib.suppress(EntryError):
                text = query_text(result, is_json=is_json)
                assert text is None or SecretBytes.of_text(text) is not None
    assert time.process_time() - start < 3
