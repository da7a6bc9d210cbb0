"""The file of --limits-file."""

from __future__ import annotations

import pytest

from kubectl_asm.errors import InputError
from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.manifest.limits_file import Limits, read_limits

DEFAULT = Limits(10, 10, 300, 50, 100)


def read(text: str) -> Limits:
    return read_limits(SourceText("limits.yaml", text.encode()), DEFAULT)


def test_a_missing_key_keeps_the_value_of_the_flag():
    assert read("maxConcurrentKmsSecretPulls: 100\nkubeApiQps: 0\n") == Limits(100, 10, 300, 0, 100)


def test_an_empty_file_changes_nothing():
    assert read("") == read("# nothing yet\n") == DEFAULT


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("kubeApiQps: fast", "limits.yaml:1:13", "a number"),
        ("kubeApiBurst: 1\nkubeApiQps: -1", "limits.yaml:2:13", "a number"),
        ("kubeApiQps: true", "limits.yaml:1:13", "a number"),
        ("kubeApiQPS: 1", "limits.yaml:1:1", "no limit"),
        ("- 1", "limits.yaml:1:1", "mapping"),
        ("a: [", "limits.yaml:", ""),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, place: str, word: str):
    with pytest.raises(InputError) as refused:
        read(text)
    assert str(refused.value).startswith(place)
    assert word in str(refused.value)
