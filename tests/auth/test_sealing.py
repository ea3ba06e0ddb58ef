import pytest

from crm_graph.auth.sealing import SealBroken, Sealer
from crm_graph.db.ids import uuid7

OLD, NEW = b"o" * 32, b"n" * 40
HERE, THERE = (uuid7(), uuid7()), (uuid7(), uuid7())


def test_what_was_sealed_opens_where_it_was_sealed_and_nowhere_else() -> None:
    sealer = Sealer([NEW])
    sealed = sealer.seal(b"plain", "totp", *HERE)
    assert b"plain" not in sealed
    assert sealer.open(sealed, "totp", *HERE) == b"plain"
    assert Sealer([NEW]).open(sealed, "totp", *HERE) == b"plain"
    for purpose, place in [("other", HERE), ("totp", THERE), ("totp", HERE[:1]), ("totp", HERE[::-1])]:
        with pytest.raises(SealBroken):
            sealer.open(sealed, purpose, *place)


def test_the_same_twice_looks_different() -> None:
    sealer = Sealer([NEW])
    assert sealer.seal(b"plain", "totp", *HERE) != sealer.seal(b"plain", "totp", *HERE)


def test_a_changed_byte_is_noticed() -> None:
    sealer = Sealer([NEW])
    sealed = sealer.seal(b"plain", "totp", *HERE)
    for at in range(len(sealed)):
        with pytest.raises(SealBroken):
            sealer.open(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], "totp", *HERE)
    for short in (b"", sealed[:10], sealed[:-1]):
        with pytest.raises(SealBroken):
            sealer.open(short, "totp", *HERE)


def test_a_new_key_is_put_first_and_the_old_one_still_opens() -> None:
    sealed = Sealer([OLD]).seal(b"plain", "totp", *HERE)
    both = Sealer([NEW, OLD])
    assert both.open(sealed, "totp", *HERE) == b"plain"
    assert not both.is_current(sealed)
    anew = both.seal(b"plain", "totp", *HERE)
    assert both.is_current(anew)
    assert Sealer([NEW]).open(anew, "totp", *HERE) == b"plain"
    with pytest.raises(SealBroken):
        Sealer([NEW]).open(sealed, "totp", *HERE)
