"""Fixes: one right answer, written at its place, every other byte kept, and nothing left to do the second time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from kubectl_asm.diagnostics import Change, ChangeKind
from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.manifest.edit_proof import is_proven
from kubectl_asm.rules.context import Choices
from kubectl_asm.rules.fixing import Fixed, fix_sources
from kubectl_asm.rules.linting import lint
from kubectl_asm.rules.runner import Located

HEAD = "apiVersion: alibabacloud.com/v1alpha1\nkind: ExternalSecret\nmetadata: {name: app}\nspec:\n"
STORE = HEAD.replace("ExternalSecret", "SecretStore")
AUTH = (
    "  KMS:\n    KMSAuth:\n      ramRoleARN: acs:ram::11:role/a\n      oidcProviderARN: acs:ram::11:oidc-provider/ack-rrsa-c1\n"
)


def judge(sources: Sequence[SourceText]) -> Sequence[Located]:
    return lint(sources, Choices()).findings


def fixed(data: bytes) -> Fixed:
    return fix_sources([SourceText("a.yaml", data)], judge)


def mended(text: str) -> str:
    found = fixed(text.encode())
    again = fix_sources(found.sources, judge)
    assert again.sources == found.sources, "a second run changed something"
    assert not again.made
    return found.sources[0].data.decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  data: [{key: a, naem: b}]\n", "  data: [{key: a, name: b}]\n"),
        ("  data: [{key: a, 'naem': b}]\n", "  data: [{key: a, 'name': b}]\n"),
        ('  "provider": "KMS"  # which\n  data: [{key: a}]\n', '  "provider": "kms"  # which\n  data: [{key: a}]\n'),
        ("  provider: ' kms'\n  data: [{key: a}]\n", "  provider: 'kms'\n  data: [{key: a}]\n"),
        ("  data:\n  -   key:   007\n", '  data:\n  -   key:   "007"\n'),
        ("  data:\n  - key: a\n    name: on # switch\n", '  data:\n  - key: a\n    name: "on" # switch\n'),
        ("  rotationInterval: 1d\n  data: [{key: a}]\n", "  rotationInterval: 24h\n  data: [{key: a}]\n"),
        ("  rotationInterval: 10 S\n  data: [{key: a}]\n", "  rotationInterval: 10s\n  data: [{key: a}]\n"),
        (
            "  data: [{key: a}]\n  target: {template: {data: {x: {{ .a }}}}}\n",
            "  data: [{key: a}]\n  target: {template: {data: {x: '{{ .a }}'}}}\n",
        ),
        (
            "  data:\n  - key: a\n    jmesPath:\n    - path: to_strng(a)\n      objectAlias: b\n",
            "  data:\n  - key: a\n    jmesPath:\n    - path: to_string(a)\n      objectAlias: b\n",
        ),
        (
            "  data: [{key: a}]\n  target:\n    template:\n      data:\n        x: >-\n         a\n         {{ .a | toJSON }}\n",
            "  data: [{key: a}]\n  target:\n    template:\n      data:\n        x: >-\n         a\n         {{ .a | toJson }}\n",
        ),
        (
            "  provider: oos\n  data:\n  - versionId: v1\n    key: a\n  - key: b\n    # why\n    versionStage: x # gone\n",
            "  provider: oos\n  data:\n  - key: a\n  - key: b\n    # why\n",
        ),
        (
            "  data:\n  - key: a\n    name: b\n    # between\n    name: b\n    # after\n  - key: c\n",
            "  data:\n  - key: a\n    name: b\n    # between\n    # after\n  - key: c\n",
        ),
        ("  data: [{key: a, name: b, name: b}]\n", "  data: [{key: a, name: b}]\n"),
        (
            "  data: [{key: a, kmsEndpoint: HTTPS://kms.cn-hangzhou.aliyuncs.com/}]\n",
            "  data: [{key: a, kmsEndpoint: kms.cn-hangzhou.aliyuncs.com}]\n",
        ),
    ],
)
def test_one_right_answer_is_written_and_nothing_else(before: str, after: str) -> None:
    assert mended(HEAD + before) == HEAD + after


def test_old_spelling_of_the_remote_role_is_renamed_or_removed() -> None:
    old, new = "      remoteRamRoleArn: acs:ram::22:role/b\n", "      remoteRamRoleARN: acs:ram::22:role/b\n"
    assert mended(STORE + AUTH + old) == STORE + AUTH + new
    assert mended(STORE + AUTH + old + new) == STORE + AUTH + new


def test_fixes_that_uncover_others_end_in_one_run() -> None:
    text = HEAD.replace("v1alpha1", "v1").replace("ExternalSecret", "externalSecret") + "  data: [{key: 1}]\n"
    assert mended(text) == HEAD + '  data: [{key: "1"}]\n'


@pytest.mark.parametrize(
    "text",
    [
        "  data: [{key: a, name: b, name: c}]\n",
        "  data: [{key: a, names: b, nam: c}]\n",
        "  data: [{key: a, versions: b}]\n",
        "  rotationInterval: 90\n  data: [{key: a}]\n",
        "  rotationInterval: 1h30\n  data: [{key: a}]\n",
        "  data: [{key: {a: b}}]\n",
        "  data: [&e {key: a, naem: b}, *e]\n",
        "  data: [{key: a, kmsEndpoint: https://example.com/}]\n",
    ],
)
def test_two_answers_or_shared_text_are_left_alone(text: str) -> None:
    assert mended(HEAD + text) == HEAD + text


def test_text_behind_a_merge_key_is_left_alone() -> None:
    text = "x: &x {naem: b}\n" + HEAD + "  data:\n  - <<: *x\n    key: a\n"
    assert mended(text) == text


def test_document_with_a_secret_is_left_alone_and_its_neighbour_is_not() -> None:
    bad = HEAD + "  data: [{key: 1}]\n"
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: hunter2}\n"
    together = '{"kind": "List", "items": [' + _json_object(secret) + ", " + _json_object(bad) + "]}"
    assert mended(secret + "---\n" + bad) == secret + "---\n" + bad.replace("1}", '"1"}')
    assert mended(together) == together


def _json_object(text: str) -> str:
    import json

    import yaml

    return json.dumps(yaml.safe_load(text))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encoding_mark_and_line_ends_stay(encoding: str, end: str) -> None:
    text = "# Ä 𝄞 \n" + HEAD + "  data:\n  - key: 1 # Ö\n    naem: ü\n  - {key: 2}   \n\n---\n" + HEAD + "  data: [{key: 3}]"
    wanted = (
        text.replace("key: 1", 'key: "1"').replace("naem", "name").replace("key: 2", 'key: "2"').replace("key: 3", 'key: "3"')
    )
    assert fixed(text.replace("\n", end).encode(encoding)).sources[0].data == wanted.replace("\n", end).encode(encoding)


def test_json_keeps_its_layout() -> None:
    text = '{"apiVersion": "alibabacloud.com/v1alpha1", "kind": "ExternalSecret",\n  "metadata": {"name": "app"},\n'
    text += '  "spec": {"provider": "OOS", "data": [{"key": 1,\n    "versionId": "v"}]}}\n'
    wanted = text.replace("OOS", "oos").replace(': 1,\n    "versionId": "v"', ': "1"')
    assert mended(text) == wanted


def test_many_fixes_of_one_file_do_not_move_each_other() -> None:
    lines = [f"  - {{key: {number}, naem: n{number}}}\n" for number in range(200)]
    wanted = [line.replace("naem", "name").replace("key: ", 'key: "').replace(", ", '", ') for line in lines]
    assert mended(HEAD + "  data:\n" + "".join(lines)) == HEAD + "  data:\n" + "".join(wanted)


def test_edits_of_a_finding_lie_at_or_around_its_place() -> None:
    text = HEAD + "  provider: KMS\n  data:\n  - key: 1\n    naem: b\n"
    for located in judge([SourceText("a.yaml", text.encode())]):
        assert located.finding.fix is not None
        assert located.finding.span == located.finding.fix.edit.span


# -- the proof


@pytest.mark.parametrize(
    ("after", "is_fine"),
    [
        ("a: {b: x} # c\nd: 1\n", True),
        ("a: {b: x}\nd: 1\n", False),
        ("d: 1\na: {b: x} # c\n", False),
        ("a: {b: x, e: 1} # c\nd: 1\n", False),
        ('a: {b: x} # c\nd: "1"\n', False),
        ("a: &e {b: x} # c\nd: 1\n", False),
        ("a: !t {b: x} # c\nd: 1\n", False),
        ("a: {b: x # c\nd: 1\n", False),
    ],
)
def test_proof_holds_for_the_intended_change_only(after: str, is_fine: bool) -> None:
    change = Change(ChangeKind.VALUE, ("a", "b"), "x")
    assert is_proven("a: {b: y} # c\nd: 1\n", after, [change]) is is_fine


def test_findings_are_told_in_the_order_of_the_text() -> None:
    found = fixed((HEAD + "  provider: KMS\n  data:\n  - key: 1\n    naem: b\n").encode())
    lines = [located.finding.span.line for located in found.made if located.finding.span]
    assert all(one <= other for one, other in pairwise(lines))
