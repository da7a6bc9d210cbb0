"""Kustomizations and charts are built by kubectl and helm: their output, their failures, and what they are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubectl_asm.adapters import building
from kubectl_asm.adapters.building import Chart, is_built, kustomized, rendered_chart
from kubectl_asm.adapters.files import read_sources
from kubectl_asm.errors import InputError, UsageError

RENDERED = """\
---
# Source: app/templates/sa.yaml
kind: ServiceAccount
---
# Source: app/templates/es.yaml
kind: ExternalSecret
---
# Source: app/charts/sub/templates/es.yaml
kind: Other
---
# Source: app/templates/es.yaml
kind: ExternalSecret
"""


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Return a function that puts a program on PATH, which notes its arguments and does what a shell script says."""

    def put(name: str, script: str) -> Path:
        path = tmp_path / name
        path.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\n{script}\n')
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
        return tmp_path / "arguments"

    return put


def test_objects_of_a_chart_carry_the_names_of_their_templates(tool, tmp_path):
    (tmp_path / "out").write_text(RENDERED)
    tool("helm", f"cat {tmp_path}/out")
    found = {source.name: source.data.decode() for source in rendered_chart(Chart("charts/app/"))}
    assert list(found) == [
        "charts/app/templates/sa.yaml (helm)",
        "charts/app/templates/es.yaml (helm)",
        "charts/app/charts/sub/templates/es.yaml (helm)",
    ]
    once = "---\n# Source: app/templates/es.yaml\nkind: ExternalSecret\n"
    assert found["charts/app/templates/es.yaml (helm)"] == once + once
    assert all(map(is_built, found))


def test_values_and_namespace_reach_helm_and_the_chart_is_no_flag(tool):
    arguments = tool("helm", "")
    assert list(rendered_chart(Chart("--debug", ("a.yaml", "b.yaml"), "shop"))) == []
    assert arguments.read_text() == "template --values=a.yaml --values=b.yaml --namespace=shop -- --debug\n"


def test_chart_without_marks_is_one_source(tool):
    tool("helm", "echo 'kind: Odd'")
    assert [(one.name, one.data) for one in rendered_chart(Chart("c"))] == [("c (helm)", b"kind: Odd\n")]


@pytest.mark.parametrize(
    ("name", "build"), [("helm", lambda: list(rendered_chart(Chart("c")))), ("kubectl", lambda: kustomized("c"))]
)
def test_missing_program_is_a_usage_error_that_says_what_else_works(name, build, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match=name) as caught:
        build()
    assert "pipe it in" in (caught.value.hint or "")


def test_failing_program_is_an_input_error_with_its_reason(tool):
    tool("helm", "echo 'Error: no chart here' >&2; echo 'Use --debug flag' >&2; exit 1")
    with pytest.raises(InputError, match="helm template failed: Error: no chart here") as caught:
        list(rendered_chart(Chart("c")))
    assert caught.value.file == "c"


def test_program_that_does_not_end_is_stopped(tool, monkeypatch):
    monkeypatch.setattr(building, "TIMEOUT_S", 0.2)
    tool("kubectl", "exec sleep 30")
    with pytest.raises(InputError, match="did not finish within"):
        kustomized("c")


def test_program_that_gives_too_much_is_refused(tool, monkeypatch):
    monkeypatch.setattr(building, "MAX_BYTES", 3)
    tool("kubectl", "echo 'kind: X'")
    with pytest.raises(InputError, match="gives more than"):
        kustomized("c")


def test_chart_and_files_are_one_input(tool, tmp_path):
    tool("helm", "echo 'kind: Odd'")
    (tmp_path / "in.yaml").write_text("kind: More\n")
    names = [one.name for one in read_sources([str(tmp_path / "in.yaml")], chart=Chart("c"))]
    assert names == ["c (helm)", str(tmp_path / "in.yaml")]
