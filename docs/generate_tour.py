"""Run the console blocks of the README files and write their output below each command.

Usage: python docs/generate_tour.py [--check]
A block opened with ```console holds commands, each after "$ ", and what they print. The commands of one file run in
order in a shell, in a scratch folder that holds a copy of examples/; `kubectl asm` is this program. Instants are
written as one fixed instant. With --check nothing is written and the exit code is 1 when a printed line is not true.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
DURATION = re.compile(r'("durationMs": )[\d.]+')
END = "__end_of_output__"
TIMEOUT_S = 120


def told_files() -> list[Path]:
    """Return the files with console blocks."""
    candidates = [ROOT / "README.md", *sorted((ROOT / "examples").rglob("README.md"))]
    return [file for file in candidates if file.exists() and BLOCK.search(file.read_text(encoding="utf-8"))]


def with_output(text: str) -> str:
    """Return a page with the output of its commands as they print it now."""
    blocks = [[line[2:] for line in block.splitlines() if line.startswith("$ ")] for block in BLOCK.findall(text)]
    outputs = iter(run([command for block in blocks for command in block]))
    remaining = iter(blocks)

    def written(_match: re.Match[str]) -> str:
        parts = [f"$ {command}\n{next(outputs)}" for command in next(remaining)]
        return "```console\n" + "".join(parts) + "```"

    return BLOCK.sub(written, text)


def run(commands: list[str]) -> list[str]:
    """Run the commands in one shell and return what each prints on stdout and stderr together."""
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copytree(ROOT / "examples", Path(scratch) / "examples")
        done = subprocess.run(
            ["bash", "-c", script(commands)],
            cwd=scratch,
            env=environment(scratch),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    printed = DURATION.sub(r"\g<1>3", INSTANT.sub("2026-01-02T03:04:05Z", done.stdout))
    outputs = printed.split(f"{END}\n")
    assert len(outputs) == len(commands) + 1, f"the shell stopped early: {outputs[-1]}"
    return outputs[:-1]


def script(commands: list[str]) -> str:
    """Return a shell script: the commands, each followed by a line that separates outputs."""
    program = f"{shlex.quote(sys.executable)} -m kubectl_asm"
    lines = [f'kubectl() {{ test "$1" = asm || return 127; shift; {program} "$@"; }}']
    for command in commands:
        lines += [command, f'code=$?; echo {END}; (exit "$code")']
    return "\n".join(lines)


def environment(home: str) -> dict[str, str]:
    """Return variables under which output is the same on every machine."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "HOME": home, "KUBECONFIG": "", "NO_COLOR": "1", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT)}


def main() -> int:
    """Write or check the pages; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a page is stale instead of writing it")
    is_check = parser.parse_args().check
    code = 0
    for file in told_files():
        old = file.read_text(encoding="utf-8")
        new = with_output(old)
        if old == new:
            continue
        name = str(file.relative_to(ROOT))
        if not is_check:
            file.write_text(new, encoding="utf-8")
            continue
        code = 1
        print(f"{name} shows what the program no longer prints: run make docs", file=sys.stderr)
        sys.stderr.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), name, "now", n=1))
    return code


if __name__ == "__main__":
    sys.exit(main())
