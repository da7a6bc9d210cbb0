"""Which credentials a client uses: inputs from the environment or a store, then one tier by policy. No I/O.

Source: spec/auth.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from kubectl_asm.model.backend import AccessKeyPair, ErrorClass, Identity, Refusal, RoleHop, Tier
from kubectl_asm.model.durations import DurationError, parse_duration
from kubectl_asm.model.objects import ROLE_ARN_ANNOTATION
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.settings import AuthOrder, Settings

DEFAULT_TOKEN_FILE: Final = "/var/run/secrets/tokens/ack-secret-manager"  # noqa: S105  # a path, no password
DEFAULT_AUDIENCE: Final = "sts.aliyuncs.com"
OIDC_SESSION: Final = "ack-secret-manager"
LOCAL_SOURCE: Final = "--credentials"
"""Key of an environment that is not upstream's variables but one local source (spec/operation.md 5)."""
_SESSION_VARIABLE: Final = "ALICLOUD_ROLE_SESSION_EXPIRATION"
_MIN_SESSION_S, _MAX_SESSION_S = 900, 43200
_PROVIDER_ARN = re.compile(r"acs:ram:[^:]*:\d+:oidc-provider/[^/]+", re.ASCII)
_UID = re.compile(r"([-+]?)0*(\d{1,19})", re.ASCII)


class AuthInputs(msgspec.Struct, frozen=True):
    """Everything the policy looks at, resolved: empty texts mean absent.

    derived: the provider ARN came from cluster id and uid. service_account: (namespace, name) of a T1 reference, with
    the role of its annotation in role_arn.
    """

    key_id: SecretBytes | None = None
    key_secret: SecretBytes | None = None
    role_arn: str = ""
    session_name: str = ""
    expiration: str = ""
    expiration_field: str = "roleSessionExpiration"
    oidc_provider_arn: str = ""
    derived: bool = False
    token_file: str = DEFAULT_TOKEN_FILE
    remote_role_arn: str = ""
    remote_session_name: str = ""
    service_account: tuple[str, str] | None = None
    audiences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    local_source: str = ""

    @property
    def key(self) -> AccessKeyPair | None:
        """The complete AccessKey pair, None when one half is absent or empty."""
        if self.key_id is None or self.key_secret is None or self.key_id.is_empty() or self.key_secret.is_empty():
            return None
        return AccessKeyPair(self.key_id, self.key_secret)


class TierVerdict(msgspec.Struct, frozen=True):
    """One link of the chain: whether it was used, and why or why not."""

    tier: Tier
    used: bool
    reason: str


class Choice(msgspec.Struct, frozen=True):
    """The chosen identity or the refusal, with the verdict on every tier in the order they were tried."""

    identity: Identity | None
    refusal: Refusal | None
    chain: tuple[TierVerdict, ...] = msgspec.field(default=())


class IdentityConfigurationError(Exception):
    """A setting or field that makes every tier impossible: malformed uid, session length."""


def derive_provider(configured: str, settings: Settings) -> tuple[str, bool, str]:
    """Return (provider ARN, derived, note) of a store (spec/auth.md 4.2). Raises IdentityConfigurationError."""
    if _PROVIDER_ARN.fullmatch(configured):
        return configured, False, ""
    if not (settings.cluster_id and settings.uid):
        return configured, False, ""
    if not _is_uid(settings.uid):
        raise IdentityConfigurationError("--uid is not an account id: it must be a 64-bit decimal number (Helm: command.aliuid)")
    note = "the configured oidcProviderARN is malformed and was replaced by the one of the cluster" if configured else ""
    return f"acs:ram::{settings.uid}:oidc-provider/ack-rrsa-{settings.cluster_id}", True, note


def _is_uid(text: str) -> bool:
    """Return whether a text is a decimal integer of 64 bits, with or without a sign."""
    match = _UID.fullmatch(text)
    return match is not None and -(2**63) <= int(match[1] + match[2]) < 2**63


def session_seconds(text: str, settings: Settings) -> int | None:
    """Return the session length in seconds, None when unset. Raises IdentityConfigurationError."""
    if not text or not settings.session_expiration:
        return None
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        try:
            seconds = parse_duration(text).total_seconds()
        except DurationError:
            raise IdentityConfigurationError(
                f'session length "{text[:64]}" is neither seconds nor a duration such as 1h'
            ) from None
    if not _MIN_SESSION_S <= seconds <= _MAX_SESSION_S or seconds != int(seconds):
        raise IdentityConfigurationError(f'session length "{text[:64]}" is outside {_MIN_SESSION_S} to {_MAX_SESSION_S} seconds')
    return int(seconds)


def _duration(inputs: AuthInputs, settings: Settings) -> int | None:
    """Return the session length of a role call. Raises IdentityConfigurationError, which names the field."""
    try:
        return session_seconds(inputs.expiration, settings)
    except IdentityConfigurationError as error:
        raise IdentityConfigurationError(f"{inputs.expiration_field}: {error}") from None


