"""From plans to clients: refusals before any call, clients kept and rebuilt, credentials shared."""

import threading
from pathlib import Path

import certifi
import pytest

from kubectl_asm.adapters.cloud.router import CloudRouter, Transports, sdk_client
from kubectl_asm.adapters.cloud.transport import TransportOptions
from kubectl_asm.adapters.credentials.static import StaticCredentials
from kubectl_asm.model.backend import (
    BackendError,
    ClientPlan,
    ErrorClass,
    Provider,
    Refusal,
    SecretAnswer,
    StaleClientError,
)
from tests.unit.emulator.worlds import CLOCK, key_pair, plan, read


class Built:
    """Remembers what was built and answers every read."""

    def __init__(self) -> None:
        self.clients: list[ClientPlan] = []
        self.providers: list[ClientPlan] = []

    def client(self, client_plan: ClientPlan, provider) -> "Built":
        self.clients.append(client_plan)
        return self

    def provider(self, client_plan: ClientPlan) -> StaticCredentials:
        self.providers.append(client_plan)
        return StaticCredentials(key_pair())

    def read(self, _read) -> SecretAnswer:
        return SecretAnswer()

    def router(self, **options) -> CloudRouter:
        return CloudRouter(self.provider, self.client, **options)


def ask(router: CloudRouter, *plans: ClientPlan) -> None:
    for one in plans:
        router.read(read("k", one.provider, one))


def test_a_refusal_is_a_permanent_error_before_anything_is_built():
    built = Built()
    refusal = Refusal(ErrorClass.ACCESS, "store a/b is not shared", gate="G1")
    with pytest.raises(BackendError, match="not shared") as caught:
        ask(built.router(), plan(refusal=refusal))
    error = caught.value
    assert (error.error_class, error.gate, error.is_transient) == (ErrorClass.ACCESS, "G1", False)
    assert (built.clients, built.providers) == ([], [])


def test_a_stale_client_ends_the_round():
    with pytest.raises(StaleClientError):
        ask(Built().router(), plan(stale=True))


def test_equal_plans_share_a_client_and_a_new_version_rebuilds_it():
    built = Built()
    router = built.router()
    ask(router, plan(version="1"), plan(version="1"), plan(version="2"), plan(version="2"))
    assert [client.version for client in built.clients] == ["1", "2"]
    assert [client.version for client in built.providers] == ["1", "2"]


def test_the_endpoints_of_a_store_share_one_credential():
    built = Built()
    ask(built.router(), plan(name="cluster/a"), plan(name="cluster/a#h", endpoint="kms.cn-beijing.aliyuncs.com"))
    assert (len(built.clients), len(built.providers)) == (2, 1)


def test_services_and_stores_do_not_share():
    built = Built()
    ask(built.router(), plan(), plan(Provider.OOS), plan(name="cluster/a"))
    assert (len(built.clients), len(built.providers)) == (3, 3)


def test_the_client_least_used_goes_first():
    built = Built()
    router = built.router(limit=2)
    a, b, c = (plan(name=f"cluster/{name}") for name in "abc")
    ask(router, a, b, a, c, a, b)
    assert [client.name[-1] for client in built.clients] == ["a", "b", "c", "b"]


def test_forgetting_builds_anew():
    built = Built()
    router = built.router()
    ask(router, plan())
    router.forget()
    ask(router, plan())
    assert len(built.clients) == 2


def test_threads_build_a_client_once():
    built = Built()
    router = built.router()
    threads = [threading.Thread(target=ask, args=(router, plan())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(built.clients) == 1


def test_a_ca_file_that_cannot_be_used_fails_this_client_only(tmp_path):
    router = CloudRouter(Built().provider, sdk_client(Transports(TransportOptions(), CLOCK)))
    with pytest.raises(BackendError, match="cannot use the CA file") as caught:
        ask(router, plan(ca_file=str(tmp_path / "none.pem")))
    assert caught.value.error_class is ErrorClass.CONFIGURATION


def test_a_ca_file_that_changes_gives_a_transport_of_its_own(tmp_path):
    path = tmp_path / "ca.pem"
    first_certificate = Path(certifi.where()).read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    path.write_text(first_certificate)
    transports = Transports(TransportOptions(), CLOCK)
    first = transports.get(str(path))
    assert transports.get(str(path)) is first
    path.write_text(first_certificate * 2)
    assert transports.get(str(path)) is not first
    transports.close()
