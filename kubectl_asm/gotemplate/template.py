"""The stages in a row: text to tokens to trees to operations, and the execution of the result.

``parse`` remembers recent texts, so that rendering the same manifests again costs no second parse.
Source: spec/templates.md sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from kubectl_asm.gotemplate.compiler import compile_program
from kubectl_asm.gotemplate.errors import TemplateSyntaxError
from kubectl_asm.gotemplate.funcs import function_table
from kubectl_asm.gotemplate.funcs.signature import Environment, Function
from kubectl_asm.gotemplate.machine import Body, Machine
from kubectl_asm.gotemplate.parser import Program, parse_program
from kubectl_asm.gotemplate.values import GoMap, from_plain


class Template(msgspec.Struct, frozen=True, eq=False):
    """A parsed template; immutable, so one may be executed any number of times.

    program: the trees, for analyses; bodies: the compiled definitions by name.
    """

    name: str
    text: str
    program: Program
    bodies: Mapping[str, Body]

    def execute(self, data: Mapping[str, object], environment: Environment) -> bytes:
        """Return the output for the data, which becomes dot; the data itself is never changed.

        data: texts, or bytes that become texts unchecked; also numbers, booleans, None, lists and mappings. Uses up the
        environment's budget. Raises: TemplateExecError, BudgetError; TypeError for data of another type.
        """
        root = GoMap({key: from_plain(value) for key, value in data.items()})
        return Machine(self.bodies[self.name], self.text, root, environment).run()


@lru_cache(maxsize=512)
def _parse_cached(text: str, name: str, profile: str) -> Template:
    return _parse(text, name, function_table(profile))


def _parse(text: str, name: str, functions: Mapping[str, Function]) -> Template:
    try:
        program = parse_program(name, text, functions)
        return Template(name, text, program, compile_program(program, functions))
    except RecursionError:
        raise TemplateSyntaxError(_TOO_DEEP, go_text=f"template: {name}:1: {_TOO_DEEP}", line=1, source=text) from None


_TOO_DEEP: Final = "max expression depth exceeded"


def parse(text: str, *, name: str = "", functions: Mapping[str, Function] | None = None, profile: str = "seed") -> Template:
    """Return the template of a text.

    functions: another table than the profile's own; profile: ``seed`` or ``v0.6.7``. Raises: TemplateSyntaxError with
    line and, where Go's parser stood on the offending token, column; ValueError for an unknown profile.
    """
    return _parse_cached(text, name, profile) if functions is None else _parse(text, name, functions)
