"""Refusals of the emulator as the services write them, and its clock, which `check` compares with ours."""

import json
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from kubectl_asm.adapters.cloud.transport import Reply, Transport
from kubectl_asm.adapters.credentials.base import Credentials
from kubectl_asm.adapters.credentials.sts import RoleCall, StsClient
from kubectl_asm.adapters.system import SystemRandom, utc_now
from kubectl_asm.cli.main import main
from kubectl_asm.emulator.server import Emulator
from kubectl_asm.model.backend import BackendError, Provider
from kubectl_asm.model.sensitive import SecretBytes
from tests.unit.emulator.worlds import CLOCK, cloud, key_pair, read, real_world, running, transport_options

STS = "sts.cn-hangzhou.aliyuncs.com"
ROLE = "acs:ram::1001:role/app"
NOBODY = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": ["acs:ram::9:user/x"]}}


def accounts(*statements: dict[str, object]) -> dict[str, object]:
    """One user with these rights, and a role that trusts somebody else."""
    user = {"name": "bob", "accessKeys": [{"id": "BOB", "secret": "b"}], "policies": [{"Statement": list(statements)}]}
    return {"accounts": [{"id": "1001", "users": [user], "roles": [{"name": "app", "trust": {"Statement": [NOBODY]}}]}]}


def allow(effect: str, action: str) -> dict[str, object]:
    return {"Effect": effect, "Action": action, "Resource": "*"}


def refused_by_oos(emulator: Emulator) -> BackendError:
    pair = key_pair("BOB", "b")

    class Bob:
        def credentials(self) -> Credentials:
            return Credentials(pair.key_id, pair.secret)

    with pytest.raises(BackendError) as caught:
        cloud(emulator, Bob()).read(read("param", Provider.OOS))
    return caught.value


def refused_by_sts(emulator: Emulator) -> BackendError:
    client = StsClient(Transport(transport_options(emulator), CLOCK), STS, utc_now, SystemRandom())
    bob = Credentials(SecretBytes.of_text("BOB"), SecretBytes.of_text("b"))
    with pytest.raises(BackendError) as caught:
        client.assume_role(bob, RoleCall(ROLE, "session"))
    return caught.value


@pytest.mark.parametrize(("statements", "is_explicit"), [([], False), ([("Allow", "oos:*"), ("Deny", "oos:*")], True)])
def test_oos_says_who_may_not_do_what_and_which_policy_decides(statements: list[tuple[str, str]], is_explicit: bool) -> None:
    with running({"oos": {"param": "v"}}) as emulator:
        emulator.set_accounts(accounts(*(allow(*one) for one in statements)))
        error = refused_by_oos(emulator)
    denial = error.denial
    assert denial is not None
    assert (denial.action, denial.principal_type, denial.principal) == ("oos:GetSecretParameter", "SubUser", "bob")
    assert (denial.account, denial.is_explicit, denial.policy_type) == ("1001", is_explicit, "AccountLevelIdentityBasedPolicy")
    assert denial.resource == "acs:oos:cn-hangzhou:1001:secretparameter/param"


@pytest.mark.parametrize(
    ("statements", "policy"),
    [([], "AccountLevelIdentityBasedPolicy"), ([("Allow", "sts:AssumeRole")], "AssumeRolePolicy")],
    ids=["no right", "no trust"],
)
def test_sts_tells_a_missing_right_from_missing_trust(statements: list[tuple[str, str]], policy: str) -> None:
    with running() as emulator:
        emulator.set_accounts(accounts(*(allow(*one) for one in statements)))
        error = refused_by_sts(emulator)
    assert (error.code, error.status) == ("NoPermission", 403)
    assert error.denial is not None
    assert (error.denial.action, error.denial.policy_type, error.denial.is_explicit) == ("sts:AssumeRole", policy, False)


def test_kms_names_the_resource_in_its_own_dialect() -> None:
    with running({"kms": {"db": "v"}}) as emulator:
        emulator.set_accounts(accounts())
        pair = key_pair("BOB", "b")

        class Bob:
            def credentials(self) -> Credentials:
                return Credentials(pair.key_id, pair.secret)

        with pytest.raises(BackendError) as caught:
            cloud(emulator, Bob()).read(read("db"))
    assert caught.value.denial is not None
    assert (caught.value.denial.action, caught.value.denial.resource) == ("", "acs:kms:cn-hangzhou:1001:secret/db")


def asked(emulator: Emulator, method: str, url: str) -> Reply:
    return Transport(transport_options(emulator), CLOCK).exchange(method, url, {})


@pytest.mark.parametrize(
    ("method", "url"),
    [("GET", f"https://{STS}/"), ("GET", "http://100.100.100.200/latest/meta-data/region-id"), ("GET", "http://kms.x/")],
    ids=["refused", "metadata", "plain HTTP to a service"],
)
def test_every_answer_has_the_emulators_date(method: str, url: str) -> None:
    with running(world=real_world(now=lambda: utc_now() - timedelta(hours=1))) as emulator:
        date = asked(emulator, method, url).headers["date"]
    assert abs((utc_now() - parsedate_to_datetime(date)).total_seconds() - 3600) < 30


@pytest.mark.parametrize(("offset", "result"), [(0, "ok"), (-300, "warning"), (3600, "failed")])
def test_check_tells_how_far_the_clock_of_a_service_is_off(
    offset: int, result: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ACCESS_KEY_ID", raising=False)
    (tmp_path / "cluster").mkdir()
    ready = tmp_path / "ready.json"
    skewed = real_world(now=lambda: utc_now() + timedelta(seconds=offset))
    with running(world=skewed, ready_file=ready, ca_out=tmp_path / "ca.pem"):
        where = ["--cluster-dir", str(tmp_path / "cluster"), "--cloud-emulator", str(ready)]
        code = main(["kubectl-asm", "check", *where, "--region", "cn-hangzhou", "-o", "json"])
    clocks = [item for item in json.loads(capsys.readouterr().out)["items"] if item["check"] == "clock"]
    assert {item["result"] for item in clocks} == {result}
    assert {item["subject"] for item in clocks} == {STS, "kms-vpc.cn-hangzhou.aliyuncs.com"}
    assert code == (1 if result == "failed" else 0)
