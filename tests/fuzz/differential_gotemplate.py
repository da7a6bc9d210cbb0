"""Compare random templates with Go's own engine: a script, for machines that have Go.

    python -m tests.fuzz.differential_gotemplate --oracle DIR_OR_BINARY [--count N] [--seed S] [--record]

Templates are grown from a grammar and bred from the recorded ones. Every difference in output, stage or position is
printed; with ``--record`` it is added, with Go's answer, to ``tests/parity/tables/regressions.jsonl``, which the normal
test run checks. ``--oracle`` is the folder ``tests/parity/oracle`` (built with ``go build``) or a built binary.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kubectl_asm.gotemplate.funcs import function_table
from tests.harness.parity import cases, check

TABLES = Path(__file__).parents[1] / "parity" / "tables"
UNSTABLE = re.compile(
    r"\b(now|ago|date|date_in_zone|dateInZone|htmlDate|htmlDateInZone|durationRound|uuidv4|rand\w+|bcrypt|htpasswd|shuffle|gen[A-Z]\w+"
    r"|encryptAES|keys|values|derivePassword|buildCustomCert|decryptAES)\b|%[^a-zA-Z%]*p"
)
"""Functions whose results vary between runs, and those that take long."""

DATA: dict[str, Any] = {
    "user": "ada",
    "pw": "s3cr:et@1/x",
    "host": "db.example.org",
    "port": "5432",
    "empty": "",
    "spaces": "  pad ded ",
    "multi": "line one\nline two\n\nthree\n",
    "uni": "日本 naïve café ß 😀",
    "html": "<a href=\"x\">&'b'</a>",
    "csv": "a,b,c,a",
    "env": "HOST=h1\n# c\nPORT = 80\nBAD\nX=a=b",
    "json": '{"name":"ada","n":3,"big":12345678,"f":2.5,"t":true,"nul":null,"tags":["x","y"],"nested":{"k":"v"}}',
    "b64": "aGVsbG8=",
    "n": 7,
    "f": 1.5,
    "z": 0,
    "neg": -3,
    "big": 1234567,
    "t": True,
    "no": False,
    "nul": None,
    "lst": ["a", "b", "c"],
    "nums": [3, 1, 2],
    "mixed": ["a", 1, None, True, 2.5, [1], {"k": "v"}, ""],
    "m": {"a": "one", "b": 2, "c": True},
    "deep": {"a": {"b": {"c": "leaf"}}},
    "objs": [{"name": "p", "port": 80}, {"name": "q", "port": 81}],
}
NUMBERS = ["0", "1", "2", "3", "7", "-1", "10", "100", "'a'", "2.0", "2.5", "1e3", "-0.5", "1e21", "0x1F", "010", "1_000", "1i"]
TEXTS = [
    '""',
    '"a"',
    '"abc"',
    '","',
    '"%d"',
    '"%5.2f|"',
    '"%v %q"',
    '"2006-01-02"',
    '"x=y"',
    '"é"',
    '"a b c"',
    '"1.2.3"',
    '"h3ll0 w"',
    "`raw`",
]
PATTERNS = ['"$1"', '"[a-z]+"', '"(a)(b)?"', '"\\t"', '"12"', '"1.5"', '"UTC"']
LITERALS = [*NUMBERS, *TEXTS, *PATTERNS, "true", "false", "nil"]
TEXT_KEYS = [".user", ".pw", ".multi", ".uni", ".csv", ".html", ".spaces", ".json", ".env", ".b64"]
COLLECTIONS = [
    ".lst",
    ".nums",
    ".mixed",
    ".m",
    ".objs",
    "(until 3)",
    '(splitList "," .csv)',
    "(list 1 2.0 nil)",
    '(semver "1.2.3-a.1+b")',
]
VERBS = "vdsqxXtTfFeEgGbcoOUw"


class Grower:
    """Grows templates. Depth bounds expressions."""

    def __init__(self, seed: int) -> None:
        self.rand = random.Random(seed)
        self.functions = [name for name in sorted(function_table()) if not UNSTABLE.search(name)]
        self.table = function_table()
        self.by_result: dict[str, list[str]] = {}
        for name in self.functions:
            self.by_result.setdefault(self.table[name].result, []).append(name)
        self.variables: list[str] = []
        self.names = 0
        self.definitions: list[str] = []

    def pick(self, *choices: str) -> str:
        return self.rand.choice(choices)

    def literal(self) -> str:
        return self.rand.choice(LITERALS)

    def path(self) -> str:
        name = self.rand.choice([*DATA, "missing", "x"])
        tail = self.pick("", "", "", "", ".a", ".b.c", ".name", ".missing", ".Year")
        head = self.pick(".", ".", ".", "$.")
        return f"{head}{name}{tail}"

    def atom(self, depth: int) -> str:
        roll = self.rand.random()
        if roll < 0.3:
            return self.literal()
        if roll < 0.55:
            return self.path()
        if roll < 0.6 and self.variables:
            return self.rand.choice(self.variables)
        if roll < 0.63:
            return self.pick(".", "$", ".", "(.)")
        if depth <= 0:
            return self.literal()
        inner = self.expression(depth - 1)
        return f"({inner})" + (
            self.pick(".a", ".name", ".Major", ".Month", ".String", ".k.l") if self.rand.random() < 0.06 else ""
        )

    def fitting(self, go_type: str, depth: int) -> str:
        """Return an argument that mostly has the declared type."""
        if self.rand.random() < 0.05:
            return self.atom(depth)
        if depth > 0 and go_type in self.by_result and self.rand.random() < 0.45:
            return f"({self.call(depth - 1, self.rand.choice(self.by_result[go_type]))})"
        if go_type == "int":
            return self.pick("0", "1", "2", "3", "-1", "5", "(int .n)", "(len .lst)", "10")
        if go_type == "string":
            return self.pick(
                ".user", ".pw", ".multi", ".uni", ".csv", ".html", ".spaces", ".json", ".env", ".b64", '"abc"', '","', '"é"', '""'
            )
        if go_type.startswith("map"):
            return self.pick(".m", ".deep", "(dict)", '(dict "a" 1 "b" "x")', "(fromJson .json)", ".nul", ".missing")
        if go_type.startswith("[]"):
            return self.pick(".lst", ".nums", ".mixed", "(list 1 nil 2)", "(until 3)", '(splitList "," .csv)')
        if go_type == "bool":
            return self.pick("true", "false", ".t", "(eq 1 2)")
        if go_type == "time.Time":
            return self.pick('(toDate "2006-01-02" "2021-03-04")', '(toDate "2006" "x")')
        if self.rand.random() < 0.3:
            return self.pick(
                ".lst",
                ".nums",
                ".mixed",
                ".m",
                ".objs",
                "(until 3)",
                '(splitList "," .csv)',
                "(list 1 2.0 nil)",
                '(semver "1.2.3-a.1+b")',
            )
        return self.atom(depth)

    def call(self, depth: int, name: str = "") -> str:
        if not name:
            name = "printf" if self.rand.random() < 0.1 else self.rand.choice(self.functions)
        if name == "printf":
            return self.printf(depth)
        function = self.table[name]
        params = list(function.params)
        if function.variadic:
            params = params[:-1] + [params[-1]] * self.rand.choice([0, 1, 1, 2, 3])
        if self.rand.random() < 0.01 and params:
            params.pop()
        return " ".join([name, *(self.fitting(param, depth) for param in params)])

    def directive(self) -> str:
        flags = "".join(self.rand.sample("+-# 0", self.rand.choice([0, 0, 1, 1, 2, 3])))
        width = self.pick("", "", "5", "12", "*", "[2]", "0")
        precision = self.pick("", "", "", ".2", ".0", ".", ".*", ".12")
        return f"%{flags}{width}{precision}{self.rand.choice(VERBS)}"

    def printf(self, depth: int) -> str:
        count = self.rand.choice([1, 1, 2, 3])
        form = self.pick("", "a ", "[") + "|".join(self.directive() for _ in range(count))
        arguments = [self.atom(depth) for _ in range(self.rand.choice([count, count, count + 1, count - 1]))]
        return " ".join([f'printf "{form}"', *arguments])

    def expression(self, depth: int) -> str:
        roll = self.rand.random()
        text = self.call(depth) if roll < 0.75 else self.atom(depth)
        while self.rand.random() < 0.25:
            text += " | " + self.call(max(depth - 1, 0))
        return text

    def action(self, body: str) -> str:
        return self.pick("{{ ", "{{ ", "{{- ", "{{") + body + self.pick(" }}", " }}", " -}}", "}}")

    def statement(self, depth: int) -> str:
        roll = self.rand.random()
        if depth <= 0 or roll < 0.4:
            return self.action(self.expression(2))
        if roll < 0.5:
            name = self.pick("$a", "$b", "$c")
            sign = "=" if name in self.variables and self.rand.random() < 0.4 else ":="
            text = self.action(f"{name} {sign} {self.expression(2)}")
            self.variables.append(name)
            return text
        if roll < 0.9:
            return self.branch(depth)
        self.names += 1
        name = f'"t{self.names}"'
        outer, self.variables = self.variables, []
        body = self.body(depth - 1)
        self.variables = outer
        if self.rand.random() < 0.5:
            return f"{{{{ block {name} {self.atom(1)} }}}}{body}{{{{ end }}}}"
        self.definitions.append(f"{{{{ define {name} }}}}{body}{{{{ end }}}}")
        return self.action(f"template {name} {self.atom(1)}")

    def branch(self, depth: int) -> str:
        mark = len(self.variables)
        keyword = self.pick("if", "with", "range")
        head = self.expression(1)
        if self.rand.random() < 0.3:
            names = self.pick("$v", "$i, $e") if keyword == "range" else "$v"
            head = f"{names} := {head}"
            self.variables += names.split(", ")
        text = self.action(f"{keyword} {head}") + self.body(depth - 1)
        if keyword == "range" and self.rand.random() < 0.2:
            text += self.action(self.pick("break", "continue"))
        if self.rand.random() < 0.4:
            chained = f" {keyword} {self.expression(1)}" if keyword != "range" and self.rand.random() < 0.3 else ""
            del self.variables[mark:]
            text += self.action("else" + chained) + self.body(depth - 1)
        del self.variables[mark:]
        return text + self.action("end")

    def body(self, depth: int) -> str:
        return "".join(self.pick(" x ", "\n", "", "[", "é ") + self.statement(depth) for _ in range(self.rand.choice([1, 1, 2])))

    def template(self) -> str:
        self.variables, self.names, self.definitions = [], 0, []
        if self.rand.random() < 0.5:
            form = self.pick(
                "{{ %s }}", '{{ printf "%%T %%v" (%s) (1) }}', "{{ %s | toJson }}", '{{ printf "%%#v|%%+v|%%q" (%s) 1 2 }}'
            )
            return form % self.call(2)
        body = self.body(2)
        return "".join(self.definitions) + body + self.pick("", " end", "\n")


TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`|\{\{-?|-?\}\}|\$?\.?\w+|\s+|.', re.DOTALL)


class Breeder:
    """Breeds templates from recorded ones by moving, dropping and exchanging tokens."""

    def __init__(self, seed: int) -> None:
        self.rand = random.Random(seed)
        self.pool = [(case["tmpl"], case.get("data") or {}) for case in cases([str(TABLES)]) if not UNSTABLE.search(case["tmpl"])]
        self.tokens = [token for text, _ in self.pool for token in TOKEN.findall(text)]

    def template(self) -> tuple[str, dict[str, Any]]:
        text, data = self.rand.choice(self.pool)
        tokens = TOKEN.findall(text)
        for _ in range(self.rand.choice([1, 1, 2, 3])):
            at = self.rand.randrange(len(tokens) + 1)
            roll = self.rand.random()
            if roll < 0.3:
                tokens[at:at] = [self.rand.choice(self.tokens)]
            elif roll < 0.5:
                del tokens[at : at + 1]
            elif roll < 0.8:
                tokens[at : at + 1] = [self.rand.choice(self.tokens)]
            else:
                tokens[at:at] = list(self.rand.choice(["{{", "}}", "'", "\n", " ", ".", "(", "|", "\\x", "-"]))
        return "".join(tokens), {**DATA, **data}


def generate(seed: int, count: int) -> Iterator[dict[str, Any]]:
    grower, breeder = Grower(seed), Breeder(seed)
    for number in range(count):
        text, data = (grower.template(), DATA) if number % 2 else breeder.template()
        if not UNSTABLE.search(text) and len(text) < 3000:
            yield {"id": f"d-{seed}-{number:06d}", "area": "differential", "tmpl": text, "data": data}


def ask(binary: Path, batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return Go's answers in the form of the tables."""
    keys = ("tmpl", "data", "dataBytes", "profile")
    lines = "".join(json.dumps({key: case[key] for key in keys if key in case}) + "\n" for case in batch)
    done = subprocess.run([str(binary)], input=lines, capture_output=True, text=True, check=True, env={"TZ": "UTC"})
    answers = [json.loads(line) for line in done.stdout.split("\n") if line]
    return [_answered(answer) for answer in answers]


