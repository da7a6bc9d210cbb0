"""`template`: one Go template with data from a file, whatever style its YAML has."""

from pathlib import Path

import pytest

from kubectl_asm.cli.main import main


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]):
    monkeypatch.chdir(tmp_path)
    Path("t.tmpl").write_text("{{ .user }} {{ len .roles }}")

    def run(data: str) -> tuple[int, bytes, bytes]:
        Path("data.yaml").write_text(data)
        code = main(["kubectl-asm", "template", "-t", "t.tmpl", "--data", "data.yaml"])
        return code, *capfdbinary.readouterr()

    return run


@pytest.mark.parametrize(
    "data",
    [
        "user: bob\nroles: [a, b]\n",
        "{user: bob, roles: [a, b]} # flow\n",
        '{\n  user: "bob",\n  "roles": [a, b],\n}\n',
        '{"user": "bob", "roles": ["a", "b"]}\n',
    ],
    ids=["block", "flow", "flow with a trailing comma", "JSON"],
)
def test_every_style_of_yaml_is_data(template, data: str) -> None:
    assert template(data)[:2] == (0, b"bob 2")


@pytest.mark.parametrize(
    ("data", "words"),
    [('{"user": [1}', b"data.yaml:1:12: not valid JSON"), ("{user: [bob}", b"data.yaml:1:"), ("[1]", b"is a mapping")],
)
def test_data_that_cannot_be_read_is_one_line_with_its_place(template, data: str, words: bytes) -> None:
    code, out, err = template(data)
    assert (code, out) == (2, b"")
    assert words in err
    assert len(err.splitlines()) <= 2


def test_a_template_that_is_not_there_is_no_bug(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kubectl-asm", "template", "-t", str(tmp_path / "absent.tmpl")]) == 2
    assert "absent.tmpl: cannot be read" in capsys.readouterr().err
