"""Hostile and huge manifests end in findings, soon: nothing in the linter grows with the square of its input.

Each text would take a minute or more, or memory without bound, under the mistake it is about. The limit is processor time.
"""

from __future__ import annotations

import time

import pytest

from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.rules.context import Choices
from kubectl_asm.rules.linting import lint
from kubectl_asm.rules.runner import Verdicts

LIMIT_S = 6.0
HEAD = "apiVersion: alibabacloud.com/v1alpha1\nkind: ExternalSecret\nmetadata: {name: app, namespace: shop}\nspec:\n"
ENTRY = "{key: a, name: 'b d'}"


def store(number: int) -> str:
    meta = f"{{name: store-{number}, namespace: shop}}"
    return f"apiVersion: alibabacloud.com/v1alpha1\nkind: SecretStore\nmetadata: {meta}\nspec: {{KMS: {{KMSAuth: {{}}}}}}\n"


def user(number: int) -> str:
    entry = f"{{key: a, secretStoreRef: {{name: stor-{number}}}}}"
    return HEAD.replace("name: app", f"name: app-{number}") + f"  data: [{entry}]\n"


def template(text: str) -> str:
    return f"{HEAD}  data: [{{key: a}}]\n  target: {{template: {{data: {{x: '{text}'}}}}}}\n"


HUGE = {
    "many template actions": (template("{{ .a }}" * 60_000), {}),
    "many template findings": (template("{{ .b }}" * 5_000), {"ASM703": 5_000}),
    "open template blocks": (template("{{ if .a }}" * 20_000), {"ASM701": 1}),
    "a number of many digits": (HEAD + f"  rotationInterval: {'9' * 100_000}\n", {"ASM210": 1}),
    "a duration of many digits": (HEAD + f"  rotationInterval: '{'9' * 100_000}x'\n", {"ASM210": 1}),
    "one long line": (HEAD + f"  data: [{','.join([ENTRY] * 4_000)}]\n", {"ASM502": 3_999, "ASM506": 4_000}),
    "many entries": (HEAD + "  data:\n" + "".join(f"  - {{key: k{i}}}\n" for i in range(20_000)), {}),
    "many suppressions": (HEAD + "  data:\n" + f"  # kubectl-asm: ignore[*]\n  - {ENTRY}\n" * 5_000, {}),
    "one suppression of many": (HEAD + f"  data: [{ENTRY}] # kubectl-asm: ignore[{','.join(['X'] * 50_000)}]\n", {"ASM506": 1}),
    "an annotation of many words": (
        HEAD.replace("shop}", f"shop, annotations: {{kubectl-asm/ignore: '{'X,' * 50_000}'}}}}")
        + f"  data: [{','.join([ENTRY] * 500)}]\n",
        {"ASM502": 499, "ASM506": 500},
    ),
    "one key again and again": (HEAD + "  provider: kms\n" * 5_000, {"ASM102": 4_999, "ASM501": 1}),
    "many keys twice": (HEAD + "".join(f"  a{i // 2}: b\n" for i in range(4_000)), {"ASM102": 2_000, "ASM203": 2_000}),
    "many near misses": ("---\n".join([*map(store, range(1_000)), *map(user, range(1_000))]), {"ASM301": 1_000}),
    "many tags": (HEAD + f"  data: [{','.join(['!x {key: a}'] * 3_000)}]\n", {"ASM103": 3_000, "ASM502": 2_999}),
    "nested parentheses": (template("{{ " + "(" * 20_000), {"ASM701": 1}),
    "a query of many brackets": (
        HEAD + f"  data: [{{key: a, jmesPath: [{{path: '{'[' * 20_000}', objectAlias: b}}]}}]\n",
        {"ASM603": 1},
    ),
    "a nested list": (HEAD + f"  data: {'[' * 10_000}{']' * 10_000}\n", {"ASM106": 1}),
    "a list in a list in a list": (HEAD + f"  data:\n  {'- ' * 10_000}a\n", {"ASM106": 1}),
    "an anchor that contains itself": (HEAD + "  data: &a [*a]\n", {"ASM104": 1}),
    "a constructor": (HEAD + "  data: !!python/object/apply:os.system ['exit 1']\n", {"ASM103": 1}),
}


def counts(found: Verdicts) -> dict[str, int]:
    codes = [one.finding.code for one in found.findings]
    return {code: codes.count(code) for code in sorted({*codes})}


@pytest.mark.parametrize(("text", "wanted"), HUGE.values(), ids=HUGE)
def test_input_ends_in_findings_soon(text: str, wanted: dict[str, int]) -> None:
    start = time.process_time()
    found = lint([SourceText("in.yaml", text.encode())], Choices())
    assert time.process_time() - start < LIMIT_S
    told = counts(found)
    assert {code: told.get(code) for code in wanted} == wanted
    assert "ASM000" not in told


def test_aliases_that_expand_without_bound_are_one_finding() -> None:
    levels = [f"  l{i}: &l{i} [{','.join([f'*l{i - 1}' if i else 'x'] * 10)}]\n" for i in range(30)]
    assert counts(lint([SourceText("in.yaml", (HEAD + "".join(levels)).encode())], Choices())) == {"ASM105": 1}


@pytest.mark.parametrize("data", [b"a: \x00", b"a: \xff", b"a: \xed\xa0\x80", "a: {".encode("utf-16"), b"\xef\xbb\xbfa: \xff"])
def test_text_that_is_none_is_one_finding(data: bytes) -> None:
    assert counts(lint([SourceText("in.yaml", data)], Choices())) == {"ASM101": 1}
