"""Custom fields: what an organisation has added to the shipped entities, at run time."""

from datetime import datetime
from enum import auto

import sqlalchemy as sa

from crm_graph.auth.levels import RESTRICTED
from crm_graph.auth.names import pascal
from crm_graph.entity import REGISTRY, Choice, Entity, Filter, Read, Sort, attr, table_of


class ExtensibleEntity(Choice):
    """An entity that custom fields can be added to."""

    CUSTOMER = auto()
    CONTACT = auto()
    OPPORTUNITY = auto()
    ORDER = auto()
    TICKET = auto()
    PRODUCT = auto()
    PARTNER = auto()
    KEY_ACCOUNT = auto()

    @property
    def entity(self) -> str:
        """The name of the entity's type: `KeyAccount`."""
        return pascal(self.value)


class CustomFieldKind(Choice):
    """What the values of a custom field are."""

    STRING = auto()
    CHOICE = auto()
    EMAIL_ADDRESS = auto()
    PHONE_NUMBER = auto()
    URL = auto()
    INT = auto()
    DECIMAL = auto()
    DATE = auto()
    DATE_TIME = auto()
    BOOLEAN = auto()


class CustomFieldLevel(Choice):
    """Level of a custom field, lowest first."""

    PUBLIC = auto()
    PARTNER = auto()
    INTERNAL = auto()
    CONFIDENTIAL = auto()
    RESTRICTED = auto()


class CustomField(Entity, table=True):
    """A field that the organisation has added to an entity; its name is unknown to who may not see its values."""

    __prefix__ = "cfd"
    __imported__ = False

    entity: ExtensibleEntity = attr(Read(RESTRICTED), Filter)
    """The entity it was added to."""
    name: str = attr(Read(RESTRICTED), Filter, Sort)
    """Its name in the API: `x` and a capital, `xShoeSize`."""
    kind: CustomFieldKind = attr(Read(RESTRICTED), Filter)
    """What its values are."""
    slot: str = attr(Read(RESTRICTED))
    """The column its values are kept in; nobody else's as long as this row exists."""
    description: str = attr(Read(RESTRICTED))
    """What it means; the schema shows it."""
    read_level: CustomFieldLevel = attr(Read(RESTRICTED), Filter, default=CustomFieldLevel.CONFIDENTIAL)
    """From which level on its values are seen."""
    write_level: CustomFieldLevel = attr(Read(RESTRICTED), Filter, default=CustomFieldLevel.CONFIDENTIAL)
    """From which level on its values are written."""
    filterable: bool = attr(Read(RESTRICTED), default=True)
    """Whether lists can be filtered by it."""
    sortable: bool = attr(Read(RESTRICTED), default=True)
    """Whether lists can be ordered by it."""
    searchable: bool = attr(Read(RESTRICTED), default=False)
    """Whether full-text search finds records by it; only of texts."""
    choices: list[str] = attr(Read(RESTRICTED), default_factory=list)
    """The values it may have, where its kind is CHOICE."""
    archived_at: datetime | None = attr(Read(RESTRICTED), Filter, default=None)
    """When it was archived: hidden, its values kept."""


_table = table_of(CustomField)
_of = (_table.c.organization_id, _table.c.entity)
sa.Index("uq_custom_fields_name", *_of, _table.c.name, unique=True, postgresql_where=_table.c.archived_at.is_(None))
sa.Index("uq_custom_fields_slot", *_of, _table.c.slot, unique=True)

_extensible = {name for name, entity in REGISTRY.items() if entity.__custom__}
assert {one.entity for one in ExtensibleEntity} == _extensible, "ExtensibleEntity names the entities with __custom__"
