"""What a list that can be searched has in the schema: the argument, and what its edges say of a match."""

from typing import Any

from crm_graph.graph.building import FieldOf, Made, field, listed, maybe, object_type, shell
from crm_graph.plan.reads.search import MAX_WORDS

ARGUMENT = (
    f"Only rows that have all these words in fields you see: 1 to {MAX_WORDS} words, without case and accents, the last"
    " by its beginning. The best come first where no order is given."
)


def highlight_type() -> Made:
    return object_type(
        shell("Highlight"),
        {
            "field": field(str, "field", "Name of the field."),
            "text": field(
                str,
                "text",
                "The text, or the part of it that matters, as HTML: <mark> around what was found, all else escaped.",
            ),
        },
        "What a search found in one field.",
    )


def edge_fields(highlight: Any) -> dict[str, FieldOf]:
    """What a match adds to an edge."""
    return {
        "rank": field(maybe(float), "rank", "How well it matches what was searched for; null without `search`."),
        "highlights": field(
            maybe(listed(highlight)),
            "highlights",
            "The fields in which it matches, of those you see; null without `search`.",
        ),
    }


def hidden_search(name: str, lists: list[str]) -> set[str]:
    """The coordinates that go where a caller sees no searched field of an entity; `lists`: the fields that list it."""
    return {f"{name}Edge.rank", f"{name}Edge.highlights", *(f"{one}(search:)" for one in lists)}
