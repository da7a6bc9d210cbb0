"""`whoami` and the guard of `sync` where no service can be asked, and how identities read."""

import pytest

from kubectl_asm.cli.main import main
from kubectl_asm.errors import UsageError
from kubectl_asm.model.backend import BackendError, ErrorClass, Identity, Provider, RoleHop, Tier
from kubectl_asm.report.identities import identity_item, identity_line, identity_row
from kubectl_asm.wiring.identity import Caller, Client, Resolved, expect_account, identify_all

ROLE, FAR = "acs:ram::1001:role/near", "acs:ram::900:role/far"
STORE = ("SecretStore", "shop/main")


def client(identity: Identity | None = None) -> Client:
    return Client("namespace/shop/main", Provider.KMS, STORE, identity or Identity(Tier.AK))


@pytest.mark.parametrize(
    "arguments", [["whoami"], ["sync", "--expect-account", "1001", "--cluster-dir"]], ids=["whoami", "expect-account"]
)
def test_a_fixtures_file_has_no_identities_to_ask_for(tmp_path, capsys, arguments: list[str]) -> None:
    fixtures = tmp_path / "fixtures.yaml"
    fixtures.write_text("apiVersion: kubectl-asm/v1\nkind: Fixtures\n")
    folder = [str(tmp_path / "cluster")] if arguments[-1] == "--cluster-dir" else []
    (tmp_path / "cluster").mkdir()
    assert main(["kubectl-asm", *arguments, *folder, "--backend", str(fixtures)]) == 2
    assert "needs the real services" in capsys.readouterr().err


def test_the_role_of_a_hop_is_the_one_that_reads() -> None:
    assert client(Identity(Tier.TOKEN_FILE, role_arn=ROLE)).known_arn == ROLE
    assert client(Identity(Tier.AK, hop=RoleHop(FAR, "s"))).known_arn == FAR
    assert client().known_arn == ""


def test_another_account_and_an_unknown_one_are_refused() -> None:
    mine = Resolved(client(), Caller("1001", ROLE, "AssumedRoleUser"))
    expect_account("1001", [mine])
    with pytest.raises(UsageError, match="belongs to account 1001"):
        expect_account("900", [mine])
    with pytest.raises(UsageError, match="cannot be found out"):
        expect_account("1001", [Resolved(client(), error=BackendError(code="Throttling.User", status=400))])


def test_a_client_without_a_plan_is_not_asked_for() -> None:
    def never(_plan: object) -> Caller:
        raise AssertionError("asked")

    (found,) = identify_all(never, [client()], 4)
    assert found.error is not None
    assert identify_all(never, [], 4) == []


def test_an_item_holds_the_error_in_parts_and_no_key() -> None:
    error = BackendError("no", code="NoPermission", status=403, error_class=ErrorClass.CREDENTIALS, hint="fix")
    identity = Identity(Tier.AK, hop=RoleHop(FAR, "s"))
    item = identity_item("namespace/shop/main", STORE, Provider.KMS, identity, 2, caller=None, error=error)
    assert item["store"] == {"kind": "SecretStore", "namespace": "shop", "name": "main"}
    assert (item["tier"], item["remoteRoleArn"], item["account"], item["usedBy"]) == ("ak", FAR, None, 2)
    assert item["error"] == {
        "class": "credentials", "code": "NoPermission", "status": 403, "message": "NoPermission, HTTP 403, no", "hint": "fix"
    }  # fmt: skip


def test_a_line_names_the_store_the_identity_and_its_source() -> None:
    account = Identity(Tier.SERVICE_ACCOUNT, role_arn=ROLE, service_account=("shop", "reader"))
    assert identity_line("SecretStore shop/main", account, ROLE) == (
        f"SecretStore shop/main reads as {ROLE}, by the ServiceAccount shop/reader"
    )
    local = Identity(Tier.LOCAL, source="profile:dev")
    assert identity_line("environment", local, "x").endswith("by --credentials=profile:dev")
    assert identity_row("environment", None, None, 0, "y", "") == ["environment", "any", "-", "-", "y", "0"]
