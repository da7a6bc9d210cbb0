"""kubectl asm validate: lint manifests, offline. A command is thin: rules decide, reports print."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from kubectl_asm.adapters.files import STDIN_NAME, read_file, read_sources
from kubectl_asm.cli import exits
from kubectl_asm.cli.lint_settings import LintPlan, lint_plan
from kubectl_asm.cli.options import ProcessEnvironment, chart_of, cluster_options, input_options, process_environment
from kubectl_asm.cli.setting_options import config_path, controller_options, setting_flags
from kubectl_asm.errors import InputError, UsageError
from kubectl_asm.manifest.documents import Document, SourceText, parse_documents
from kubectl_asm.manifest.nodes import paused_gc
from kubectl_asm.manifest.settings_sources import DeploymentFlags, EffectiveSettings, resolve_settings
from kubectl_asm.report.findings import Report, baseline_text, make_report, read_baseline
from kubectl_asm.report.lint_forms import FORMS, write_report
from kubectl_asm.rules import RULES
from kubectl_asm.rules.context import Choices
from kubectl_asm.rules.linting import lint, lint_choices
from kubectl_asm.rules.runner import Located, Verdicts

EPILOG: Final = """\b
Examples:
  # everything in a folder, as a pull request check
  kubectl asm validate manifests/
  # with the settings of the release, and nothing outside of the folder exists
  kubectl asm validate -R manifests/ --helm-values values.yaml --closed-world
  # is the running controller new enough for these manifests?
  kubectl asm validate manifests/ --target 0.6.2
  # what a chart renders to
  kubectl asm validate --helm charts/shop --values values-prod.yaml
  # against what the cluster holds: stores, Secrets and their keys, ServiceAccounts, namespaces
  kubectl asm validate manifests/ --live
  # text on the terminal and SARIF for code scanning, in one run
  kubectl asm validate manifests/ -o text -o sarif=findings.sarif
  # mend what has one right answer; first look, then do it
  kubectl asm validate manifests/ --fix --dry-run
  kubectl asm validate manifests/ --fix
  # adopt it in an old repository: only new findings fail
  kubectl asm validate manifests/ --write-baseline .asm-baseline.json
  kubectl asm validate manifests/ --baseline .asm-baseline.json
"""

_LEVELS: Final[Mapping[str, int]] = {"error": 2, "warning": 1, "info": 0, "never": 99}


@click.command("validate", epilog=EPILOG)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@input_options
@click.option(
    "-n", "--namespace", default="", help="Namespace of objects that name none; with --live the context's.  [default: default]"
)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORM[=FILE]",
    help=f"Form of the report, may be repeated: {', '.join(FORMS)}. With =FILE it goes to a file.  [default: text]",
)
@click.option("--fail-on", type=click.Choice(list(_LEVELS)), help="Exit 1 from this severity on.  [default: error]")
@click.option("--select", "selected", multiple=True, metavar="CODE,...", help="Run only these rules (codes or names).")
@click.option("--ignore", "ignored", multiple=True, metavar="CODE,...", help="Do not run these rules.")
@click.option("--severity", "severities", multiple=True, metavar="CODE=LEVEL", help="Change how serious a rule is.")
@click.option("--baseline", default="", metavar="FILE", help="Findings of this file are not told again.")
@click.option("--write-baseline", default="", metavar="FILE", help="Write all findings into a baseline and exit 0.")
@click.option("--fix", "is_fixing", is_flag=True, help="Fix what has exactly one right answer, then report what is left.")
@click.option("--dry-run", "is_dry_run", is_flag=True, help="With --fix: print a diff and change no file.")
@click.option("--target", default="", metavar="VERSION", help="Release that runs: report what it does not know, e.g. 0.6.2.")
@click.option("--closed-world", is_flag=True, help="What is not in the input does not exist.")
@click.option("--live", "is_live", is_flag=True, help="Objects that are not in the input may be in the cluster: look there.")
@cluster_options
@controller_options
def command(**values: Any) -> int:
    """Check manifests: schema, references, access, endpoints, credentials, keys, templates.

    Nothing is contacted without --live."""
    with paused_gc():  # what a run makes lives as long as the run
        code = _validate(values)
        gc.freeze()  # and the process ends now: a collection would only look through all of it
        return code


def _validate(values: Mapping[str, Any]) -> int:
    forms = _forms(values["outputs"], is_stdout_taken=values["is_fixing"] and values["is_dry_run"])
    if values["is_dry_run"] and not values["is_fixing"]:
        raise UsageError("--dry-run goes with --fix", hint="validate itself changes nothing")
    process = process_environment()
    plan = lint_plan(values)
    known = _context(plan)
    sources = _sources(values, plan, process)
    choose = partial(_choices, values, plan, process)
    if values["is_live"]:
        from kubectl_asm.cli.lint_live import look_around  # only this loads the cluster's client

        sources = tuple(sources)
        choices, known = look_around(values, process, sources, known, choose)
    else:
        _refuse_cluster(values)
        choices = choose()
    if values["write_baseline"]:
        return _write_baseline(values["write_baseline"], lint(sources, choices, plan.selection, known))
    baseline = _baseline(plan.baseline)
    has_changes = False
    if values["is_fixing"]:
        from kubectl_asm.cli.fixes import fix  # only this loads the second YAML reader

        def judge(given: Sequence[SourceText]) -> Sequence[Located]:
            return make_report(lint(given, choices, plan.selection, known), baseline).findings

        run = fix(tuple(sources), judge, is_dry_run=values["is_dry_run"])
        sources, has_changes = run.sources, run.has_changes and values["is_dry_run"]
    report = make_report(lint(sources, choices, plan.selection, known), baseline)
    _write_reports(report, forms)
    return exits.FOUND if has_changes or report.worst >= _LEVELS[plan.fail_on] else exits.OK


def _choices(
    values: Mapping[str, Any], plan: LintPlan, process: ProcessEnvironment, deployment: DeploymentFlags | None = None
) -> Choices:
    """Return how to judge. deployment: the running controller's flags, where the cluster was asked for them."""
    effective = _effective(values, process.variables, deployment)
    for text in effective.warnings:
        click.echo(f"warning: {text}", err=True)
    namespace = values["namespace"] or "default"
    return lint_choices(effective, target=plan.target, closed_world=plan.closed_world, namespace=namespace)