def environment_inputs(environment: Mapping[str, str], settings: Settings) -> AuthInputs:
    """Return the inputs of the environment client; empty variables count as absent (spec/auth.md 2)."""
    if local_source := environment.get(LOCAL_SOURCE, ""):
        return AuthInputs(local_source=local_source)

    notes: list[str] = []

    def secret(name: str) -> SecretBytes | None:
        value = SecretBytes.of_text(environment.get(name, ""))
        trimmed = without_line_break(value) if settings.trim_access_keys else value
        if trimmed != value:
            notes.append(f"{name}: one trailing line break was removed")
        return None if trimmed.is_empty() else trimmed

    key_id, key_secret = secret("ACCESS_KEY_ID"), secret("SECRET_ACCESS_KEY")
    token_file = environment.get("ALICLOUD_OIDC_TOKEN_FILE", "") if settings.environment_token_file else ""
    return AuthInputs(
        key_id=key_id,
        key_secret=key_secret,
        role_arn=environment.get("ALICLOUD_ROLE_ARN", ""),
        session_name=environment.get("ALICLOUD_ROLE_SESSION_NAME", ""),
        expiration=environment.get(_SESSION_VARIABLE, ""),
        expiration_field=_SESSION_VARIABLE,
        oidc_provider_arn=environment.get("ALICLOUD_OIDC_PROVIDER_ARN", ""),
        token_file=token_file or DEFAULT_TOKEN_FILE,
        remote_role_arn=environment.get("ALICLOUD_REMOTE_ROLE_ARN", ""),
        remote_session_name=environment.get("ALICLOUD_REMOTE_ROLE_SESSION_NAME", ""),
        notes=tuple(notes),
    )


def without_line_break(value: SecretBytes) -> SecretBytes:
    """Return a value without one trailing line break, which no AccessKey ever has."""
    raw = value.reveal()
    return SecretBytes(raw.removesuffix(b"\n").removesuffix(b"\r")) if raw.endswith(b"\n") else value


def choose(inputs: AuthInputs, settings: Settings, *, origin: str) -> Choice:
    """Return the first enabled tier in the configured order (spec/auth.md 3). Raises IdentityConfigurationError.

    origin: "environment" or the store, for the sentence of a refusal.
    """
    if inputs.local_source:
        verdict = TierVerdict(Tier.LOCAL, True, f"{LOCAL_SOURCE}={inputs.local_source}")
        return Choice(Identity(Tier.LOCAL, source=inputs.local_source), None, (verdict,))
    chain: list[TierVerdict] = []
    for tier in _order(inputs, settings):
        identity, reason = _TIERS[tier](inputs, settings)
        chain.append(TierVerdict(tier, identity is not None, reason))
        if identity is not None:
            return Choice(identity, None, (*chain, *_not_tried(chain)))
    return Choice(None, _nothing(inputs, settings, origin), tuple(chain))


def _not_tried(chain: list[TierVerdict]) -> Iterator[TierVerdict]:
    tried = {verdict.tier for verdict in chain}
    winner = chain[-1].tier
    for tier in _TIERS:
        if tier not in tried:
            yield TierVerdict(tier, False, f"not tried: {winner} comes first")


def _nothing(inputs: AuthInputs, settings: Settings, origin: str) -> Refusal:
    if inputs.service_account is not None and settings.sa_auth_fallback != "chain":
        namespace, name = inputs.service_account
        what = f"{origin}: serviceAccountRef: ServiceAccount {namespace}/{name}"
        if not inputs.role_arn:
            text = f"{what} has an empty annotation {ROLE_ARN_ANNOTATION}; set it to the ARN of its RAM role"
            return Refusal(ErrorClass.REFERENCE, text)
        fix = "set oidcProviderARN, or --cluster-id and --uid (Helm: command.clusterId, command.aliuid)"
        return Refusal(ErrorClass.CONFIGURATION, f"{what} cannot be used without an OIDC provider; {fix}")
    if inputs.service_account is not None:
        fix = "complete the serviceAccountRef (role annotation, oidcProviderARN)"
    elif origin == "environment":
        fix = "set ACCESS_KEY_ID and SECRET_ACCESS_KEY, or ALICLOUD_ROLE_ARN and ALICLOUD_OIDC_PROVIDER_ARN"
    else:
        fix = "set accessKey and accessKeySecret, ramRoleARN and oidcProviderARN, or serviceAccountRef"
    return Refusal(ErrorClass.NO_CREDENTIALS, f"{origin}: no credentials are configured; {fix}, or enable the worker role")


