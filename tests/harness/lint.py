"""Run a lint corpus: good files stay silent, bad files are reported at the exact place (schema asm-lint-corpus/1)."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.manifest.settings_sources import resolve_settings
from kubectl_asm.rules.linting import lint, lint_choices

_ROOT = Path(__file__).parents[2]
_MEMORY = 1 << 30


class Result(NamedTuple):
    """One case: its name, whether it passed, what differs, and the topics it is about."""

    name: str
    passed: bool
    detail: str = ""
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reported:
    """One finding as the corpus compares it. file: as named in the case."""

    file: str
    line: int
    column: int
    end_column: int
    severity: str
    text: str
    code: str

    @property
    def counts(self) -> bool:
        """Whether it is an error or a warning."""
        return self.severity != "info"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}-{self.end_column} {self.severity} {self.code} {self.text[:100]}"


def run_lint(paths: Sequence[str], *, select: str = "", fail_fast: bool = False) -> list[Result]:
    """Run every case of the corpora at paths."""
    results: list[Result] = []
    for path in paths:
        for result in _corpus(Path(path), select):
            results.append(result)
            if fail_fast and not result.passed:
                return results
    return results


def _corpus(folder: Path, select: str) -> Iterator[Result]:
    corpus = yaml.load((folder / "cases.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    for case in corpus.get("good", ()):
        if select in case["name"]:
            yield _guarded(folder, {**case, "outcome": "clean", "maxFindings": 0}, ("good",))
    for case in corpus.get("cases", ()):
        topics = tuple(dict.fromkeys(finding["topic"] for finding in case.get("findings", ()) if "topic" in finding))
        if select in case["name"] or select in topics:
            yield _guarded(folder, case, topics)


def _guarded(folder: Path, case: Mapping[str, Any], topics: tuple[str, ...]) -> Result:
    try:
        problems = _run(folder, case)
    except Exception as error:  # noqa: BLE001  # a crash is a failure of the case
        problems = [f"crash: {type(error).__name__}: {error}"]
    return Result(case["name"], not problems, "; ".join(problems), topics)


def _run(folder: Path, case: Mapping[str, Any]) -> list[str]:
    files = case.get("files") or [case["file"]]
    if "limits" in case:
        found, problems = _by_process(folder, case, files)
    else:
        found, problems = _in_process([SourceText(name, _content(folder, case, name)) for name in files], case), []
    return problems + _compare(case, found, files)


def _content(folder: Path, case: Mapping[str, Any], name: str) -> bytes:
    if "generate" not in case:
        return (folder / name).read_bytes()
    return b"".join(map(_generated, case["generate"]))


def _generated(part: Mapping[str, Any]) -> bytes:
    if "hex" in part:
        return bytes.fromhex(part["hex"])
    text: str = part["text"]
    times: int = part.get("times", 1)
    if part.get("index"):
        return "".join(text.replace("{i}", str(number)) for number in range(times)).encode()
    return (text * times).encode()


# -- running


def _in_process(sources: list[SourceText], case: Mapping[str, Any]) -> list[Reported]:
    settings = case.get("settings", {})
    helm = settings.get("helmValues")
    effective = resolve_settings(
        one_shot=True,
        helm_values=SourceText("values.yaml", yaml.safe_dump(helm).encode()) if helm is not None else None,
        flags={"compat": str(settings["compat"])} if "compat" in settings else {},
    )
    choices = lint_choices(
        effective,
        target=str(settings.get("target", "") or ""),
        closed_world=settings.get("closedWorld", False),
        namespace=settings.get("namespace", "default"),
    )
    found = []
    for located in lint(sources, choices).findings:
        finding, span = located.finding, located.finding.span
        assert span is not None
        end = span.end_column if span.end_line == span.line and span.end_column > span.column else 0
        text = "\n".join((finding.message, finding.hint))
        found.append(Reported(span.file, span.line, span.column, end, str(finding.severity), text, finding.code))
    return found


def _by_process(folder: Path, case: Mapping[str, Any], files: Sequence[str]) -> tuple[list[Reported], list[str]]:
    """Run the command itself, with its limits of time and memory."""
    with tempfile.TemporaryDirectory() as scratch:
        paths = []
        for name in files:
            path = Path(scratch) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_content(folder, case, name))
            paths.append(str(path))
        command = [sys.executable, "-m", "kubectl_asm", "validate", "-o", "json", *_flags(case, scratch), *paths]
        begin = _children_cpu_s()
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=_ROOT, check=False, timeout=120, preexec_fn=_limit_memory
        )
        seconds = _children_cpu_s() - begin
        problems = []
        if seconds > case["limits"].get("seconds", 60):
            problems.append(f"took {seconds:.1f} s of CPU")
        if "Traceback" in done.stderr or done.returncode not in (0, 1):
            return [], [*problems, f"exit {done.returncode}: {done.stderr[-300:]}"]
        names = dict(zip(paths, files, strict=True))
        return [_reported(item, names) for item in json.loads(done.stdout)["findings"]], problems


def _children_cpu_s() -> float:
    """Return the CPU seconds of ended children: what a command needs, whatever else the machine does."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def _flags(case: Mapping[str, Any], scratch: str) -> list[str]:
    settings = case.get("settings", {})
    flags = []
    if "helmValues" in settings:
        values = Path(scratch) / "values-of-the-case.yaml"
        values.write_text(yaml.safe_dump(settings["helmValues"]))
        flags += ["--helm-values", str(values)]
    for name in ("target", "compat", "namespace"):
        flags += [f"--{name}={settings[name]}"] if settings.get(name) else []
    return [*flags, *(["--closed-world"] if settings.get("closedWorld") else [])]


