"""What a refused first token leads to where the old rule is asked for, and that nothing later does."""

from datetime import UTC, datetime, timedelta

import pytest

from kubectl_asm.adapters.credentials.base import Credentials, credentials_error
from kubectl_asm.adapters.credentials.fallback import FirstTokenDecides
from kubectl_asm.adapters.credentials.metadata import MetadataOptions
from kubectl_asm.adapters.credentials.oidc import ServiceAccountToken
from kubectl_asm.adapters.credentials.static import StaticCredentials
from kubectl_asm.errors import AccessError
from kubectl_asm.model.backend import AccessKeyPair, BackendError, ErrorClass
from kubectl_asm.model.sensitive import SecretBytes

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Tokens:
    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)

    def issue(self, namespace, name, audiences):
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Failing:
    def credentials(self) -> Credentials:
        raise credentials_error("STS says no")


def static(key_id):
    return StaticCredentials(AccessKeyPair(SecretBytes.of_text(key_id), SecretBytes(b"x")))


def chosen(tokens, preferred, otherwise, now=lambda: NOW):
    return FirstTokenDecides(ServiceAccountToken(tokens, ("ns", "app"), (), now), preferred, otherwise)


def test_a_refused_first_token_leads_to_the_fallback_for_good():
    tokens = Tokens(AccessError("no", status=403), "never asked for")
    provider = chosen(tokens, Failing(), lambda: static("worker"))
    assert [provider.credentials().key_id.reveal() for _ in range(2)] == [b"worker", b"worker"]
    assert len(tokens.outcomes) == 1


def test_with_a_first_token_neither_sts_nor_a_later_token_changes_the_tier():
    clock = [NOW]
    tokens = Tokens("first", AccessError("no", status=403))
    provider = chosen(tokens, Failing(), lambda: static("worker"), lambda: clock[0])
    for _ in range(2):
        with pytest.raises(BackendError, match="STS says no"):
            provider.credentials()
        clock[0] += timedelta(hours=2)


def test_a_fallback_that_does_not_exist_is_asked_for_again():
    def nothing():
        raise BackendError("none left", error_class=ErrorClass.NO_CREDENTIALS, permanent=True)

    tokens = Tokens(AccessError("no", status=403), "second")
    provider = chosen(tokens, static("account"), nothing)
    with pytest.raises(BackendError, match="none left"):
        provider.credentials()
    assert provider.credentials().key_id.reveal() == b"account"


def test_metadata_options_of_the_environment():
    assert MetadataOptions.from_environment({}) == MetadataOptions()
    options = MetadataOptions.from_environment({"ALIBABA_CLOUD_ECS_METADATA": "Role", "ALIBABA_CLOUD_IMDS_ENDPOINT": "10.0.0.1"})
    assert (options.role, options.endpoint) == ("Role", "http://10.0.0.1")
