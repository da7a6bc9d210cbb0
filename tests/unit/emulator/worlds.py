"""A running emulator and real clients for it, as tests start them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kubectl_asm.adapters.cloud.router import CloudRouter, Transports, sdk_client
from kubectl_asm.adapters.cloud.transport import DialOverride, TransportOptions
from kubectl_asm.adapters.credentials.base import CredentialProvider
from kubectl_asm.adapters.credentials.static import StaticCredentials
from kubectl_asm.adapters.system import SystemClock, SystemRandom, utc_now
from kubectl_asm.emulator.options import EmulatorOptions, World
from kubectl_asm.emulator.server import Emulator
from kubectl_asm.model.backend import AccessKeyPair, ClientPlan, Provider, SecretRead, SecretRequest
from kubectl_asm.model.sensitive import SecretBytes

CLOCK = SystemClock()
KMS_HOST = "kms-vpc.cn-hangzhou.aliyuncs.com"
OOS_HOST = "oos-vpc.cn-hangzhou.aliyuncs.com"


def real_world(**replaced: Any) -> World:
    """The world of a real process, with parts replaced."""
    parts = {"now": utc_now, "monotonic": CLOCK.monotonic, "wait": CLOCK.wait, "token": SystemRandom().token}
    return World(**parts | replaced)


@contextmanager
def running(fixtures: Any = None, *, world: World | None = None, **options: Any) -> Iterator[Emulator]:
    """An emulator on a free port."""
    with Emulator(EmulatorOptions(**options), world or real_world()) as emulator:
        emulator.set_fixtures(fixtures or {})
        yield emulator


def key_pair(key_id: str = "emulator", secret: str = "emulator") -> AccessKeyPair:
    return AccessKeyPair(SecretBytes.of_text(key_id), SecretBytes.of_text(secret))


def transport_options(emulator: Emulator, **more: Any) -> TransportOptions:
    """Dial the emulator for every cloud host."""
    return TransportOptions(dial=DialOverride(emulator.host, emulator.port, str(emulator.ca_file)), **more)


def cloud(emulator: Emulator, provider: CredentialProvider | None = None, **more: Any) -> CloudRouter:
    """The real clients, dialling the emulator."""
    transports = Transports(transport_options(emulator, **more), CLOCK)
    return CloudRouter(lambda plan: provider or StaticCredentials(key_pair()), sdk_client(transports))


def plan(provider: Provider = Provider.KMS, name: str = "env.client", endpoint: str = "", **more: Any) -> ClientPlan:
    host = endpoint or (KMS_HOST if provider is Provider.KMS else OOS_HOST)
    return ClientPlan(name, provider, endpoint=host, region="cn-hangzhou", **more)


def read(key: str, provider: Provider = Provider.KMS, client: ClientPlan | None = None, **request: str) -> SecretRead:
    return SecretRead(client or plan(provider), SecretRequest(provider, key, **request))