def _refuse_cluster(values: Mapping[str, Any]) -> None:
    for name in ("cluster_dir", "from_deployment"):
        if values[name]:
            flag = f"--{name.replace('_', '-')}"
            hint = "without --live nothing but the input is looked at"
            more = "; offline, give the values of the release: --helm-values FILE" if name == "from_deployment" else ""
            raise UsageError(f"{flag} goes with --live", hint=hint + more)


def _sources(values: Mapping[str, Any], plan: LintPlan, process: ProcessEnvironment) -> Iterable[SourceText]:
    """Return what is judged: what is named, else what is piped in, else the paths of `.asm.yaml`."""
    names, stdin = (*values["filenames"], *values["paths"]), process.stdin
    if plan.paths and not names and not values["kustomize"] and not values["helm"]:
        piped = stdin.read() if stdin is not None else b""
        if piped.strip():
            return (SourceText(STDIN_NAME, piped),)
        return read_sources(plan.paths, recursive=True, is_left_out=plan.is_left_out)
    return read_sources(
        names,
        recursive=values["recursive"],
        kustomize=values["kustomize"],
        chart=chart_of(values),
        stdin=stdin,
        is_left_out=plan.is_left_out,
    )


def _context(plan: LintPlan) -> tuple[Document, ...]:
    """Return the documents of `.asm.yaml`'s context; what is wrong with them is told where they are judged."""
    sources = read_sources(plan.context, recursive=True) if plan.context else ()
    return tuple(part for source in sources for part in parse_documents(source) if isinstance(part, Document))


def _write_baseline(file: str, verdicts: Verdicts) -> int:
    _write_file(file, baseline_text(verdicts.findings))
    click.echo(f"{len(verdicts.findings)} findings written to {file}", err=True)
    return exits.OK


def _write_reports(report: Report, forms: Sequence[tuple[str, str]]) -> None:
    for form, file in forms:
        if file:
            with _opened(file) as out:
                write_report(out, report, form, RULES)
        else:
            write_report(sys.stdout, report, form, RULES)


def _effective(values: Mapping[str, Any], variables: Mapping[str, str], deployment: DeploymentFlags | None) -> EffectiveSettings:
    config, helm = config_path(values), values.get("helm_values")
    return resolve_settings(
        one_shot=True,
        asm_yaml=read_file(config) if config else None,
        helm_values=read_file(Path(helm)) if helm else None,
        deployment=deployment,
        environment=variables,
        flags=setting_flags(values),
    )


# -- options


def _forms(outputs: Sequence[str], *, is_stdout_taken: bool) -> list[tuple[str, str]]:
    """Return (form, file) of every -o; at most one goes to stdout, none when it is taken. Raises UsageError."""
    forms = []
    for output in outputs or (() if is_stdout_taken else ("text",)):
        form, _, file = output.partition("=")
        if form not in FORMS:
            raise UsageError(f'-o "{form[:64]}" is none of {", ".join(FORMS)}')
        forms.append((form, file))
    if is_stdout_taken and not all(file for _, file in forms):
        raise UsageError("the diff goes to stdout", hint="write the report to a file: -o json=FILE")
    if sum(not file for _, file in forms) > 1:
        raise UsageError("only one report can go to stdout", hint="write the others to files: -o sarif=FILE")
    return forms


def _baseline(file: str) -> frozenset[str]:
    if not file:
        return frozenset()
    for part in parse_documents(read_file(Path(file))):
        if isinstance(part, InputError):
            raise part
        try:
            return read_baseline(part.value)
        except ValueError as error:
            raise InputError(str(error), file=file) from None
    raise InputError("the baseline is empty", file=file)


def _opened(file: str) -> Any:
    try:
        return Path(file).open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or type(error).__name__}", file=file) from None


def _write_file(file: str, text: str) -> None:
    with _opened(file) as out:
        out.write(text)
