"""Declaring an entity wrongly stops the start, and says which file, which field, and what to do."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from crm_graph import schema, slots
from crm_graph.auth.levels import Level
from crm_graph.entity import REGISTRY, backs, table_of
from crm_graph.tables import COMPANY_KEYS

HEAD = """
from decimal import Decimal
from typing import ClassVar
from uuid import UUID
from crm_graph import entity, kinds, schema
from crm_graph.auth.levels import *
from crm_graph.auth.rows import Rows
from crm_graph.entity import *
from crm_graph.kinds import Money
from crm_graph.specs import Computed
"""

WRONG = {
    "no prefix of three letters": (
        """
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thing"
        """,
        ["Thing.__prefix__", "three small letters", "Set __prefix__"],
    ),
    "a prefix that another entity has": (
        '''
        class Other(Entity, table=True):
            "Another thing."
            __prefix__ = "thg"
            name: str = attr(Read(PUBLIC))
            """Name."""
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thg"
        ''',
        ["Thing.__prefix__", "ids of Other begin so", "Choose other letters"],
    ),
    "no description of the entity": (
        """
        class Thing(Entity, table=True):
            __prefix__ = "thg"
        """,
        ["Thing.__doc__", "no description", "Add a docstring"],
    ),
    "no description of a field": (
        """
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thg"
            name: str = attr(Read(PUBLIC))
        """,
        ["Thing.name", "no description", "docstring under it"],
    ),
    "a search of what is no text": (
        '''
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thg"
            size: int = attr(Read(PUBLIC), Search("A"))
            """Size."""
        ''',
        ["Thing.size", "holds no text", "Drop Search"],
    ),
    "a search of another weight": (
        '''
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thg"
            name: str = attr(Read(PUBLIC), Search("E"))
            """Name."""
        ''',
        ["Thing.name", "weighs 'E'", 'Use Search("A")'],
    ),
    "a search without a level": (
        '''
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thg"
            name: str = attr(Search("A"))
            """Name."""
        ''',
        ["Thing.name", "has no level", "Add Read(LEVEL)"],
    ),
    "a filter without a level": (
        '''
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thg"
            name: str = attr(Filter)
            """Name."""
        ''',
        ["Thing.name", "has no level", "Add Read(LEVEL)"],
    ),
    "frozen by what is no field": (
        '''
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thg"
            __frozen__ = Frozen("{state} = 'X'")
            name: str = attr(Read(PUBLIC))
            """Name."""
        ''',
        ["Thing.__frozen__", "'state' is not a field", "Name fields of this entity"],
    ),
    "a reference that is not called _id": (
        '''
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thg"
            owner: UUID | None = attr(Read(PUBLIC), Ref("User"), default=None)
            """Owner."""
        ''',
        ["Thing.owner", "ends in _id", "Call it owner_id"],
    ),
    "a reference to nothing": (
        '''
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thg"
            owner_id: UUID | None = attr(Read(PUBLIC), Ref("Usr"), default=None)
            """Owner."""
        seal()
        ''',
        ["Thing.owner_id", "'Usr'", "Use one of Organization, BusinessCalendar, Holiday, Team, User"],
    ),
    "two lists of one name": (
        '''
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thg"
            owner_id: UUID | None = attr(Read(PUBLIC), Ref("Customer", back="orders"), default=None)
            """Owner."""
        seal()
        ''',
        ["Thing.owner_id", "already has something called 'orders'", "another name"],
    ),
    "money without a currency": (
        '''
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thg"
            price: Money | None = attr(Read(PUBLIC), default=None)
            """Price."""
        ''',
        ["Thing.price", "currency", "Declare `currency: CurrencyCode`"],
    ),
    "a type there is no kind for": (
        '''
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thg"
            size: float = attr(Read(PUBLIC))
            """Size."""
        ''',
        ["Thing.size", "no kind of value for <class 'float'>", "crm_graph.kinds"],
    ),
    "a mask below PUBLIC": (
        '''
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thg"
            email: str = attr(Read(PUBLIC, mask=Mask.EMAIL))
            """Address."""
        ''',
        ["Thing.email", "nothing is below PUBLIC", "Raise the level"],
    ),
    "a mask of another kind of value": (
        '''
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thg"
            size: int = attr(Read(INTERNAL, mask=Mask.EXISTS))
            """Size."""
        ''',
        ["Thing.size", "the mask EXISTS does not fit values of type Int", "String, EmailAddress, PhoneNumber"],
    ),
    "days of a number": (
        '''
        from datetime import date
        from crm_graph.entity import Days
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thg"
            size: int = attr(Read(INTERNAL), Days(date(1900, 1, 1)))
            """Size."""
        ''',
        ["Thing.size", "it says which days it may be and is of type Int", "Drop Days"],
    ),
    "a mask of an enumeration": (
        '''
        from enum import auto
        class Colour(Choice):
            "Colour."
            RED = auto()
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thg"
            colour: Colour = attr(Read(INTERNAL, mask=Mask.INITIALS))
            """Colour."""
        ''',
        ["Thing.colour", "the mask INITIALS does not fit values of type Colour", "another mask or none"],
    ),
    "a row rule over a column that is not there": (
        """
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thg"
            __rows__ = Rows(own="owner_id")
        """,
        ["Thing.__rows__", "'owner_id' is not a field", "Name a column"],
    ),
    "computed from nothing": (
        """
        class Thing(Entity, table=True):
            "A thing."
            __prefix__ = "thg"
            twice: ClassVar[Computed] = Computed(kinds.INT, "{size} * 2", "Twice.")
        """,
        ["Thing.twice", "'size'", "Name fields declared above it"],
    ),
    "declared twice": (
        """
        class Customer(Entity, table=True):
            "Again."
            __prefix__ = "cu2"
        """,
        ["Customer", "declared twice", "Rename one of them"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_declaration_names_file_field_and_remedy(case: str, tmp_path: Path) -> None:
    code, says = WRONG[case]
    file = tmp_path / "things.py"
    file.write_text(HEAD + textwrap.dedent(code))
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0, f"{case} was accepted"
    message = done.stderr.strip().splitlines()[-1]
    assert "DeclarationError" in message
    for part in [str(file), *says]:
        assert part in message


def test_every_table_and_reference_carries_the_organisation() -> None:
    assert schema.__all__
    for entity in REGISTRY.values():
        table = table_of(entity)
        assert [c.name for c in table.primary_key] == ["organization_id", "id"]
        for constraint in table.foreign_key_constraints:
            assert constraint.column_keys[0] == "organization_id", f"{constraint.name} leaves the organisation out"
        assert entity.__history__.primary_key.columns.keys() == ["organization_id", "id", "history_from"]
        made = {spec.vector for spec in entity.__specs__.values() if spec.search} | {*slots.vectors()}
        made |= {spec.kept_mask for spec in entity.__specs__.values() if spec.kept_mask}
        made |= {c.name for c in table.c if c.name.endswith(COMPANY_KEYS)}
        assert set(table.c.keys()) - made <= set(entity.__history__.c.keys())


def test_every_field_has_a_level_or_is_not_exposed() -> None:
    for entity in REGISTRY.values():
        for spec in entity.__specs__.values():
            on_purpose = spec.name in entity.__unexposed__
            assert spec.read is not None or on_purpose, (
                f"{entity.__name__}.{spec.name} would be exposed to nobody; say so on purpose"
            )
            assert spec.description


def test_a_computed_field_is_as_high_as_its_highest_input() -> None:
    specs = REGISTRY["Opportunity"].__specs__
    assert specs["margin"].read is not None
    assert specs["margin"].read.level is Level.CONFIDENTIAL
    assert specs["weighted_amount"].read is not None
    assert specs["weighted_amount"].read.level is Level.INTERNAL


def test_back_references_are_lists_of_the_other_side() -> None:
    assert backs("Customer")["orders"].entity == "Order"
    assert backs("Customer")["orders"].column == "customer_id"
