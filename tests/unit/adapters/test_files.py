"""Names to texts: files, folders, globs, stdin; every failure is an error of our own."""

from __future__ import annotations

import io

import pytest

from kubectl_asm.adapters import files
from kubectl_asm.errors import InputError, UsageError


@pytest.fixture
def folder(tmp_path):
    for name in ("b.yaml", "a.yml", "c.json", "d.txt", "sub/e.yaml", "sub/deep/f.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def read(*names, **options):
    return [source.data.decode() for source in files.read_sources([str(name) for name in names], **options)]


def test_a_folder_gives_its_manifests_in_name_order(folder):
    assert read(folder) == ["a.yml", "b.yaml", "c.json"]
    assert read(folder, recursive=True) == ["a.yml", "b.yaml", "c.json", "sub/deep/f.json", "sub/e.yaml"]


def test_a_named_file_is_read_whatever_its_ending(folder):
    assert read(folder / "d.txt") == ["d.txt"]


def test_globs(folder, monkeypatch):
    assert read(folder / "*.yaml") == ["b.yaml"]
    assert read(folder / "**" / "*.yaml") == ["b.yaml", "sub/e.yaml"]
    monkeypatch.chdir(folder)
    assert read("su?/*.yaml") == ["sub/e.yaml"]


def test_a_file_with_a_star_in_its_name_is_a_file(folder):
    (folder / "x*.yaml").write_text("star")
    assert read(folder / "x*.yaml") == ["star"]


def test_a_file_named_twice_is_read_once(folder):
    assert read(folder / "b.yaml", folder, folder / "b.yaml") == ["b.yaml", "a.yml", "c.json"]


def test_stdin_is_read_for_a_dash_and_when_nothing_is_named():
    assert read("-", stdin=io.BytesIO(b"in")) == ["in"]
    assert read(stdin=io.BytesIO(b"in")) == ["in"]
    assert next(files.read_sources(["-"], stdin=io.BytesIO(b""))).name == "<stdin>"


def test_no_input_at_all_is_a_usage_error():
    with pytest.raises(UsageError):
        read()


def test_names_that_cannot_be_read_are_input_errors(folder):
    for name in (folder / "gone.yaml", folder / "*.nothing", folder / ("x" * 5000), folder / "b.yaml" / "x", folder / "a**b"):
        with pytest.raises(InputError) as caught:
            read(name)
        assert caught.value.file == str(name)


def test_a_folder_that_may_not_be_entered_is_an_input_error(folder, monkeypatch):
    def refuse(_self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.is_dir", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        read(folder)


def test_a_file_beyond_the_limit_is_refused_unread(folder, monkeypatch):
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 3)
    with pytest.raises(InputError, match="larger than"):
        read(folder / "b.yaml")
