"""When temporary credentials are renewed, and what a failed renewal does."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from kubectl_asm.adapters.credentials.base import Credentials, credentials_error
from kubectl_asm.adapters.credentials.refresh import RefreshingCredentials, before_end, last_fifth
from kubectl_asm.model.backend import BackendError, Network
from kubectl_asm.model.sensitive import SecretBytes

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Wall:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Share:
    def __init__(self, share: float = 0.5) -> None:
        self.share = share

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * self.share


class Issuer:
    """Gives credentials `n1`, `n2` ... or fails while failing is set."""

    def __init__(self, wall: Wall, life_s: float = 3600) -> None:
        self.wall, self.life_s, self.calls, self.failing = wall, life_s, 0, False

    def __call__(self) -> Credentials:
        self.calls += 1
        if self.failing:
            raise credentials_error("sts is away", cause=BackendError(status=500))
        key = SecretBytes.of_text(f"n{self.calls}")
        return Credentials(key, key, key, self.wall.now + timedelta(seconds=self.life_s))


def ids(provider: RefreshingCredentials) -> str:
    return provider.credentials().key_id.reveal_text()


def test_credentials_are_kept_until_the_last_fifth_of_their_life():
    wall = Wall()
    provider = RefreshingCredentials(Issuer(wall), last_fifth, wall)
    seen = []
    for seconds in (0, 2700, 179, 1):
        wall.advance(seconds)
        seen.append(ids(provider))
    assert seen == ["n1", "n1", "n1", "n2"]


@pytest.mark.parametrize(("share", "due_s"), [(0.0, 3000), (1.0, 2940)])
def test_a_window_before_the_end_is_spread_over_a_minute(share, due_s):
    due = before_end(timedelta(minutes=10), Share(share))
    assert due(START, START + timedelta(hours=1)) == START + timedelta(seconds=due_s)


def test_a_life_no_longer_than_the_window_is_not_renewed_at_every_use():
    due = before_end(timedelta(minutes=30), Share())
    assert due(START, START + timedelta(minutes=15)) == START + timedelta(minutes=12)


def test_a_failed_renewal_keeps_the_old_credentials_until_they_end():
    wall = Wall()
    issuer = Issuer(wall)
    provider = RefreshingCredentials(issuer, last_fifth, wall)
    ids(provider)
    issuer.failing = True
    wall.advance(3000)
    assert [ids(provider) for _ in range(3)] == ["n1"] * 3
    assert issuer.calls == 2  # not tried again at once
    wall.advance(11)
    ids(provider)
    assert issuer.calls == 3
    wall.advance(600)
    with pytest.raises(BackendError, match="sts is away"):
        ids(provider)
    issuer.failing = False
    assert ids(provider) == "n5"


def test_many_threads_ask_once():
    wall, gate = Wall(), threading.Barrier(8, timeout=5)
    issuer = Issuer(wall)
    provider = RefreshingCredentials(issuer, last_fifth, wall)

    def work() -> None:
        gate.wait()
        provider.credentials()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert issuer.calls == 1


def test_those_who_waited_for_a_failed_call_share_its_failure():
    wall, entered, release = Wall(), threading.Event(), threading.Event()
    calls, errors = [], []

    def fetch() -> Credentials:
        calls.append(1)
        entered.set()
        release.wait(5)
        raise credentials_error("refused")

    provider = RefreshingCredentials(fetch, last_fifth, wall)

    def work() -> None:
        try:
            provider.credentials()
        except BackendError as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    threads[0].start()
    entered.wait(5)
    for thread in threads[1:]:
        thread.start()
    while not all(thread.is_alive() for thread in threads):
        pass
    threading.Event().wait(0.05)  # let the three reach the lock
    release.set()
    for thread in threads:
        thread.join(5)
    assert len(errors) == 4
    assert len(calls) == 1


class Silent(Issuer):
    """Does not answer while failing is set."""

    def __call__(self) -> Credentials:
        if self.failing:
            self.calls += 1
            raise credentials_error("no answer", cause=BackendError(network=Network.TIMEOUT))
        return super().__call__()


def test_a_service_that_did_not_answer_is_not_asked_again_for_a_while():
    wall = Wall()
    issuer = Silent(wall)
    issuer.failing = True
    provider = RefreshingCredentials(issuer, last_fifth, wall, silence=timedelta(seconds=60))
    with pytest.raises(BackendError) as first:
        provider.credentials()
    for seconds in (0, 30, 29):
        wall.advance(seconds)
        with pytest.raises(BackendError) as told:
            provider.credentials()
        assert (told.value.is_transient, str(told.value)) == (False, str(first.value))
    assert (issuer.calls, first.value.is_transient) == (1, True)
    issuer.failing = False
    wall.advance(1)
    assert ids(provider) == "n2"


def test_a_service_that_answered_with_an_error_is_asked_again():
    wall = Wall()
    issuer = Issuer(wall)
    issuer.failing = True
    provider = RefreshingCredentials(issuer, last_fifth, wall, silence=timedelta(seconds=60))
    with pytest.raises(BackendError):
        provider.credentials()
    issuer.failing = False
    assert ids(provider) == "n2"
