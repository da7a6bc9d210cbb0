"""A good manifest that is broken in one place is reported in that place, whatever broke it.

docs/generate_mutations.py does the same with the rules' own snippets too, counts, and writes the list of what is not.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.rules.mutation.breaking import mutations
from tests.rules.mutation.fields import FIELDS
from tests.rules.mutation.survey import ROOT, GoodSet, good_sets, survey

PAGE = (ROOT / "docs" / "reference" / "mutations.md").read_text(encoding="utf-8")
MANIFEST = """\
apiVersion: alibabacloud.com/v1alpha1
kind: ExternalSecret
metadata:
  name: app
spec:
  data:
  - key: a
    name: b
  rotationInterval: 1h
"""
EMPTY = {"foreign-external-secret", "kustomization", "empty", "only-comments"}
"""Good because there is nothing of ours in them."""
SETS = [one for one in good_sets() if not one.name.startswith("ASM")]


@pytest.mark.parametrize("good", SETS, ids=[one.name for one in SETS])
def test_mutation_of_a_good_manifest_is_reported_on_its_line_or_listed(good: GoodSet) -> None:
    result = survey(good)
    assert result.counts or good.name in EMPTY
    unlisted = [one.mutation for one in result.survivors if f"| `{one.mutation.path}` | {one.mutation.how} |" not in PAGE]
    assert unlisted == []


def test_sets_are_of_every_kind_and_broken_in_every_way() -> None:
    texts = [source.data.decode() for one in SETS for source in one.sources]
    found = Counter(mutation.how.partition(":")[0] for text in texts for mutation in mutations(text))
    assert set(found) == {
        "field renamed",
        "required field deleted",
        "wrong type",
        "value outside its syntax",
        "key outside its syntax",
        "reference broken",
    }
    assert all(any(f"kind: {kind}\n" in text for text in texts) for kind in FIELDS)


def test_mutation_changes_the_place_it_speaks_of() -> None:
    by_how = {(one.path, one.how): one for one in mutations(MANIFEST)}
    renamed = by_how["spec.data[].key", "field renamed: keyx"]
    assert renamed.text == MANIFEST.replace("key: a", "keyx: a")
    assert renamed.lines == {7}
    deleted = by_how["spec.data[].key", "required field deleted"]
    assert deleted.text == MANIFEST.replace("key: a\n    ", "")
    assert deleted.lines == {6, 7}
    assert by_how["spec.data", "wrong type: 7"].text == MANIFEST.replace("data:\n  - key: a\n    name: b", "data: 7")
    assert '"1d"' in by_how["spec.rotationInterval", 'value outside its syntax: "1d"'].text
