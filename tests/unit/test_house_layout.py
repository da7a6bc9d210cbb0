"""The house is in order: what lies where, how long files are, which words stay out, what agrees with what."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "kubectl_asm"
MAX_LINES = 500

TOP_LEVEL = {
    ".ci",
    ".github",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "benchmarks",
    "deploy",
    "docs",
    "examples",
    ".pre-commit-hooks.yaml",
    "krew-manifest.yaml",
    "kubectl_asm",
    "pyproject.toml",
    "requirements",
    "setup.cfg",
    "tests",
}

# Each word is spelled so that this file does not hold what it looks for.
FORBIDDEN = re.compile(
    "|".join(
        (
            r"(?<![\w.:@}$])/(?:work|farm|root|tmp/venv)/",
            r"\.\./share[d]",
            r"--(?:extra-)?index[-]url",
            r"(?:GOPROXY|registry)[=]http",
        )
    )
)
REAL_LOOKING = re.compile(
    r"\bLTAI[A-Za-z0-9]{12,}|\bAKIA[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|\beyJ[\w-]{10,}\.eyJ|\bgh[pousr]_\w{30,}"
)
SECRET_FIELDS = re.compile(r"(?i)(password|token|secret|key)\s*[:=]\s*(?P<value>[^\s{}\[\]#,\"']+)")


def tracked(*patterns: str) -> list[Path]:
    """Return the tracked files, or those new ones that are about to be, as the checkout has them."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return sorted({ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()})


def texts(*patterns: str) -> list[tuple[Path, str]]:
    """Return path and text of the files that are text."""
    found = []
    for file in tracked(*patterns):
        try:
            found.append((file.relative_to(ROOT), file.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def test_the_top_level_holds_what_it_should() -> None:
    present = {file.relative_to(ROOT).parts[0] for file in tracked()}
    assert present - TOP_LEVEL == set(), "a new room: say here what it is for"
    assert TOP_LEVEL - present <= {".github"}


def test_no_file_names_this_machine_or_a_registry() -> None:
    found = [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert found == []


def test_files_are_short_enough_to_read() -> None:
    long = [f"{path}: {text.count(chr(10))}" for path, text in texts("*.py") if text.count("\n") > MAX_LINES]
    assert long == []


@pytest.mark.parametrize("module", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(module: Path) -> None:
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
    assert docstring
    assert docstring.splitlines()[0].endswith((".", ":"))


def contract_layers() -> list[list[str]]:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    lines = parser["importlinter:contract:layers"]["layers"].split("\n")
    return [[name.strip().removeprefix("kubectl_asm.") for name in line.split("|")] for line in lines if line.strip()]


def test_architecture_page_and_contract_name_the_same_layers() -> None:
    section = (ROOT / "docs/architecture.md").read_text().split("## Layers")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, re.M)
    assert [re.findall(r"`(\w+)`", cell) for cell in cells] == contract_layers()


def test_contributing_page_and_contract_name_the_same_layers() -> None:
    (line,) = re.findall(r"^ +cli > .*$", (ROOT / "CONTRIBUTING.md").read_text(), re.M)
    assert [re.split(r"\s*\|\s*", part.strip()) for part in line.split(">")] == contract_layers()


def test_every_room_of_the_package_is_a_layer() -> None:
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - {"__init__", "__main__"} == {name for layer in contract_layers() for name in layer}


def test_readme_lists_every_command() -> None:
    from kubectl_asm.cli.main import COMMANDS

    rows = re.findall(r"^\| \[`([\w-]+)`\]\(docs/cli/\1\.md\)", (ROOT / "README.md").read_text(), re.M)
    assert rows == list(COMMANDS)


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{path}: {link}"
        for path, text in texts("*.md")
        for link in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", text)
        if not (ROOT / path.parent / link).exists()
    ]
    assert broken == []


def test_both_copies_of_the_resource_definitions_are_the_same() -> None:
    packaged = {file.name: file.read_text() for file in (PACKAGE / "manifest/crds").glob("*.yaml")}
    deployed = {file.name: file.read_text() for file in (ROOT / "deploy/crds").glob("*.yaml")}
    assert packaged == deployed


@pytest.mark.parametrize("path", ["krew-manifest.yaml"])
def test_manifest_of_the_plugin_is_a_template_with_every_platform_alike(path: str) -> None:
    manifest = yaml.safe_load((ROOT / path).read_text())
    assert (manifest["kind"], manifest["metadata"]["name"]) == ("Plugin", "asm")
    assert len(manifest["spec"]["shortDescription"]) <= 60
    for platform in manifest["spec"]["platforms"]:
        assert platform["sha256"] == "SHA256"
        assert [file["from"] for file in platform["files"]] == ["kubectl-asm", "LICENSE"]
        assert f"{platform['selector']['matchLabels']['os']}-{platform['selector']['matchLabels']['arch']}" in platform["uri"]


def test_examples_hold_nothing_that_looks_like_a_real_secret() -> None:
    found = []
    for path, text in texts("examples", "docs", "README.md"):
        found += [f"{path}: {match[0][:20]}" for match in REAL_LOOKING.finditer(text)]
    for _, value in leaves(yaml.safe_load((ROOT / "examples/fixtures.yaml").read_text())):
        for match in SECRET_FIELDS.finditer(value):
            if not match["value"].lower().startswith("not-a-real"):
                found.append(f"fixtures.yaml: {match[0][:40]}")
    assert found == []


def leaves(value: object, path: str = "") -> list[tuple[str, str]]:
    """Return (path, text) of every scalar of a document."""
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, f"{path}.{key}")]
    if isinstance(value, list):
        return [leaf for index, item in enumerate(value) for leaf in leaves(item, f"{path}[{index}]")]
    return [(path, str(value).replace('"', ""))]


# -- locks


def locked(name: str) -> dict[str, str]:
    pins = re.findall(r"^([\w.-]+)==([\w.+!-]+)", (ROOT / "requirements" / f"{name}.txt").read_text(), re.M)
    return {canonical(package): version for package, version in pins}


def canonical(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def test_locks_hold_what_the_project_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for lock, declared in (
        ("runtime", project["dependencies"]),
        ("dev", project["dependencies"] + project["optional-dependencies"]["dev"]),
    ):
        pins = locked(lock)
        wrong = [text for text in declared if not is_met(Requirement(text), pins)]
        assert wrong == [], "run make lock"


def is_met(requirement: Requirement, pins: dict[str, str]) -> bool:
    version = pins.get(canonical(requirement.name))
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def test_both_locks_agree_and_every_pin_has_its_hashes() -> None:
    runtime, dev = locked("runtime"), locked("dev")
    assert {name: dev.get(name) for name in runtime} == runtime
    for name in ("runtime", "dev"):
        blocks = re.split(r"^(?=[\w.-]+==)", (ROOT / "requirements" / f"{name}.txt").read_text(), flags=re.M)[1:]
        assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []
