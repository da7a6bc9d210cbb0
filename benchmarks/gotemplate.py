"""Time the template engine beside Go's on the same templates, in one run.

    python benchmarks/gotemplate.py [--json FILE]

Prints microseconds and the ratio to Go (when ``go`` is installed); goals: execution within 10 times, parse within 15 times
of Go. "parse" is what one ``parse`` costs, without the cache by text: text to trees (column "tree") and trees to closures
("compile", which Go does not have). The ratio of parse counts both, against Go's parser alone with its function map built;
"Go new" is that with the functions registered. Go runs with Sprig from the module of ``tests/parity/oracle``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from kubectl_asm.gotemplate import template as stages  # noqa: E402 - the path is set above
from kubectl_asm.gotemplate.compiler import compile_program  # noqa: E402
from kubectl_asm.gotemplate.funcs import function_table  # noqa: E402
from kubectl_asm.gotemplate.parser import parse_program  # noqa: E402
from tests.harness.parity import environment  # noqa: E402

DATA = {
    "user": "svc-user@corp",
    "password": "s3cr:et@1/x",
    "host": "pg-1.internal",
    "port": "5432",
    "hosts": ",".join(f"h{number}.example.org" for number in range(100)),
    "json": json.dumps({"db": {"host": "h", "port": 5432}, "tags": ["a", "b", "c"]}),
    "env": "\n".join(f"KEY_{number}=value {number}" for number in range(50)),
}
TEMPLATES = {
    "dsn": "postgres://{{ .user }}:{{ .password | urlquery }}@{{ .host }}:{{ .port }}/app?sslmode=disable",
    "properties": "u={{ .user | quote }}\npw={{ .password | b64enc }}\n{{- if .host }}\nhost={{ .host | upper }}\n{{- end }}\n",
    "loop": '{{ range $i, $h := splitList "," .hosts }}{{ if $i }},{{ end }}{{ $h | trim }}:{{ $.port }}{{ end }}',
    "arithmetic": "{{ range $i := until 100 }}{{ add $i 1 }}{{ if eq (mod $i 10) 0 }}!{{ end }}{{ end }}",
    "json": '{{ $d := fromJson .json }}{{ $d.db.host }}:{{ int $d.db.port }} {{ join "," $d.tags }} {{ $d | toJson }}',
    "env": "{{ range $k, $v := parseKeyValue .env }}export {{ $k }}={{ $v | squote }}\n{{ end }}",
    "printf": '{{ range $i := until 50 }}{{ printf "%05d %-8s|%6.2f\\n" $i $.user 1.5 }}{{ end }}',
    "nested": '{{ define "row" }}<{{ .a }}>{{ end }}{{ range until 50 }}{{ template "row" (dict "a" .) }}{{ end }}',
}


def microseconds(work: Callable[[], object], budget_s: float = 0.4) -> float:
    """Return the best time of one call over several rounds."""
    work()
    best, end = float("inf"), time.perf_counter() + budget_s
    while time.perf_counter() < end:
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return best * 1e6


def measure() -> dict[str, dict[str, float]]:
    table = function_table()
    results = {}
    for name, text in TEMPLATES.items():
        template = stages.parse(text, functions=table)
        results[name] = {
            "parse_us": microseconds(lambda text=text: stages.parse(text, functions=table)),
            "tree_us": microseconds(lambda text=text: parse_program("", text, table)),
            "compile_us": microseconds(lambda template=template: compile_program(template.program, table)),
            "exec_us": microseconds(lambda template=template: template.execute(DATA, environment())),
        }
    return results


def measure_go() -> dict[str, dict[str, float]] | None:
    """Build the timing program beside the oracle's functions and run it; None without Go."""
    if shutil.which("go") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        oracle = ROOT / "tests" / "parity" / "oracle"
        for name in ("go.mod", "go.sum", "functions.go"):
            shutil.copy(oracle / name, work / name)
        shutil.copy(ROOT / "benchmarks" / "gotemplate_go" / "timing.go.txt", work / "main.go")
        subprocess.run(["go", "build", "-o", "timing", "."], cwd=work, check=True)
        text = json.dumps({"data": DATA, "templates": TEMPLATES})
        done = subprocess.run([str(work / "timing")], input=text, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    options = parser.parse_args()
    ours, go = measure(), measure_go()
    times = ["parse_us", "tree_us", "compile_us", "exec_us", "go_parse_us", "go_new_us", "go_exec_us"]
    columns = [*times, "parse_ratio", "exec_ratio"]
    print(f"{'template':12}" + "".join(f"{column:>12}" for column in columns))
    for name, row in ours.items():
        if go is not None:
            row |= {f"go_{key}": value for key, value in go[name].items()}
            row |= {"parse_ratio": row["parse_us"] / row["go_parse_us"], "exec_ratio": row["exec_us"] / row["go_exec_us"]}
        print(f"{name:12}" + "".join(f"{row[column]:12.1f}" if column in row else f"{'-':>12}" for column in columns))
    if options.json:
        options.json.write_text(json.dumps(ours, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
