"""An Explanation as a tree for people: characters every terminal has, one style word a line.

The texts come from manifests and may hold anything: control characters are taken out here, so that no object commands a
terminal. Source: spec/cli.md 3 (explain).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Final

Line = tuple[str, str]
"""A style (title, plain, good, bad, quiet) and the text."""

_STYLES: Final = {"title": "bold", "plain": "", "good": "green", "bad": "red", "quiet": "dim", "warn": "yellow"}
_CONTROLS: Final = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F)), " ")
_ACTIONS: Final = {
    "write": "writes the complete Secret",
    "merge": "writes what could be read and keeps the rest",
    "skip": "writes nothing, the Secret stays as it is",
    "delete": "DELETES the Secret",
}
_LEVELS: Final = {"error": "bad", "warning": "warn", "info": "quiet"}
_MAX_ROWS: Final = 12


def document_lines(document: Mapping[str, Any]) -> Iterator[Line]:
    """Yield everything: settings once, then objects, then cluster resources."""
    items: Sequence[Mapping[str, Any]] = document["items"]
    for settings in [item["settings"] for item in items][:1]:
        yield "title", "Settings"
        yield from _clean(("quiet", f"|- {one['name']}: {_value(one['value'])} ({one['origin']})") for one in settings)
        yield "plain", ""
    for item in items:
        yield from item_lines(item)
        yield "plain", ""
    for resource in document.get("clusterResources", ()):
        yield from cluster_lines(resource)
        yield "plain", ""


def write_tree(out: IO[str], lines: Iterable[Line], *, colour: bool | None) -> None:
    """Write lines, coloured through rich on a terminal. colour: True or False force it, None asks the stream."""
    wanted = out.isatty() if colour is None else colour
    if not wanted:
        out.writelines(f"{text}\n" for _, text in lines)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=out, force_terminal=True, highlight=False, soft_wrap=True, no_color=False)
    for style, text in lines:
        console.print(Text(text, style=_STYLES[style]))


def item_lines(item: Mapping[str, Any]) -> Iterator[Line]:
    """Yield the tree of one ExternalSecret."""
    return _clean(_item_lines(item))


def _item_lines(item: Mapping[str, Any]) -> Iterator[Line]:
    obj, target = item["object"], item["target"]
    parent = f" (child of {item['parent']['kind']} {item['parent']['name']})" if item["parent"] else ""
    yield "title", f"{obj['kind']} {obj['namespace']}/{obj['name']}{parent}"
    if item["reason"]:
        yield "bad", f"|- {item['decision']}: {item['reason']}"
    for entry in item["entries"]:
        version = " ".join(part for part in (entry["versionId"], entry["versionStage"]) if part)
        yield (
            "plain",
            f"|- {entry['entry']} {entry['backendKey']}{' @ ' + version if version else ''} ({entry['provider'] or '?'})",
        )
        for style, line in _entry_lines(entry):
            yield style, f"|  |- {line}"
    for note in item["templates"]:
        yield "warn", f"|- template {note}"
    for found in item["findings"]:
        yield _LEVELS[found["severity"]], f"|- {finding_text(found)}"
    yield from _failure_lines(item["failures"])
    yield "plain", f"|- requeue: {item['requeue']}"
    yield "plain", f"|- on deletion: {item['deletion']['reason']}"
    if item["live"]:
        yield from _live_lines(item["live"])
    exists = {True: "exists", False: "does not exist yet", None: ""}[target["exists"]]
    described = f"Secret {target['namespace']}/{target['name']} ({target['type']}{', ' + exists if exists else ''})"
    yield "plain", f"`- {described}: {keys_text(target['keys'])}"


def _entry_lines(entry: Mapping[str, Any]) -> Iterator[Line]:
    store = entry["store"]
    yield "plain", f"client: {entry['clientName']}" + (f" ({store['kind']} {store['name']})" if store else " (environment)")
    for gate in entry["gates"]:
        yield (
            ("good" if gate["allowed"] else "bad"),
            f"gate {gate['name']}: {'open' if gate['allowed'] else 'CLOSED'}: {gate['rule']}",
        )
    if entry["endpoint"]:
        yield "plain", f"endpoint: {entry['endpoint']} (rule: {entry['endpointRule']}, CA: {entry['ca']})"
    for link in entry["chain"]:
        used = link["used"]
        yield ("good" if used else "quiet"), f"tier {link['tier']}: {'USED' if used else 'skipped'}: {link['reason']}"
    if entry["errorClass"]:
        yield "bad", f"FAILS ({entry['errorClass']}): {entry['reason']}"
    for call in entry["calls"]:
        yield "plain", f"call {call_text(call)}"
    if entry["fallback"]:
        yield "warn", f"a failed token request leads to tier {entry['fallback']}"
    for note in entry["notes"]:
        yield "warn", f"note: {note}"
    yield "plain", f"keys: {keys_text(entry['outputs'])}"


def call_text(call: Mapping[str, Any]) -> str:
    """Return one call as a line."""
    params = " ".join(f"{name}={_value(value)}" for name, value in call["parameters"].items())
    where = f" at {call['host']}" if call["host"] else ""
    signer = f", signed by {call['signedBy']}" if call["signedBy"] else ""
    return f"{call['service']} {call['action']} {params}".rstrip() + where + signer


def finding_text(found: Mapping[str, Any]) -> str:
    """Return one finding of the linter as a line: severity, code, object and message."""
    obj = found["object"]
    name = f"{obj['namespace']}/{obj['name']}" if obj["namespace"] else obj["name"]
    return f"{found['severity']} {found['code']} {found['name']}: {obj['kind']} {name}: {found['message']}"


def _failure_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    if not rows:
        return
    yield "plain", "|- when sources fail:"
    shown = [*rows[: _MAX_ROWS - 2], *rows[-2:]] if len(rows) > _MAX_ROWS else rows
    for row in shown:
        yield ("bad" if row["action"] == "delete" else "plain"), f"|  |- {failure_text(row)}"
    if len(shown) < len(rows):
        yield "quiet", f"|  |- and {len(rows) - len(shown)} more, see -o json"


def failure_text(row: Mapping[str, Any]) -> str:
    """Return one scenario of the failure contract as a sentence."""
    flag = " with cleanupSecretOnFailure" if row["cleanupSecretOnFailure"] else ""
    kept = keys_text(row["keeps"]) if row["keeps"] else ""
    return f"{row['scenario']}{flag}: {_ACTIONS[row['action']]}" + (f" (old values of {kept})" if kept else "")


def _live_lines(live: Mapping[str, Any]) -> Iterator[Line]:
    words = {True: "the same spec is live", False: "the live spec DIFFERS", None: "the object is not live"}
    yield ("good" if live["sameSpec"] else "warn"), f"|- live: {words[live['sameSpec']]}"
    target = live["target"]
    for word, style in (("missing", "bad"), ("other", "warn"), ("present", "good")):
        if target[word]:
            yield style, f"|  |- keys {word}: {', '.join(target[word])}"
    if target["exists"]:
        owner = target["owner"] or "no controller owner"
        yield "plain", f"|  |- owner: {owner}; written by {', '.join(target['managers']) or 'unknown'}"
    for text in (target["needsAdopt"], target["problem"]):
        if text:
            yield "warn", f"|  |- {text}"


def cluster_lines(resource: Mapping[str, Any]) -> Iterator[Line]:
    """Yield the tree of one cluster resource."""
    return _clean(_cluster_lines(resource))


def _cluster_lines(resource: Mapping[str, Any]) -> Iterator[Line]:
    obj = resource["object"]
    yield "title", f"{obj['kind']} {obj['name']}"
    for one in resource.get("namespaces", ()):
        yield (
            ("good" if one["allowed"] else "quiet"),
            f"|- {one['namespace']}: {'admitted' if one['allowed'] else 'refused'}: {one['rule']}",
        )
    for one in resource.get("usedBy", ()):
        yield "plain", f"|- used by ExternalSecret {one['namespace']}/{one['name']}"
    for one in resource.get("children", ()):
        yield "good", f"|- {one['namespace']}: ExternalSecret {one['name']} -> Secret {one['secret']}"
    for one in resource.get("failed", ()):
        yield "bad", f"|- {one['namespace'] or '(no namespace)'}: FAILS: {one['reason']}"
    for one in resource.get("takesOver", ()):
        yield "bad", f"|- TAKES OVER ExternalSecret {one['namespace']}/{one['name']}, which belongs to {one['owner']}"
    for one in resource.get("removes", ()):
        yield "bad", f"|- REMOVES ExternalSecret {one['namespace']}/{one['name']} and its Secret: {one['reason']}"
    if "children" in resource:
        yield "plain", f"|- requeue: {resource['requeue']}"
        yield "plain", f"`- on deletion: its {len(resource['children'])} children and their Secrets go"


def keys_text(keys: Any) -> str:
    """Return keys as a list for people."""
    if isinstance(keys, Mapping):
        return ", ".join([*keys["known"], "(more, depending on the values)"])
    return ", ".join(keys) or "(none)"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(str(one) for one in value) or "(none)"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value != "" else '""'


def _clean(lines: Iterable[Line]) -> Iterator[Line]:
    for style, text in lines:
        yield style, cleaned(text)


def cleaned(text: str, *, keep: str = "") -> str:
    """Return a text without characters that command a terminal or turn the direction of writing. keep: such that stay."""
    return text.translate({code: mark for code, mark in _CONTROLS.items() if chr(code) not in keep} if keep else _CONTROLS)
