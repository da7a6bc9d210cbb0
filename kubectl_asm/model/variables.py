"""Variables of the official credentials library that this program honours, named once for engine and adapters.

Source: spec/auth.md 2; docs/credentials.md says what becomes of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

METADATA_HOST: Final = "ALIBABA_CLOUD_IMDS_ENDPOINT"
METADATA_ROLE: Final = "ALIBABA_CLOUD_ECS_METADATA"
METADATA_V2_OFF: Final = "ALIBABA_CLOUD_IMDSV2_DISABLED"
STS_HOST: Final = "ALIBABA_CLOUD_STS_ENDPOINT"
STS_SCHEME: Final = "ALIBABA_CLOUD_STS_HTTP_SCHEME"
"""Not honoured: STS is asked over TLS, whatever it says."""


def is_on(environment: Mapping[str, str], name: str) -> bool:
    """Return whether a switch is set to true or 1."""
    return environment.get(name, "").strip().lower() in ("true", "1")
