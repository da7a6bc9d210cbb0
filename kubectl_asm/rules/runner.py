"""From an input set to findings: reads, asks every rule, finds places, applies suppression and severities.

One cause gives one finding: what a structural rule refused is not judged again, equal findings are told once, and a rule
that raises becomes a finding of its own. Called by wiring/linting.py.
Source: spec/lint.md; spec/cli.md 3 (validate).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from kubectl_asm.diagnostics import Change, Finding, Fix, Severity, Span
from kubectl_asm.manifest.documents import Document, SourceText
from kubectl_asm.manifest.edits import fix_of
from kubectl_asm.manifest.nodes import paused_gc
from kubectl_asm.manifest.positions import Places
from kubectl_asm.rules.base import Hit, Place, Rule
from kubectl_asm.rules.context import Choices, RuleContext
from kubectl_asm.rules.reading import FileProblem, read_parts
from kubectl_asm.rules.subjects import Subject, holds_secret, subjects_of

CRASH: Final = "ASM000"
EVERY_RULE: Final = "*"
_FIRST_JUDGING: Final = "ASM208"  # rules before it report what is refused; those from it on are silent about that
_COMMENT = re.compile(r"#\s*kubectl-asm:\s*ignore\[([^\]]*)\]")
_MENTION: Final = b"kubectl-asm"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_WORDS = re.compile(r"[\s,]+")
_NONE: Final[frozenset[str]] = frozenset()
_SHOWN: Final = 200
_SCANNED: Final = 4096  # one line may be the whole file


class ObjectRef(msgspec.Struct, frozen=True):
    """The object a finding is about, for reports; empty texts for findings about a file."""

    kind: str = ""
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Located:
    """A finding with its rule and object. line_text: the line of the place, for fingerprints."""

    finding: Finding
    rule: Rule | None
    object: ObjectRef
    line_text: str = field(default="", repr=False)


class Verdicts(msgspec.Struct, frozen=True):
    """The result of a run."""

    findings: tuple[Located, ...] = ()
    files: int = 0
    documents: int = 0
    resources: int = 0
    suppressed: int = 0


class Selection(msgspec.Struct, frozen=True):
    """Which rules run and how serious they are. Words are codes or names; an empty select means all.

    ignored_in: the words that are silent about a file, by its name.
    """

    select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    severities: Mapping[str, Severity] = msgspec.field(default_factory=dict)
    ignored_in: Callable[[str], frozenset[str]] = lambda _file: frozenset()

    def has(self, rule: Rule) -> bool:
        """Return whether a rule runs."""
        words = {rule.meta.code, rule.meta.name}
        return (not self.select or bool(words & self.select)) and not words & self.ignore

    def severity(self, rule: Rule, given: Severity) -> Severity:
        """Return the severity of a finding of a rule."""
        return self.severities.get(rule.meta.code, self.severities.get(rule.meta.name, given))


def run_rules(
    sources: Iterable[SourceText],
    rules: Sequence[Rule],
    choices: Choices,
    selection: Selection,
    known: Sequence[Document] = (),
) -> Verdicts:
    """Return the findings on an input set, sorted by file order and place.

    known: objects outside of the input that it may refer to; those of the input come before them.
    """
    with paused_gc():
        run = _Run(rules, choices, selection)
        run.know(known)
        for source in sources:
            run.read(source)
        run.judge()
        return run.verdicts()


class _Run:
    def __init__(self, rules: Sequence[Rule], choices: Choices, selection: Selection) -> None:
        self._rules = [rule for rule in rules if selection.has(rule)]
        self._by_name = {rule.meta.name: rule for rule in self._rules}
        self._choices = choices
        self._selection = selection
        self._subjects: list[Subject] = []
        self._known: list[Subject] = []
        self._found: dict[tuple[object, ...], Located] = {}
        self._files: dict[str, int] = {}
        self._suppressed = 0
        self._places: tuple[Document | None, Places | None] = (None, None)  # of one document: node trees are large
        self._documents = 0
        self._texts: dict[str, list[str]] = {}
        self._sources: dict[str, SourceText] = {}
        self._comments: dict[str, Mapping[int, frozenset[str]]] = {}

    def know(self, documents: Sequence[Document]) -> None:
        """Take objects that are not judged."""
        for document in documents:
            for subject in subjects_of(document, self._choices.namespace, len(self._known)):
                subject.is_known_only = True
                self._known.append(subject)

    def read(self, source: SourceText) -> None:
        """Read one source: documents become subjects, problems of the text become findings."""
        self._files.setdefault(source.name, len(self._files))
        self._sources[source.name] = source
        for part in read_parts(source):
            self._documents += 1
            for problem in part.problems:
                self._file_finding(problem)
            if part.document is not None:
                first = len(self._known) + len(self._subjects)
                self._subjects += subjects_of(part.document, self._choices.namespace, first)

    def judge(self) -> None:
        """Ask every rule about every object of its kinds."""
        given = {(subject.kind, subject.namespace, subject.name) for subject in self._subjects}
        known = [one for one in self._known if (one.kind, one.namespace, one.name) not in given]
        context = RuleContext(self._choices, [*known, *self._subjects])
        by_kind: dict[str, list[Rule]] = {}
        for rule in self._rules:
            for kind in rule.meta.kinds:
                by_kind.setdefault(kind, []).append(rule)
        general = by_kind.get("*", [])
        for subject in self._subjects:
            if not subject.is_own:
                continue
            for rule in (*general, *(by_kind.get(subject.kind, ()) if subject.is_typed_own else ())):
                self._ask(rule, subject, context)

    def _ask(self, rule: Rule, subject: Subject, context: RuleContext) -> None:
        try:
            for hit in rule.check(subject, context):
                self._hit(rule, subject, hit)
        except Exception as error:  # noqa: BLE001  # a broken rule must not hide what the others found
            self._crash(rule, subject, error)

    def _hit(self, rule: Rule, subject: Subject, hit: Hit) -> None:
        where = hit.subject or subject
        is_structural = rule.meta.code < _FIRST_JUDGING
        if not is_structural and (subject.is_refused(hit.path) if where is subject else False):
            return
        if not is_structural and any(subject.is_refused(path) for path in hit.follows):
            return
        severity = self._selection.severity(rule, hit.severity or rule.meta.severity)
        span = self._span(where, hit)
        fix = self._fix(where, hit.change) if hit.change is not None else None
        finding = Finding(rule.meta.code, severity, hit.message, span, where.written(hit.path), hit.hint, fix=fix)
        self._add(Located(finding, rule, ObjectRef(subject.kind, subject.namespace, subject.name)), (subject, where))

    def _fix(self, subject: Subject, change: Change) -> Fix | None:
        if holds_secret(subject.document):
            return None
        return fix_of(
            subject.document, self._places_of(subject), msgspec.structs.replace(change, path=subject.written(change.path))
        )

    def _places_of(self, subject: Subject) -> Places:
        document, places = self._places
        if document is not subject.document or places is None:
            places = Places(subject.document)
            self._places = (subject.document, places)
        return places

    def _span(self, subject: Subject, hit: Hit) -> Span:
        places = self._places_of(subject)
        path = subject.written(hit.path)
        if hit.offset is not None:
            return places.inner(path, hit.offset, hit.length)
        return places.key(path) if hit.place is Place.KEY else places.value(path)

    def _crash(self, rule: Rule, subject: Subject, error: Exception) -> None:
        message = f"rule {rule.meta.code} ({rule.meta.name}) failed on this object: {type(error).__name__}; please report it"
        finding = Finding(CRASH, Severity.ERROR, message, self._span(subject, Hit((), "")))
        self._add(Located(finding, None, ObjectRef(subject.kind, subject.namespace, subject.name)), (subject,))

    def _file_finding(self, problem: FileProblem) -> None:
        rule = self._by_name.get(problem.topic)
        if rule is None:
            return
        severity = self._selection.severity(rule, rule.meta.severity)
        self._add(
            Located(
                Finding(rule.meta.code, severity, problem.message, problem.span, (), problem.hint, fix=problem.fix),
                rule,
                ObjectRef(),
            ),
            (),
        )

    def _add(self, located: Located, subjects: tuple[Subject, ...]) -> None:
        finding = located.finding
        assert finding.span is not None
        key = (finding.code, finding.span.file, finding.span.line, finding.span.column, finding.message)
        if key in self._found:
            return
        words = {finding.code, EVERY_RULE} | ({located.rule.meta.name} if located.rule else set())
        if self._is_ignored(words, finding.span, subjects):
            self._suppressed += 1
            return
        self._found[key] = replace(located, line_text=self._line(finding.span))

    def _is_ignored(self, words: set[str], span: Span, subjects: tuple[Subject, ...]) -> bool:
        """Return whether a comment at the place, an annotation of the objects or a setting switches one of the words off."""
        comments = self._comments.get(span.file)
        if comments is None:
            is_mentioned = _may_mention(self._sources[span.file].data)
            comments = self._comments[span.file] = _ignore_comments(self._lines(span.file)) if is_mentioned else {}
        listed = (comments.get(span.line, _NONE), self._selection.ignored_in(span.file), *(one.ignored for one in subjects))
        return any(not words.isdisjoint(one) for one in listed if one)

    def _lines(self, file: str) -> list[str]:
        lines = self._texts.get(file)
        if lines is None:
            data = self._sources[file].data
            encoding = "utf-16" if data.startswith(_UTF_16) else "utf-8-sig"
            text = data.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")
            lines = self._texts[file] = text.split("\n")
        return lines

    def _line(self, span: Span) -> str:
        lines = self._lines(span.file)
        return lines[span.line - 1][:_SCANNED].strip()[:_SHOWN] if span.line <= len(lines) else ""

    def verdicts(self) -> Verdicts:
        """Return what was found, in the order of files and places."""
        ordered = sorted(self._found.values(), key=self._order)
        own = sum(subject.is_own for subject in self._subjects)
        return Verdicts(tuple(ordered), len(self._files), self._documents, own, self._suppressed)

    def _order(self, located: Located) -> tuple[int, int, int, str, str]:
        finding = located.finding
        assert finding.span is not None
        return (self._files.get(finding.span.file, 0), finding.span.line, finding.span.column, finding.code, finding.message)


def _may_mention(data: bytes) -> bool:
    """Whether the bytes of a file may hold a comment for this program: a large file without is not gone through by lines."""
    return _MENTION in data or data.startswith(_UTF_16)


def _ignore_comments(lines: Sequence[str]) -> Mapping[int, frozenset[str]]:
    """Return the codes that comments switch off, by line: their own, and the next one for a comment that stands alone."""
    found: dict[int, set[str]] = {}
    pending: set[str] = set()
    for number, line in enumerate(lines, start=1):
        match = _COMMENT.search(line) if "kubectl-asm" in line else None
        words = set(_WORDS.split(match[1].strip())) if match else set()
        if match and not line[: match.start()].strip():
            pending |= words
            continue
        if words or pending:
            found[number] = words | pending
        pending = set()
    return {number: frozenset(words) for number, words in found.items()}
