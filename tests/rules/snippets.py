"""The Bad and Good snippets of rule docstrings as manifests, with what their marks promise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from textwrap import dedent, indent

from kubectl_asm.model.settings import profile_settings
from kubectl_asm.rules.base import Rule
from kubectl_asm.rules.context import TOLD_BY_COMPONENT, Choices
from kubectl_asm.rules.linting import parse_target

_MARK = re.compile(r"# (?P<how><-|anywhere:|with (?P<setting>.+): <-) (?P<code>ASM\d{3})$")


@dataclass(frozen=True)
class Snippet:
    """A manifest. line: where the finding must be, 0 for anywhere, -1 for none; setting: words behind `with`."""

    text: str
    line: int
    setting: str = ""


def snippet_of(rule: Rule, title: str) -> Snippet:
    """Return the Bad or Good snippet of a rule."""
    _, _, rest = rule.doc.partition(f"\n{title}::\n")
    body = re.split(r"\n(?=Good::|Source:)", rest)[0]
    text = manifest(dedent(body).strip("\n") + "\n", rule)
    for number, line in enumerate(text.split("\n"), start=1):
        if match := _MARK.search(line):
            assert match["code"] == rule.meta.code
            return Snippet(text, 0 if match["how"] == "anywhere:" else number, match["setting"] or "")
    return Snippet(text, -1)


def choices_of(snippet: Snippet) -> Choices:
    """Return the settings a snippet's mark speaks of."""
    word, _, value = snippet.setting.partition("=")
    settings = profile_settings(value if word == "--compat" else "0.6.2", one_shot=True)
    unknown = TOLD_BY_COMPONENT - {"cluster_id", "uid"} if "cluster id" in snippet.setting else TOLD_BY_COMPONENT
    return Choices(settings, unknown, parse_target(value) if word == "--target" else None)


def manifest(text: str, rule: Rule) -> str:
    """Return a snippet as a whole object: one without apiVersion is the spec of the rule's first kind."""
    if "apiVersion:" in text:
        return text
    kind = rule.meta.kinds[0]
    head = f"apiVersion: alibabacloud.com/v1alpha1\nkind: {kind}\nmetadata: {{name: example, namespace: shop}}\nspec:\n"
    return head + indent(text, "  ")
