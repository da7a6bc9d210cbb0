"""Compare YAML reading and writing with Go's yaml.v3: a script, for machines that have Go.

    python -m tests.fuzz.differential_yaml --oracle BINARY [--count N] [--seed S] [--record]

The oracle is tests/unit/engine/yaml_oracle, built with `go build`. Differences are printed; --record writes a fresh
sample of Go's answers to the table that tests/unit/engine/test_goyaml.py checks. Texts with U+2028 or U+2029 are left
out: there Go's emitter adds indentation that changes the text when it is read again.
"""

from __future__ import annotations

import argparse
import json
import random
import struct
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

from kubectl_asm.engine import goyaml
from kubectl_asm.engine.documents import DocumentError, parse_yaml

TABLE = Path(__file__).parents[1] / "unit" / "engine" / "yaml_v3.jsonl"
TEXT = "aA0159 -:#.,[]{}&*!|>'\"%@`?\n\t~_+exXoObnNyT/\\=<é\u00a0\u0085\U0001f600\ufeff\x7f\x01"
PLAIN = "0123456789+-._eExXoObB:T Zaf"
OTHERS: tuple[Any, ...] = (None, True, False, 1.0, -5.0, 1.5, 1e21, 1e-7, 0.1, 123456789.0, 1e6, -0.0, [], {})
WORDS = (
    "y", "Y", "yes", "on", "Off", "n", "null", "Null", "~", "true", "TRUE", "1_000", "0o17", "0x1F", "017", "08", "1e3", ".5",
    "._5", ".inf", "-.INF", ".nan", "2024-01-01", "2024-1-1T1:2:3.5+02:00", "2024-01-01 10:00:00", "1:30", "190:20:30",
    "0b11", "+3", "-7", "-9223372036854775809", "1e400", "- ", "-", "?", ":", "a: b", "a #b", "#", "<<", "=", "!x", "%x", "@",
    "`", "---", "...", " a", "a ", "\ta", "a\n", "\na", "a\n\n", "a\nb", " a\nb", "a\n b", "a \nb", "é", "ÿ\n",
)  # fmt: skip


def ask(oracle: str, questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return Go's answers."""
    text = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run([oracle], input=text, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def word(rng: random.Random, letters: str, limit: int) -> str:
    return "".join(rng.choice(letters) for _ in range(rng.randint(0, limit)))


def value(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.random()
    if depth > 3 or kind < 0.5:
        return rng.choice([rng.choice(OTHERS), rng.choice(WORDS), *(word(rng, TEXT, size) for size in (3, 6, 12, 12))])
    if kind < 0.78:
        return {rng.choice([rng.choice(WORDS), word(rng, TEXT, 5)]): value(rng, depth + 1) for _ in range(rng.randint(0, 4))}
    return [value(rng, depth + 1) for _ in range(rng.randint(0, 4))]


def plain_word(rng: random.Random) -> str:
    """Return text that is one plain scalar."""
    while True:
        text = rng.choice([rng.choice(WORDS), word(rng, PLAIN, 10), word(rng, PLAIN, 25)])
        if is_one_plain_scalar(text):
            return text


def is_one_plain_scalar(text: str) -> bool:
    """Whether YAML reads a text as one plain scalar and nothing else."""
    is_line = bool(text) and text.strip() == text and "\n" not in text and text[0] not in "#!%@`-?:"
    return is_line and text != "..." and ": " not in text and not text.endswith(":") and " #" not in text


def read(text: str) -> list[str] | None:
    """Return what we make of a plain scalar, in the oracle's words; None for an error."""
    try:
        got = parse_yaml(text)
    except DocumentError:
        return None
    if isinstance(got, bool):
        return ["bool", str(got).lower()]
    if isinstance(got, float):
        return ["float", str(struct.unpack("<Q", struct.pack("<d", got))[0])]
    if isinstance(got, datetime):
        return ["time", goyaml.rfc3339(got)]
    return ["null", ""] if got is None else ["int" if isinstance(got, int) else "str", str(got)]


def main() -> int:
    """Return 1 when something differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--oracle", required=True)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    values = [*WORDS, *({text: text} for text in WORDS), *(value(rng) for _ in range(options.count))]
    texts = [
        "18446744073709551615",
        "18446744073709551616",
        *filter(is_one_plain_scalar, WORDS),
        *(plain_word(rng) for _ in range(options.count)),
    ]
    dumped = ask(options.oracle, [{"op": "json", "text": json.dumps(item)} for item in values])
    scalars = ask(options.oracle, [{"op": "scalar", "text": text} for text in texts])
    rows = [{"value": item, "text": got["text"]} for item, got in zip(values, dumped, strict=True) if "text" in got]
    rows += [{"plain": text, "is": got.get("value")} for text, got in zip(texts, scalars, strict=True)]
    bad = [row for row in rows if differs(row)]
    for row in bad:
        print(json.dumps(row))
    if options.record:
        head = {"yaml.v3": "3.0.1", "go": "1.26.8"}
        TABLE.write_text("".join(json.dumps(row) + "\n" for row in [head, *rows]))
    print(f"{len(rows)} compared, {len(bad)} differ")
    return 1 if bad else 0


def differs(row: dict[str, Any]) -> bool:
    """Whether we give another answer than the recorded one."""
    if "value" in row:
        return goyaml.dump(as_go(row["value"])) != row["text"]
    wanted, got = row["is"], read(row["plain"])
    if wanted and wanted[0] == "float" and got and got[0] == "float" and "nan" in row["plain"].lower():
        return False  # the bits of NaN mean nothing
    return got != wanted


def as_go(item: Any) -> Any:
    """Return a JSON value with its numbers as floats, as Go decodes it."""
    if isinstance(item, dict):
        return {key: as_go(member) for key, member in item.items()}
    if isinstance(item, list):
        return [as_go(member) for member in item]
    return float(item) if isinstance(item, int) and not isinstance(item, bool) else item


if __name__ == "__main__":
    raise SystemExit(main())
