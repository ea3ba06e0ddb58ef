"""Secrets that we must be able to read again lie sealed in the database: AES-256-GCM, by a key that is not in it.

What only has to be recognised (passwords, tokens, recovery codes) is hashed instead and never comes here.
"""

import os
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crm_graph.errors import CrmError

_VERSION: Final = b"\x01"
_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_OVERHEAD: Final = len(_VERSION) + _ID_BYTES + _NONCE_BYTES + 16


class SealBroken(CrmError):
    """What was sealed cannot be opened: its key is not among the sealing keys, or it is not where it was sealed."""

    code = "SEAL_BROKEN"
    status = 503


class Sealer:
    """Seals and opens. `keys` are secret texts of at least 32 bytes: the first one seals, all of them open."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        derived = [_derived(key) for key in keys]
        self._ciphers = {id_: AESGCM(key) for id_, key in derived}
        self._current = derived[0][0]

    def seal(self, plain: bytes, purpose: str, *place: UUID) -> bytes:
        """Seal for one purpose and one place (organisation, row): copied to another place it does not open."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, plain, _bound(purpose, place))
        return b"".join((_VERSION, self._current, nonce, sealed))

    def open(self, sealed: bytes, purpose: str, *place: UUID) -> bytes:
        """What was sealed for this purpose and place. Raises SealBroken."""
        id_, rest = sealed[1 : 1 + _ID_BYTES], sealed[1 + _ID_BYTES :]
        cipher = self._ciphers.get(id_)
        if sealed[:1] != _VERSION or len(sealed) < _OVERHEAD or cipher is None:
            raise SealBroken(_REFUSED)
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _bound(purpose, place))
        except InvalidTag:
            raise SealBroken(_REFUSED) from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether the first key sealed it; what an older one sealed is sealed anew when it is next written."""
        return sealed[1 : 1 + _ID_BYTES] == self._current


_REFUSED: Final = "A secret in the database cannot be opened: see CRM_GRAPH_SEALING_KEYS in docs/operations.md."


def _derived(key: bytes) -> tuple[bytes, bytes]:
    """A key's public id and the cipher's key, neither of which tells of the other."""
    made = HKDF(SHA256(), _ID_BYTES + 32, salt=None, info=b"crm-graph sealing").derive(key)
    return made[:_ID_BYTES], made[_ID_BYTES:]


def _bound(purpose: str, place: tuple[UUID, ...]) -> bytes:
    return b"\0".join((purpose.encode(), *(id_.bytes for id_ in place)))