def _reported(item: Mapping[str, Any], names: Mapping[str, str]) -> Reported:
    end = item["endColumn"] if item["endLine"] == item["line"] and item["endColumn"] > item["column"] else 0
    text = f"{item['message']}\n{item['hint']}"
    return Reported(names[item["file"]], item["line"], item["column"], end, item["severity"], text, item["code"])


# -- comparing


def _compare(case: Mapping[str, Any], found: Sequence[Reported], files: Sequence[str]) -> list[str]:
    serious = [one for one in found if one.counts]
    problems = [text for wanted in case.get("findings", ()) if (text := _missing(wanted, found, files))]
    if case.get("outcome") == "clean":
        problems += [f"unexpected {one}" for one in serious]
    if len(serious) > case.get("maxFindings", len(serious)) and case.get("outcome") != "clean":
        problems.append(f"{len(serious)} findings, at most {case['maxFindings']} allowed")
    if case.get("exactly"):
        problems += [f"unexpected {one}" for one in serious if not any(_is_at(wanted, one, files) for wanted in case["findings"])]
    return problems


def _missing(wanted: Mapping[str, Any], found: Sequence[Reported], files: Sequence[str]) -> str:
    here = [one for one in found if _is_at(wanted, one, files)]
    severity = wanted.get("severity")
    if severity in ("error", "warning"):
        right = [one for one in here if one.severity == severity]
    else:
        right = here if severity == "any" else [one for one in here if one.counts]
    saying = [one for one in right if all(text in one.text for text in wanted.get("messageContains", ()))]
    what = f"{wanted.get('topic')} at {wanted.get('line', wanted.get('lines', 'anywhere'))}:{wanted.get('col', '')}"
    if not saying:
        close = "; ".join(map(str, right or here or found[:3]))
        return f"missing {what} {severity or ''} {wanted.get('messageContains', '')} (got {close or 'nothing'})"
    if not any(_ends_right(wanted, one) for one in saying):
        return f"{what}: end {saying[0].end_column}, want {wanted['endCol']}"
    return ""


def _is_at(wanted: Mapping[str, Any], one: Reported, files: Sequence[str]) -> bool:
    if wanted.get("anywhere"):
        return True
    if any([one.file, one.line, one.column] == list(place) for place in wanted.get("alsoInFile", ())):
        return True
    if one.file != wanted.get("file", files[0]):
        return False
    if "lines" in wanted:
        first, last = wanted["lines"]
        return bool(first <= one.line <= last)
    return (one.line, one.column) == (wanted["line"], wanted["col"]) or [one.line, one.column] in wanted.get("alsoAt", [])


def _ends_right(wanted: Mapping[str, Any], one: Reported) -> bool:
    if "endCol" not in wanted or not one.end_column or (one.line, one.column) != (wanted.get("line"), wanted.get("col")):
        return True
    return bool(one.end_column == wanted["endCol"])


def topic_table(results: Sequence[Result]) -> list[str]:
    """Return one line a topic: passed of all."""
    totals: dict[str, list[int]] = {}
    for result in results:
        for topic in result.topics:
            row = totals.setdefault(topic, [0, 0])
            row[0] += result.passed
            row[1] += 1
    return [f"{topic}: {passed} of {total}" for topic, (passed, total) in sorted(totals.items())]
