"""Functions that end a template. Called through the table in ``funcs/__init__.py``."""

from __future__ import annotations

from typing import NoReturn

from kubectl_asm.gotemplate.funcs.signature import Function, FunctionError

GROUP = "flow"


def fail(text: str) -> NoReturn:
    """End the template. Raises: FunctionError with the text, always."""
    raise FunctionError(text)


FUNCTIONS: tuple[Function, ...] = (Function("fail", GROUP, fail, ("string",), summary="End the template with an error text."),)
