"""Manifests that another program builds: kustomizations by kubectl, charts by helm. They are the reference for both.

A chart's objects keep the name of the template they come from; their lines are those of `helm template --show-only` with
that template. Nothing is fetched by this program; helm itself may, for a chart that is no folder or archive.
Source: spec/cli.md 1 (inputs).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from kubectl_asm.errors import InputError, UsageError
from kubectl_asm.manifest.documents import SourceText

TIMEOUT_S: Final = 120
MAX_BYTES: Final = 64 * 1024 * 1024
_KUSTOMIZED: Final = " (kustomize)"
_CHART: Final = " (helm)"
_ORIGIN = re.compile(rb"^---\n(?=# Source: ([^\n]+)\n)", re.M)


class Chart(msgspec.Struct, frozen=True):
    """A chart to render. path: folder, archive or what else helm takes; values: files; namespace: of the release."""

    path: str
    values: tuple[str, ...] = ()
    namespace: str = ""


def kustomized(folder: str) -> SourceText:
    """Return what a kustomization builds. Raises UsageError without kubectl, InputError when it fails."""
    hint = f"or build it elsewhere and pipe it in: kustomize build {folder} | kubectl asm ... -f -"
    return SourceText(f"{folder}{_KUSTOMIZED}", _output(["kubectl", "kustomize", folder], "-k", folder, hint))


def rendered_chart(chart: Chart) -> Iterator[SourceText]:
    """Yield what a chart renders to, one source for each template. Raises UsageError without helm, InputError."""
    command = ["helm", "template", *(f"--values={file}" for file in chart.values)]
    command += [f"--namespace={chart.namespace}"] if chart.namespace else []
    hint = f"or render it elsewhere and pipe it in: helm template {chart.path} | kubectl asm ... -f -"
    text = _output([*command, "--", chart.path], "--helm", chart.path, hint)
    found: dict[str, list[bytes]] = {}
    parts = _ORIGIN.split(text)
    for origin, part in zip(parts[1::2], parts[2::2], strict=True):
        found.setdefault(origin.decode("utf-8", "replace"), []).append(b"---\n" + part)
    if not found and text.strip():
        found[""] = [text]
    for origin, documents in found.items():
        inside = origin.partition("/")[2]  # the first element is the chart's own name
        yield SourceText(f"{chart.path.rstrip('/')}{'/' if inside else ''}{inside}{_CHART}", b"".join(documents))


def is_built(name: str) -> bool:
    """Return whether the name of a source is that of something built."""
    return name.endswith((_KUSTOMIZED, _CHART))


def _output(command: Sequence[str], flag: str, name: str, hint: str) -> bytes:
    tool = " ".join(command[:2])
    import subprocess  # noqa: PLC0415 - most runs build nothing

    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)  # noqa: S603  # no shell; the tool is the user's own
    except FileNotFoundError:
        raise UsageError(f"{flag} needs {command[0]} on PATH", hint=hint) from None
    except OSError as error:
        raise UsageError(f"{command[0]} cannot be run: {error.strerror or type(error).__name__}", hint=hint) from None
    except subprocess.TimeoutExpired:
        raise InputError(f"{tool} did not finish within {TIMEOUT_S} seconds", file=name) from None
    if done.returncode:
        raise InputError(f"{tool} failed: {_reason(done.stderr)}", file=name)
    if len(done.stdout) > MAX_BYTES:
        raise InputError(f"{tool} gives more than {MAX_BYTES // 1024 // 1024} MiB", file=name)
    return done.stdout


def _reason(stderr: bytes) -> str:
    """Return the error line; helm adds advice below it, kubectl puts it last."""
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return next((line for line in lines if line.lower().startswith("error:")), lines[-1] if lines else "no message")
