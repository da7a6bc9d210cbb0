"""`check` without a cluster: clock skew, regions, output, and that a broken part is a result and not an error."""

import json
from datetime import timedelta
from email.utils import format_datetime

import pytest

from kubectl_asm.adapters.system import utc_now
from kubectl_asm.cli.main import main
from kubectl_asm.model.settings import Settings
from kubectl_asm.report.checks import Check, Verdict, check_document
from kubectl_asm.wiring.checks import _skew, region_check, settings_checks


@pytest.mark.parametrize(
    ("seconds", "verdict", "word"),
    [
        (0, Verdict.OK, "in step"),
        (-30, Verdict.OK, "in step"),
        (-300, Verdict.WARNING, "ahead"),
        (300, Verdict.WARNING, "behind"),
        (3600, Verdict.FAILED, "behind"),
        (-3600, Verdict.FAILED, "ahead"),
    ],
)
def test_a_clock_that_differs_by_minutes_warns_and_by_a_quarter_of_an_hour_fails(
    seconds: int, verdict: Verdict, word: str
) -> None:
    there = utc_now() + timedelta(seconds=seconds)
    found = _skew("API server", format_datetime(there, usegmt=True), utc_now())
    assert found.verdict is verdict
    assert word in found.detail


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 99 Nov 2026 00:00:00 GMT"])
def test_a_header_that_is_no_date_is_skipped(date: str) -> None:
    assert _skew("API server", date, utc_now()).verdict is Verdict.SKIPPED


def test_no_region_is_a_warning_unless_the_kms_host_is_given() -> None:
    assert region_check(Settings()).verdict is Verdict.WARNING
    assert region_check(Settings(region="cn-hangzhou")).detail == "cn-hangzhou"
    assert region_check(Settings(kms_endpoint="kms.cn-hangzhou.aliyuncs.com")).verdict is Verdict.OK


def test_one_half_of_an_access_key_fails_and_its_value_is_not_shown() -> None:
    (found,) = settings_checks({}, {"ACCESS_KEY_ID": "canary-id"})
    assert found.verdict is Verdict.FAILED
    assert "canary-id" not in f"{found}"


def test_the_debug_switch_of_the_sdk_is_pointed_out() -> None:
    assert [one.verdict for one in settings_checks({"DEBUG": "sdk"}, {})] == [Verdict.OK, Verdict.WARNING]


def test_a_plain_scheme_for_sts_is_pointed_out_as_ignored() -> None:
    assert [one.verdict for one in settings_checks({"ALIBABA_CLOUD_STS_HTTP_SCHEME": "HTTP"}, {})] == [
        Verdict.OK, Verdict.WARNING
    ]  # fmt: skip
    assert [one.verdict for one in settings_checks({"ALIBABA_CLOUD_STS_HTTP_SCHEME": "https"}, {})] == [Verdict.OK]


def test_the_document_counts_every_verdict() -> None:
    document = check_document([Check("a", "b", Verdict.OK), Check("a", "c", Verdict.FAILED, "x", "y")])
    assert document["summary"] == {"ok": 1, "warning": 0, "failed": 1, "skipped": 0}
    assert document["items"][1] == {"check": "a", "subject": "c", "result": "failed", "detail": "x", "hint": "y"}


def test_a_folder_as_cluster_and_a_file_as_cloud_pass(tmp_path, capsys) -> None:
    (tmp_path / "cluster").mkdir()
    (tmp_path / "fixtures.yaml").write_text("apiVersion: kubectl-asm/v1\nkind: Fixtures\n")
    folder, file = str(tmp_path / "cluster"), str(tmp_path / "fixtures.yaml")
    code = main(["kubectl-asm", "check", "--cluster-dir", folder, "--backend", file, "--region", "cn-hangzhou", "-o", "json"])
    items = json.loads(capsys.readouterr().out)["items"]
    assert code == 0
    assert [item["result"] for item in items if item["check"] == "endpoint"] == ["skipped"]


def test_an_unknown_source_of_credentials_is_a_failed_check(capsys) -> None:
    assert main(["kubectl-asm", "check", "--offline", "--cluster-dir", "x", "--credentials", "vault"]) == 1
    assert '--credentials "vault" is not known' in capsys.readouterr().out
