"""The diff of fixes: standard form, applied by patch, confined to its document."""

from __future__ import annotations

import subprocess
from pathlib import Path

from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.report.patches import patch


def diff(before: str, after: str, name: str = "a.yaml") -> str:
    return "".join(patch(SourceText(name, before.encode()), SourceText(name, after.encode())))


def test_equal_texts_have_no_diff() -> None:
    assert not diff("a: 1\n", "a: 1\n")


def test_lines_of_the_neighbour_are_no_context() -> None:
    text = "secret: hunter2\n---\na: 1\n---\nsecret: hunter2\n"
    assert diff(text, text.replace("a: 1", "a: 2")) == "--- a/a.yaml\n+++ b/a.yaml\n@@ -2,2 +2,2 @@\n ---\n-a: 1\n+a: 2\n"


def test_missing_line_end_is_told() -> None:
    assert diff("a: 1", "a: 2").count("\\ No newline at end of file\n") == 2


def test_patch_turns_the_old_text_into_the_new_one(tmp_path: Path) -> None:
    before = "".join(f"k{number}: 1\n" for number in range(40)) + "---\nx: 1\n---\ny: 1"
    after = before.replace("k3: 1", "k3: 2").replace("k30: 1", "k30: 2").replace("y: 1", "y: 2")
    (tmp_path / "a.yaml").write_text(before)
    subprocess.run(["patch", "-p1"], input=diff(before, after).encode(), cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "a.yaml").read_text() == after
