"""python -m tests.harness conformance|parity|lint PATH...: run cases and print one line a failing case, totals last."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

HISTORY = "v0.5.8"


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 1 when a case failed."""
    options = _parser().parse_args(arguments)
    suites = {"conformance": _conformance, "parity": _parity, "lint": _lint}
    rows = suites[options.suite](options)
    for name, passed, detail in rows:
        if not passed:
            print(f"{name}: {detail}")
    if options.json:
        report = [{"name": name, "passed": passed, "detail": detail} for name, passed, detail in rows]
        Path(options.json).write_text(json.dumps(report, indent=1) + "\n")
    failed = sum(not passed for _, passed, _ in rows)
    print(f"{len(rows) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.harness")
    parser.add_argument("suite", choices=("conformance", "parity", "lint"))
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--profile", choices=("seed", "v0.6.7"))
    parser.add_argument("--json")
    parser.add_argument("-k", dest="select", default="")
    parser.add_argument("--fail-fast", action="store_true")
    return parser


def _conformance(options: argparse.Namespace) -> list[tuple[str, bool, str]]:
    from .conformance import load_cases, run_case

    profiles = [options.profile] if options.profile else ["seed", "v0.6.7"]
    rows: list[tuple[str, bool, str]] = []
    history: list[str] = []
    for file, case in load_cases(options.paths):
        if options.select not in case["name"] and options.select not in case.get("area", "") and options.select not in file:
            continue
        if case.get("profile") == HISTORY:
            history.append(case["name"])
            continue
        for profile in profiles:
            if case.get("profile", profile) != profile:
                continue
            result = run_case(case, profile)
            if result.unverified:
                word = "agrees" if result.passed else f"differs: {'; '.join(result.problems)}"
                print(f"unverified {result.name}: {word}")
                continue
            rows.append((result.name, result.passed, "; ".join(result.problems)))
            if options.fail_fast and not result.passed:
                return rows
    if history:
        print(f"history ({HISTORY}), not run: {', '.join(history)}")
    return rows


def _parity(options: argparse.Namespace) -> list[tuple[str, bool, str]]:
    from .parity import run_parity

    results = run_parity(options.paths, select=options.select or None, fail_fast=options.fail_fast)
    return [(result.name, result.passed, result.detail) for result in results]


def _lint(options: argparse.Namespace) -> list[tuple[str, bool, str]]:
    from .lint import run_lint, topic_table

    results = run_lint(options.paths, select=options.select, fail_fast=options.fail_fast)
    for line in topic_table(results):
        print(line)
    return [(result.name, result.passed, result.detail) for result in results]


sys.exit(main())
