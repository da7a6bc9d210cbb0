"""An Explanation as Markdown for pull request comments: a table an object, the tree behind a fold.

Source: spec/cli.md 3 (explain).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kubectl_asm.report.explanation_tree import Line, cleaned, cluster_lines, document_lines, item_lines, keys_text
from kubectl_asm.report.markdown import cell


def markdown_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the document."""
    items: Sequence[Mapping[str, Any]] = document["items"]
    for item in items:
        yield from _item(item)
    for resource in document["clusterResources"]:
        lines = list(cluster_lines(resource))
        yield f"### {_inline(lines[0][1])}"
        yield ""
        yield from _fence(lines[1:])
    if items:
        settings = [line for line in document_lines({"items": [{**items[0], "entries": []}]}) if line[0] == "quiet"]
        yield from _folded("Settings", settings)


def _item(item: Mapping[str, Any]) -> Iterator[str]:
    lines = list(item_lines(item))
    yield f"### {_inline(lines[0][1])}"
    yield ""
    if item["reason"]:
        yield f"**{item['decision']}**: {_inline(item['reason'])}"
        yield ""
    if item["entries"]:
        yield "| Entry | Backend key | Endpoint | Tier | Keys | Verdict |"
        yield "| --- | --- | --- | --- | --- | --- |"
        yield from (_row(entry) for entry in item["entries"])
        yield ""
    yield from _folded("Everything that was decided", lines[1:])


def _row(entry: Mapping[str, Any]) -> str:
    verdict = f"fails ({entry['errorClass']}): {_cell(entry['reason'])}" if entry["errorClass"] else "reads"
    cells = (entry["entry"], entry["backendKey"], entry["endpoint"] or "-", entry["tier"] or "-", keys_text(entry["outputs"]))
    return "| " + " | ".join(f"`{_cell(text)}`" for text in cells) + f" | {verdict} |"


def _folded(title: str, lines: Sequence[Line]) -> Iterator[str]:
    yield f"<details><summary>{title}</summary>"
    yield ""
    yield from _fence(lines)
    yield "</details>"
    yield ""


def _fence(lines: Sequence[Line]) -> Iterator[str]:
    yield "```text"
    yield from (text.replace("```", "'''") for _, text in lines)
    yield "```"
    yield ""


def _inline(text: str) -> str:
    return _cell(text).replace("[", "\\[").replace("*", "\\*").replace("@", "@\u200b")


def _cell(text: str) -> str:
    return cell(cleaned(text))
