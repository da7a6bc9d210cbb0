"""The forms in which people write backend values, and what each problem says about its place."""

import pytest

from kubectl_asm.adapters.cloud.values import (
    Failure,
    Fault,
    FaultKind,
    Payload,
    Script,
    ValueFormError,
    Versions,
    decode_fixtures,
    decode_value,
)
from kubectl_asm.model.backend import Network, Provider
from kubectl_asm.model.sensitive import SecretBytes


def text(value: str) -> Payload:
    return Payload(SecretBytes.of_text(value))


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("plain", text("plain")),
        ("", text("")),
        ({"text": "plain"}, text("plain")),
        ({"binary": "aGk="}, Payload(SecretBytes(b"aGk="), is_binary=True)),
        ({"missingData": True}, Payload()),
        ({"missingBody": True}, Payload(has_body=False)),
        ({"fail": {"code": "X", "status": 404, "message": "m"}}, Failure("X", 404, "m")),
        ({"fail": {"network": "reset"}}, Failure(network=Network.RESET)),
        ({"fail": {"status": 429, "retryAfter": 2}}, Failure(status=429, retry_after_s=2.0)),
        ({"script": ["ok", {"fail": {"status": 500}}], "text": "v"}, Script((text("v"), Failure(status=500)))),
        ({"script": [{"fault": "html"}, "ok"], "text": "v"}, Script((Fault(FaultKind.HTML, payload=text("")), text("v")))),
        ({"fault": "slow", "seconds": 2, "text": "v"}, Fault(FaultKind.SLOW, 2.0, text("v"))),
        (
            {"versions": [{"id": "v1", "stages": ["ACSCurrent"], "text": "a"}]},
            Versions((Payload(SecretBytes(b"a"), version_id="v1", stages=("ACSCurrent",)),)),
        ),
    ],
)
def test_every_form_is_understood(raw, value):
    assert decode_value(raw) == value


@pytest.mark.parametrize(
    ("raw", "path", "word"),
    [
        (14, (), "text or a mapping"),
        (None, (), "text or a mapping"),
        ({}, (), "exactly one"),
        ({"text": "a", "binary": "b"}, (), "exactly one"),
        ({"txt": "a"}, (), "exactly one"),
        ({"text": 5}, ("text",), "must be text"),
        ({"missingData": False}, ("missingData",), "either true"),
        ({"file": "x"}, ("file",), "cannot be named"),
        ({"fail": "no"}, ("fail",), "mapping"),
        ({"fail": {"cod": "x"}}, ("fail", "cod"), "unknown field"),
        ({"fail": {"status": 200}}, ("fail", "status"), "400 to 599"),
        ({"fail": {"status": True}}, ("fail", "status"), "400 to 599"),
        ({"fail": {"network": "weather"}}, ("fail", "network"), "unknown network"),
        ({"fail": {"status": 500}, "text": "x"}, ("text",), "unknown field"),
        ({"script": [], "text": "x"}, ("script",), "at least one"),
        ({"script": ["no"], "text": "x"}, ("script", 0), "a step is"),
        ({"script": ["ok", {"fail": {"status": 1}}]}, ("script", 1, "fail", "status"), "400 to 599"),
        ({"versions": [{"id": "v", "stages": ["a"]}]}, ("versions", 0), "exactly one"),
        ({"versions": [{"stages": [], "text": "a"}]}, ("versions", 0, "id"), "text is expected"),
        ({"versions": {}}, ("versions",), "list"),
        ({"fault": "rain"}, ("fault",), "unknown fault"),
        ({"fault": "slow", "seconds": -1}, ("seconds",), "0 to 3600"),
    ],
)
def test_every_problem_names_its_path(raw, path, word):
    with pytest.raises(ValueFormError, match=word) as caught:
        decode_value(raw)
    assert caught.value.path == path


def test_an_oos_parameter_has_no_binary_form():
    with pytest.raises(ValueFormError, match="no binary form"):
        decode_value({"binary": "aGk="}, Provider.OOS)


def test_a_file_decodes_to_its_values_and_all_of_its_problems():
    document = {
        "apiVersion": "kubectl-asm/v1",
        "kind": "Fixtures",
        "kms": {"a": "1", "b": 2, "c": {"fail": {"status": 7}}},
        "oos": None,
        "stores": {"team/db": {"kms": {"a": "other"}}, "nonsense": {}, "env": {"oos": {"p": "x"}}},
        "extra": 1,
    }
    fixtures, problems = decode_fixtures(document)
    assert fixtures.common.kms == {"a": text("1")}
    assert fixtures.stores["team/db"].kms == {"a": text("other")}
    assert fixtures.stores["env"].kms == fixtures.common.kms
    assert [problem.path for problem in problems] == [
        ("extra",),
        ("kms", "b"),
        ("kms", "c", "fail", "status"),
        ("stores", "nonsense"),
    ]


@pytest.mark.parametrize("document", ["text", [1], {"kms": [1]}, {1: 2}, {"stores": {"env": 3}}])
def test_a_document_of_the_wrong_shape_is_a_problem_and_no_crash(document):
    assert decode_fixtures(document)[1]


def test_a_file_value_is_read_where_the_caller_says(tmp_path):
    (tmp_path / "v").write_bytes(b"from file\n")
    fixtures, problems = decode_fixtures({"kms": {"a": {"file": "v"}}}, read_file=lambda name: (tmp_path / name).read_bytes())
    assert (fixtures.common.kms["a"], problems) == (text("from file\n"), [])


def test_a_file_that_is_missing_or_not_text_is_a_problem(tmp_path):
    (tmp_path / "raw").write_bytes(b"\xff\xfe")
    document = {"kms": {"a": {"file": "none"}, "b": {"file": "raw"}}}
    _, problems = decode_fixtures(document, read_file=lambda name: (tmp_path / name).read_bytes())
    assert [problem.path for problem in problems] == [("kms", "a", "file"), ("kms", "b", "file")]


@pytest.mark.parametrize(
    ("version_id", "stage", "chosen"),
    [("", "", "two"), ("v1", "", "one"), ("", "ACSPrevious", "one"), ("v1", "ACSPrevious", "one"), ("v2", "ACSPrevious", None)],
)
def test_a_version_is_chosen_by_id_and_stage(version_id, stage, chosen):
    value = decode_value(
        {
            "versions": [
                {"id": "v1", "stages": ["ACSPrevious"], "text": "one"},
                {"id": "v2", "stages": ["ACSCurrent"], "text": "two"},
                {"id": "v3", "stages": [], "text": "three"},
            ]
        }
    )
    payload = value.choose(version_id, stage)
    assert (payload.data.reveal_text() if payload else None) == chosen


def test_no_value_shows_in_a_repr():
    fixtures, _ = decode_fixtures(
        {"kms": {"a": "canary-1", "b": {"binary": "canary-2"}, "c": {"script": ["ok"], "text": "canary-3"}}}
    )
    assert "canary" not in repr(fixtures)