def _answered(answer: dict[str, Any]) -> dict[str, Any]:
    if "stage" in answer:
        return {"error": {"stage": answer["stage"], "text": answer["error"]}}
    return answer


def differences(binary: Path, batch: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str, bool]]:
    """Yield cases that differ, what differs, and whether only the error's text does; answers that vary are left out."""
    for case, first, second in zip(batch, ask(binary, batch), ask(binary, batch), strict=True):
        if first != second or first.get("error", {}).get("stage") in ("limit", "panic"):
            continue
        full = json.loads(json.dumps({**case, **first}), parse_int=float)
        result = check(full)
        if result.detail:
            yield {**case, "data": _used(case), **first}, result.detail, result.passed


def _used(case: dict[str, Any]) -> dict[str, Any]:
    """Return the data without the keys that the template cannot reach by name."""
    whole = re.search(r"(?<![\w.])[.$](?![\w.])", case["tmpl"]) is not None
    return {key: value for key, value in case["data"].items() if whole or key in case["tmpl"]}


def build(oracle: Path) -> Path:
    if oracle.is_file():
        return oracle
    binary = Path(tempfile.mkdtemp()) / "oracle"
    subprocess.run(["go", "build", "-o", str(binary), "."], cwd=oracle, check=True)
    return binary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle", type=Path, default=TABLES.parent / "oracle")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--texts", action="store_true", help="also print errors of which only the text differs")
    options = parser.parse_args()
    binary = build(options.oracle)
    found = texts = 0
    for case, detail, only_text in differences(binary, list(generate(options.seed, options.count))):
        texts += only_text
        found += not only_text
        if options.texts or not only_text:
            print(case["id"], json.dumps(case["tmpl"], ensure_ascii=False), "\n   ", detail[:700])
        if options.record and not only_text:
            with (TABLES / "regressions.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(case, ensure_ascii=False) + "\n")
    print(f"{options.count} templates, {found} differ, {texts} differ in the error's text only")


if __name__ == "__main__":
    main()
