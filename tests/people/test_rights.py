"""The consent page has words for every right that an app may ask for."""

import pytest

from crm_graph.auth.oauth.scope import words
from crm_graph.auth.rights import Right


@pytest.mark.parametrize("right", Right)
def test_every_right_is_said_in_plain_words(right: Right) -> None:
    assert len(words(right.value)) > 10
    assert ":" not in words(right.value)
