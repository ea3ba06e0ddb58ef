import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_graph.db.ids import decode, encode, uuid7
from crm_graph.errors import IdInvalid


def test_each_sorts_after_the_one_before() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_version_variant_and_time_are_those_of_rfc_9562() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000 + 1


def test_threads_never_make_the_same() -> None:
    with ThreadPoolExecutor(4) as threads:
        made = [value for batch in threads.map(lambda _: [uuid7() for _ in range(2000)], range(4)) for value in batch]
    assert len(set(made)) == 8000


def test_time_running_backwards_does_not_disturb_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    first = uuid7()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert uuid7() > first


@given(st.uuids(), st.from_regex(r"[a-z][a-z0-9]{0,15}", fullmatch=True))
def test_decode_undoes_encode(value: UUID, prefix: str) -> None:
    assert decode(encode(prefix, value)) == (prefix, value)


@pytest.mark.parametrize(
    "text",
    ["", "cus", "cus_", "cus_12", "CUS_" + "0" * 32, "cus_" + "A" * 32, "cus_" + "٣" * 32, "cus_" + "0" * 32 + "\n"],
)
def test_anything_else_is_no_identifier(text: str) -> None:
    with pytest.raises(IdInvalid):
        decode(text)
