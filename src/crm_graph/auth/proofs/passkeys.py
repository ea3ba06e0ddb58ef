"""Passkeys (WebAuthn): kept for a user at a host, verified by py_webauthn. One counts as two factors.

The authenticator holds the key and has verified its user (fingerprint, face, PIN) before it signs: both are demanded.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from uuid import UUID

import sqlalchemy as sa
import webauthn
from sqlalchemy.dialects.postgresql import insert
from webauthn.helpers import parse_client_data_json
from webauthn.helpers.parse_authentication_credential_json import parse_authentication_credential_json
from webauthn.helpers.parse_registration_credential_json import parse_registration_credential_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from crm_graph.auth.proofs.challenges import Challenges, spend
from crm_graph.auth.proofs.kept_passkeys import checked_name, live
from crm_graph.auth.proofs.tables import passkeys
from crm_graph.auth.trail.acts import Act, note
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Transaction
from crm_graph.errors import CrmError, ValueInvalid

logger = logging.getLogger("crm_graph.auth.passkeys")

MOST: Final = 20
_ADDING, _SIGNING_IN = "add a passkey", "sign in"
_SECONDS: Final = 5 * 60
_c = passkeys.c
_REFUSED: Final = "The passkey was not accepted, or it took too long. Try again."


class PasskeyRefused(CrmError):
    """What the browser sent is not a passkey's right answer to our challenge."""

    code = "PASSKEY_REFUSED"
    status = 422


@dataclass(frozen=True, slots=True)
class Site:
    """Where a passkey is made or used: `rp_id` is the host without port, `origin` what the browser signs."""

    rp_id: str
    origin: str

    @property
    def has_passkeys(self) -> bool:
        """Browsers make passkeys for names, not for addresses."""
        try:
            ip_address(self.rp_id.strip("[]"))
        except ValueError:
            return True
        return False


class Passkeys:
    """Asks browsers for passkeys and verifies what they answer. `bound_to` is a secret that only the browser has."""

    def __init__(self, secret: bytes) -> None:
        self._challenges = Challenges(secret)

    def options_to_add(
        self,
        site: Site,
        bound_to: str,
        *,
        user_id: UUID,
        account: str,
        name: str,
        organization: str,
        known: list[bytes],
    ) -> str:
        """JSON for `navigator.credentials.create`; authenticators that hold one of `known` refuse to make another."""
        options = webauthn.generate_registration_options(
            rp_id=site.rp_id,
            rp_name=organization,
            user_id=user_id.bytes,
            user_name=account,
            user_display_name=name,
            challenge=self._challenges.new(_ADDING, bound_to),
            timeout=_SECONDS * 1000,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
        )
        return webauthn.options_to_json(options)

    def options_to_sign_in(self, site: Site, bound_to: str, known: list[bytes] | None = None) -> str:
        """JSON for `navigator.credentials.get`; without `known` the browser offers all that it has for this host."""
        options = webauthn.generate_authentication_options(
            rp_id=site.rp_id,
            challenge=self._challenges.new(_SIGNING_IN, bound_to),
            timeout=_SECONDS * 1000,
            allow_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known or ()],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return webauthn.options_to_json(options)

    async def add(
        self, tx: Transaction, organization_id: UUID, user_id: UUID, site: Site, bound_to: str, answer: str, name: str
    ) -> None:
        """Keep the passkey that the browser made. Raises PasskeyRefused, ValueInvalid."""
        checked = checked_name(name)
        if len(await live(tx, organization_id, user_id)) >= MOST:
            raise ValueInvalid(f"At most {MOST} passkeys can be kept; remove those no longer needed.")
        with _refusing():
            credential = parse_registration_credential_json(answer)
            challenge = parse_client_data_json(credential.response.client_data_json).challenge
            verified = webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=self._expected(challenge, _ADDING, bound_to),
                expected_rp_id=site.rp_id,
                expected_origin=site.origin,
                require_user_verification=True,
            )
        if not await spend(tx, organization_id, challenge):
            raise PasskeyRefused(_REFUSED)
        made = await (await tx.session.connection()).execute(
            insert(passkeys)
            .values(
                organization_id=organization_id,
                id=uuid7(),
                user_id=user_id,
                credential_id=verified.credential_id,
                public_key=verified.credential_public_key,
                sign_count=verified.sign_count,
                rp_id=site.rp_id,
                name=checked,
                backed_up=verified.credential_backed_up,
            )
            .on_conflict_do_nothing(index_elements=["organization_id", "credential_id"])
        )
        if not made.rowcount:
            raise PasskeyRefused("This passkey is known already.")
        await note(tx, organization_id, user_id, Act.PASSKEY_ADDED, name=checked)

    async def verify(
        self, tx: Transaction, organization_id: UUID, site: Site, bound_to: str, answer: str, owner: UUID | None = None
    ) -> UUID:
        """Whose passkey answered, `owner`'s if given; its use is noted. Raises PasskeyRefused, whatever is wrong."""
        with _refusing():
            credential = parse_authentication_credential_json(answer)
            challenge = parse_client_data_json(credential.response.client_data_json).challenge
        kept = await _for_sign_in(tx, organization_id, credential.raw_id, site)
        if kept.user_id != (owner or kept.user_id) or credential.response.user_handle not in (None, kept.user_id.bytes):
            raise PasskeyRefused(_REFUSED)
        with _refusing():
            verified = webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=self._expected(challenge, _SIGNING_IN, bound_to),
                expected_rp_id=site.rp_id,
                expected_origin=site.origin,
                credential_public_key=kept.public_key,
                credential_current_sign_count=kept.sign_count,
                require_user_verification=True,
            )
        if not await spend(tx, organization_id, challenge):
            raise PasskeyRefused(_REFUSED)
        await (await tx.session.connection()).execute(
            sa.update(passkeys)
            .where(_c.organization_id == organization_id, _c.id == kept.id)
            .values(
                sign_count=verified.new_sign_count, backed_up=verified.credential_backed_up, last_used_at=sa.func.now()
            )
        )
        return kept.user_id

    def _expected(self, challenge: bytes, purpose: str, bound_to: str) -> bytes:
        if not self._challenges.is_good(challenge, purpose, bound_to):
            raise PasskeyRefused(_REFUSED)
        return challenge


@dataclass(frozen=True, slots=True)
class _Kept:
    id: UUID
    user_id: UUID
    public_key: bytes
    sign_count: int


async def _for_sign_in(tx: Transaction, organization_id: UUID, credential_id: bytes, site: Site) -> _Kept:
    """Locked, so that of two uses with one count the second sees the first."""
    row = (
        await (await tx.session.connection()).execute(
            sa.select(_c.id, _c.user_id, _c.public_key, _c.sign_count)
            .where(_c.organization_id == organization_id, _c.credential_id == credential_id, _c.rp_id == site.rp_id)
            .with_for_update()
        )
    ).first()
    if row is None:
        raise PasskeyRefused(_REFUSED)
    return _Kept(row.id, row.user_id, bytes(row.public_key), row.sign_count)


@contextmanager
def _refusing() -> Iterator[None]:
    """Whatever the library stumbles over in a stranger's bytes is a refusal, and says no more."""
    try:
        yield
    except PasskeyRefused:
        raise
    except Exception as error:  # noqa: BLE001 - it raises whatever CBOR, JSON and keys made by hand lead to
        logger.info("a passkey was refused: %s", type(error).__name__)
        raise PasskeyRefused(_REFUSED) from None
