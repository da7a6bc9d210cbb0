"""Reads, and sources that count what they are asked: for tests of decorators."""

from __future__ import annotations

import threading

from kubectl_asm.model.backend import ClientPlan, Provider, SecretAnswer, SecretRead, SecretRequest
from kubectl_asm.model.sensitive import SecretBytes


def read(key="a", *, client="namespace/shop/s", version="1", endpoint="", provider=Provider.KMS):
    plan = ClientPlan(client, provider, endpoint, version=version)
    return SecretRead(plan, SecretRequest(provider, key))


def answer(text):
    return SecretAnswer(SecretBytes.of_text(text))


def texts(outcomes):
    return [outcome.data.reveal_text() for outcome in outcomes]


class Seconds:
    """A clock of exact numbers that a test moves."""

    def __init__(self):
        self.now_s = 0.0

    def monotonic(self):
        return self.now_s

    def wait(self, seconds):
        self.now_s += seconds
        return True


class Dated:
    """Answers with key and instant of the call, and keeps the keys of every call. failures: by key."""

    def __init__(self, clock=None, failures=None, lasts_s=0.0):
        self.clock = clock or Seconds()
        self.failures = failures or {}
        self.lasts_s = lasts_s
        self.calls = []
        self._lock = threading.Lock()

    def fetch_many(self, reads):
        with self._lock:
            self.calls.append([one.request.key for one in reads])
        asked_s = self.clock.monotonic()
        if self.lasts_s:
            self.clock.wait(self.lasts_s)
        return [self.failures.get(one.request.key) or answer(f"{one.request.key}@{asked_s:g}") for one in reads]
