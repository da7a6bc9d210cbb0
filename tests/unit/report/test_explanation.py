"""Explanations: the fields of the output contract, and texts of manifests that cannot escape their output."""

import io
import json
import re

import pytest

from kubectl_asm.engine.admit import Admitter
from kubectl_asm.engine.calls import Hosts
from kubectl_asm.engine.lookups import References
from kubectl_asm.model.backend import Provider
from kubectl_asm.report.documents import envelope, json_text
from kubectl_asm.report.explanation import Explained, explanation
from kubectl_asm.report.explanation_html import write_html
from kubectl_asm.report.explanation_markdown import markdown_lines
from kubectl_asm.report.explanation_tree import document_lines, write_tree
from tests.unit.engine.worlds import cluster, key_refs, key_secret, obj, settings, store

SHOWN = [{"name": "region", "value": "cn-hangzhou", "origin": "--region"}]
HOSTS = Hosts("sts.cn-hangzhou.aliyuncs.com")
REF = {"name": "s"}


def document(spec, world=None, **metadata):
    world = world or cluster(store("s", **key_refs()), key_secret())
    one = obj("ExternalSecret", "demo", "default", metadata=metadata, spec=spec)
    admitted = Admitter(References(world), settings(), {}).admit(one, Provider.KMS)
    item = explanation(Explained(one, admitted), settings(), SHOWN, HOSTS)
    return envelope("Explanation", items=[item], clusterResources=[])


def text_of(form, shown):
    out = io.StringIO()
    if form == "tree":
        write_tree(out, document_lines(shown), colour=None)
    elif form == "html":
        write_html(out, shown)
    else:
        out.write("\n".join(markdown_lines(shown)))
    return out.getvalue()


def test_an_item_has_the_fields_scripts_rely_on():
    (item,) = document({"data": [{"key": "db", "name": "password", "versionId": "v1", "secretStoreRef": REF}]})["items"]
    assert item["object"] == {"kind": "ExternalSecret", "namespace": "default", "name": "demo"}
    assert {"decision", "requeue", "settings", "entries", "target", "findings"} <= item.keys()
    (entry,) = item["entries"]
    wanted = {"key": "password", "index": 0, "provider": "kms", "backendKey": "db", "versionId": "v1", "versionStage": ""}
    wanted |= {"client": "store", "store": {"kind": "SecretStore", "namespace": None, "name": "s"}, "gates": []}
    wanted |= {"blockedBy": None, "endpoint": "kms-vpc.cn-hangzhou.aliyuncs.com", "endpointRule": "default", "tier": "ak"}
    wanted |= {"errorClass": None, "roleArn": "", "sessionName": "", "outputs": ["password"], "region": "cn-hangzhou"}
    assert {name: entry[name] for name in wanted} == wanted
    assert [link["tier"] for link in entry["chain"] if link["used"]] == ["ak"]
    assert item["target"] == {
        "namespace": "default", "name": "demo", "type": "Opaque", "keys": ["password"], "labels": [], "annotations": [],
        "exists": None,
    }  # fmt: skip


def test_calls_name_parameters_and_hosts():
    role = {
        "ramRoleARN": "acs:ram::1:role/a",
        "oidcProviderARN": "acs:ram::1:oidc-provider/p",
        "remoteRamRoleARN": "acs:ram::2:role/b",
    }
    world = cluster(store("s", **role))
    (item,) = document({"data": [{"key": "db", "versionStage": "ACSCurrent", "secretStoreRef": REF}]}, world)["items"]
    calls = [(call["service"], call["action"], call["host"], call["parameters"]) for call in item["entries"][0]["calls"]]
    assert calls == [
        ("file", "Read", "", {"path": "/var/run/secrets/tokens/ack-secret-manager"}),
        ("sts", "AssumeRoleWithOIDC", HOSTS.sts, {
            "RoleArn": "acs:ram::1:role/a", "RoleSessionName": "ack-secret-manager",
            "OIDCProviderArn": "acs:ram::1:oidc-provider/p"}),
        ("sts", "AssumeRole", HOSTS.sts, {"RoleArn": "acs:ram::2:role/b", "RoleSessionName": "ack-secret-manager"}),
        ("kms", "GetSecretValue", "kms-vpc.cn-hangzhou.aliyuncs.com", {"SecretName": "db", "VersionStage": "ACSCurrent"}),
    ]  # fmt: skip


def test_every_tier_is_there_with_its_reason():
    (item,) = document({"data": [{"key": "db", "secretStoreRef": REF}]})["items"]
    chain = item["entries"][0]["chain"]
    assert {link["tier"] for link in chain} == {"serviceAccountRRSA", "rrsa", "akAssumeRole", "ak", "workerRole"}
    assert all(link["reason"] for link in chain)


HOSTILE = "x\x1b[31m\u202e<script>alert(1)</script>|`\n```\n{{ 1111*11 }}"


@pytest.mark.parametrize("form", ["tree", "markdown", "html"])
def test_no_text_of_a_manifest_escapes_its_output(form):
    spec = {"data": [{"key": HOSTILE, "name": HOSTILE}], "target": {"name": HOSTILE}}
    text = text_of(form, document(spec))
    assert "\x1b" not in text
    assert "12221" not in text
    if form == "html":
        assert "<script" not in text
        assert not re.search(r"(?:src|href)=", text)
        assert "prefers-color-scheme: dark" in text
        assert 'name="viewport"' in text
    if form == "markdown":
        fences = [line for line in text.splitlines() if line.startswith("```")]
        assert len(fences) % 2 == 0
        assert all(line in ("```text", "```") for line in fences)
        rows = [line for line in text.splitlines() if line.startswith("| `data[0]`")]
        assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [7]
        assert "<script" not in "".join(rows)


def test_no_key_and_no_secret_of_an_access_key_is_shown():
    shown = document({"data": [{"key": "db", "secretStoreRef": REF}]})
    for text in (json.dumps(shown), *(text_of(form, shown) for form in ("tree", "markdown", "html"))):
        assert "LTAI-one" not in text
        assert "sk-one" not in text


def test_a_tree_is_coloured_on_a_terminal_only():
    lines = list(document_lines(document({"data": [{"key": "db"}]})))
    plain, colourful = io.StringIO(), io.StringIO()
    write_tree(plain, lines, colour=None)
    write_tree(colourful, lines, colour=True)
    assert "\x1b[" not in plain.getvalue()
    assert "\x1b[31m" in colourful.getvalue(), "an entry without credentials is told in red"


@pytest.mark.parametrize("value", [{"a": [], "b": {}, "c": [1, 2.5, True, None, 'é\u2028<\x01\x7f/"\\']}, {"half": "\ud800"}])
def test_json_is_what_the_standard_library_writes(value):
    assert json.loads(json_text(value)) == value
    if "half" not in value:
        assert json_text(value) == json.dumps(value, indent=2, ensure_ascii=False)