def _order(inputs: AuthInputs, settings: Settings) -> tuple[Tier, ...]:
    rrsa, keys = (Tier.SERVICE_ACCOUNT, Tier.TOKEN_FILE), (Tier.AK_ASSUME_ROLE, Tier.AK)
    if settings.auth_order is AuthOrder.AK_FIRST:
        return (*keys, *rrsa, Tier.WORKER_ROLE)
    if settings.auth_order is AuthOrder.RRSA_FIRST:
        return (*rrsa, *keys, Tier.WORKER_ROLE)
    if inputs.derived and inputs.key is not None and inputs.service_account is None:
        return (*keys, Tier.WORKER_ROLE)
    return (*rrsa, *keys, Tier.WORKER_ROLE)


def _hop(inputs: AuthInputs, settings: Settings) -> RoleHop | None:
    session = inputs.remote_session_name or settings.default_session_name
    return RoleHop(inputs.remote_role_arn, session) if inputs.remote_role_arn and session else None


def _oidc_session(inputs: AuthInputs, settings: Settings) -> str:
    return OIDC_SESSION if settings.oidc_session_name == "fixed" else inputs.session_name or OIDC_SESSION


def _service_account(inputs: AuthInputs, settings: Settings) -> tuple[Identity | None, str]:
    if inputs.service_account is None:
        return None, "no serviceAccountRef"
    if not inputs.role_arn:
        return None, "the ServiceAccount's role annotation is empty"
    if not inputs.oidc_provider_arn:
        return None, "no oidcProviderARN, and none derived from --cluster-id and --uid"
    identity = Identity(
        Tier.SERVICE_ACCOUNT,
        role_arn=inputs.role_arn,
        session_name=OIDC_SESSION,
        oidc_provider_arn=inputs.oidc_provider_arn,
        service_account=inputs.service_account,
        audiences=inputs.audiences or (DEFAULT_AUDIENCE,),
        hop=_hop(inputs, settings),
        fallback=_fallback(inputs, settings),
    )
    return identity, "serviceAccountRef with a role annotation"


def _fallback(inputs: AuthInputs, settings: Settings) -> Identity | Refusal | None:
    """Return what a failed token request leads to: the worker role, where falling back is asked for (spec/auth.md 4.3)."""
    if settings.sa_auth_fallback != "chain":
        return None
    identity, reason = _worker_role(inputs, settings)
    return identity or Refusal(ErrorClass.NO_CREDENTIALS, f"no credentials are left: {reason}")


def _token_file(inputs: AuthInputs, settings: Settings) -> tuple[Identity | None, str]:
    if inputs.service_account is not None:
        return None, "serviceAccountRef takes this place"
    if not inputs.oidc_provider_arn:
        return None, "no oidcProviderARN"
    if not inputs.role_arn:
        return None, "no ramRoleARN"
    identity = Identity(
        Tier.TOKEN_FILE,
        role_arn=inputs.role_arn,
        session_name=_oidc_session(inputs, settings),
        duration_s=_duration(inputs, settings),
        oidc_provider_arn=inputs.oidc_provider_arn,
        token_file=inputs.token_file,
        hop=_hop(inputs, settings),
    )
    return identity, "ramRoleARN and oidcProviderARN" + (" (derived)" if inputs.derived else "")


def _ak_assume_role(inputs: AuthInputs, settings: Settings) -> tuple[Identity | None, str]:
    if inputs.service_account is not None:
        return None, "key fields are not read beside serviceAccountRef"
    if inputs.key is None:
        return None, "no complete AccessKey pair"
    if not inputs.role_arn:
        return None, "no ramRoleARN"
    session = inputs.session_name or settings.default_session_name
    if not session:
        return None, "no ramRoleSessionName"
    identity = Identity(
        Tier.AK_ASSUME_ROLE,
        key=inputs.key,
        role_arn=inputs.role_arn,
        session_name=session,
        duration_s=_duration(inputs, settings),
        hop=_hop(inputs, settings),
    )
    return identity, "AccessKey pair and ramRoleARN"


def _ak(inputs: AuthInputs, settings: Settings) -> tuple[Identity | None, str]:
    if inputs.service_account is not None:
        return None, "key fields are not read beside serviceAccountRef"
    if inputs.key is None:
        return None, "no complete AccessKey pair"
    return Identity(Tier.AK, key=inputs.key, hop=_hop(inputs, settings)), "AccessKey pair"


def _worker_role(inputs: AuthInputs, settings: Settings) -> tuple[Identity | None, str]:
    if inputs.service_account is not None and settings.sa_auth_fallback != "chain":
        return None, "a failing serviceAccountRef never falls back (--sa-auth-fallback)"
    if not settings.enable_worker_role:
        return None, "the worker role is off (--enable-worker-role)"
    return Identity(Tier.WORKER_ROLE, hop=_hop(inputs, settings)), "--enable-worker-role"


_TIERS: Final = {
    Tier.SERVICE_ACCOUNT: _service_account,
    Tier.TOKEN_FILE: _token_file,
    Tier.AK_ASSUME_ROLE: _ak_assume_role,
    Tier.AK: _ak,
    Tier.WORKER_ROLE: _worker_role,
}
