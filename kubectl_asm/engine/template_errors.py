"""Error texts of templates without values: what may stand in a status, a log or a trace.

Go's texts quote the data they stumble over (`parsing time "..."`, whatever `fail` was given). A status is readable by
everybody who may read ExternalSecrets, so a text keeps only what the author typed in the template and words from a fixed
list; anything else is masked. Text that is not known here is masked as well.
Source: design page, section 2 (secret bytes never show); spec/templates.md 3.4 and 7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from kubectl_asm.gotemplate import TemplateError, TemplateSyntaxError
from kubectl_asm.gotemplate.errors import BudgetError
from kubectl_asm.model.sensitive import MASK

HIDDEN: Final = "the reason is not shown because it may quote a value"

_QUOTED = re.compile(r"""\"(?:\\.|[^\"\\])*\"|`[^`]*`|'(?:\\.|[^'\\])'""")
_LITERAL = re.compile(r"""\"((?:\\.|[^\"\\\n])*)\"|`([^`]*)`""")
_CALL = re.compile(r"error calling (?P<name>\w+): ", re.ASCII)
_BARE_VALUE = re.compile(
    r"(range can't iterate over|can't use|improper constraint:|error parsing ip:|error processing alternate dns name:"
    r"|non-comparable types?|Cannot create a Decimal from|call: non-function) .*",
    re.DOTALL,
)
_TOKEN = re.compile(r"(?P<word>[A-Za-z_][\w'/.-]*)|(?P<number>\d\w*)|(?P<mark>[ :;,.()\[\]{}<>*'/$-])|(?P<other>.)", re.DOTALL)
_WORDS: Final = frozenset(
    """
    a absolute address after aligned alternate an and any are arg args argument arguments array as assertion assign
    assignment at backslash bad base base64 be beginning block blocks bool bounds budget but by byte bytes call called
    calling can can't Cannot cannot capacity capture cert certificate chain character characters chunk class closing code
    colon command compact comparison Compile complex128 complex64 component connect constraint contain control conversion
    convert cost count create creating crypto/cipher cycle data date day day-of-year Decimal decimal decode defined depth
    dereference dict dig dimension divide division dns does duration element empty encoded encountered end entry EOF error
    escape evaluate evaluating exceeded exceeds executing expected expecting exponent expression extra field find finding
    first float float32 float64 for found from full function generate generating give got group handle has have host hour
    IA5String illegal implement in incompatible index initial input int int16 int32 int64 int8 integer interface Intn into
    Invalid invalid invoke IP ip IP-literal is IsNil it item iterate JSON json key large last least len length list literal
    looking make makeslice map match max maximum memory merge Metadata method minute missing month more must name named
    needs negative nested nesting net/url nil no non-basic non-comparable non-function not null number numeric object odd of
    on one only op operator or out outside over overflow overflows pair panic parse ParseAddr parsing passed path PEM
    percent Perl pointer prepend Prerelease private process processing protocol provided ptr public push range reading
    received reflect reflect.Value.IsNil reflect.Value.SetMapIndex reflect.Value.Slice reflect.Value.Type regexp Repeat
    repeat repetition rest return reverse runtime scheme second segment Semantic semver.Version sequence should signature
    size slice slice/array sprig.certificate starts step steps strconv.ParseUint string strings struct supported syntax
    template text than the three time time.Duration time.Time timezone to token too top-level trailing two type typed types
    uint uint16 uint32 uint64 uint8 unable unclosed undefined unexpected unexported uniq unit unknown unmarshal unsupported
    untyped URL url use userinfo UTF-8 valid Value value values variable Version version want with without wrong x509 year
    zero zone
    """.split()  # noqa: SIM905  # a list of words is read as words
)


def shown(error: TemplateError, source: str, values: Iterable[bytes]) -> str:
    """Return the text of an error for statuses. source: the template as typed; values: the data it was given."""
    if isinstance(error, TemplateSyntaxError | BudgetError):
        return error.go_text  # quotes the template and limits, never data
    head = error.go_text.removesuffix(error.message)
    return head + _Masking(source, values).reason(error.message)


def place_only(error: TemplateError) -> str:
    """Return where an error is, for templates whose own text is a secret."""
    column = f":{error.column}" if error.column >= 0 else ""
    return f"template: :{error.line}{column}: {HIDDEN}"


class _Masking:
    """Decides what of one error text may be shown."""

    def __init__(self, source: str, values: Iterable[bytes]) -> None:
        self._words = {*re.findall(r"\w+", source), *(match.group() for match in _TOKEN.finditer(source))}
        literals = [first or second for first, second in _LITERAL.findall(source)]
        self._literals = [*literals, *(re.sub(r"\\(.)", r"\1", literal) for literal in literals)]
        self._values = [value.decode("utf-8", "replace") for value in values]

    def reason(self, text: str) -> str:
        """Return the text with what was not typed masked; without any of it when a word is unknown."""
        call = _CALL.match(text)
        head, rest = (call.group(), text[call.end() :]) if call else ("", text)
        if call and call["name"] == "fail":
            return head + (rest if self._is_typed(rest) else HIDDEN)
        if text.startswith("wrong number of args for "):
            return text  # a fact about the template alone
        if bare := _BARE_VALUE.match(text) or _BARE_VALUE.match(rest):
            return f"{head if bare.string is rest else ''}{bare[1]} {MASK}"
        pieces: list[str | None] = []
        end = 0
        for match in _QUOTED.finditer(rest):
            pieces += [self._plain(rest[end : match.start()]), self._quotation(match.group())]
            end = match.end()
        known = [piece for piece in (*pieces, self._plain(rest[end:])) if piece is not None]
        return head + ("".join(known) if len(known) > len(pieces) else HIDDEN)

    def _plain(self, text: str) -> str | None:
        """Return text outside quotation marks, None when it holds what is neither on the list nor typed."""
        shown = ""
        for match in _TOKEN.finditer(text):
            token = match.group()
            if match["other"] or (match["word"] and token.rstrip(".'-/") not in _WORDS and token not in self._words):
                return None
            shown += MASK if match["number"] and token not in self._words else token
        return shown

    def _quotation(self, quoted: str) -> str:
        return quoted if self._is_typed(quoted[1:-1]) else f"{quoted[0]}{MASK}{quoted[-1]}"

    def _is_typed(self, text: str) -> bool:
        return any(text in literal for literal in self._literals) and not any(text in value for value in self._values)
