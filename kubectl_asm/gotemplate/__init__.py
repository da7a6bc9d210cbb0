"""Go's text/template with Sprig's functions, in Python: parse, execute, analyse. Independent of the rest of the product.

    template = parse("host={{ .host | quote }}")
    output = template.execute({"host": "db"}, Environment(now=instant, random=source))

Everything an execution may know comes through its Environment; nothing here reads a clock, a file or the network.
Source: spec/templates.md section 3.
"""

from __future__ import annotations

from kubectl_asm.gotemplate.budget import Budget, Limits
from kubectl_asm.gotemplate.errors import BudgetError, TemplateError, TemplateExecError, TemplateSyntaxError
from kubectl_asm.gotemplate.funcs.signature import Environment, Function, FunctionError, Purity, RandomSource
from kubectl_asm.gotemplate.scan import Analysis, Issue, IssueKind, Place, analyse
from kubectl_asm.gotemplate.template import Template, parse

__all__ = [
    "Analysis",
    "Budget",
    "BudgetError",
    "Environment",
    "Function",
    "FunctionError",
    "Issue",
    "IssueKind",
    "Limits",
    "Place",
    "Purity",
    "RandomSource",
    "Template",
    "TemplateError",
    "TemplateExecError",
    "TemplateSyntaxError",
    "analyse",
    "parse",
]
