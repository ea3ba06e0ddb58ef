"""Full schemas: who shares one, how many are kept, and that nothing an administrator writes is taken for schema."""

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, print_schema

from crm_graph import resolvers, schema  # noqa: F401 - declare the model and its mutations
from crm_graph.auth.classification import Classification, CustomField
from crm_graph.auth.default_policy import ROLES
from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PUBLIC, RESTRICTED, Level
from crm_graph.auth.policy import Policy, resolved
from crm_graph.entity import REGISTRY
from crm_graph.errors import CrmError
from crm_graph.graph import known_fields
from crm_graph.graph.documents import Documents
from crm_graph.graph.known_fields import Schemas, extended
from crm_graph.graph.limits import Limits
from crm_graph.graph.types import full_schema
from crm_graph.plan.access.custom import known
from crm_graph.slots import FAMILIES, KINDS

SHIPPED = full_schema()
pytestmark = pytest.mark.asyncio(loop_scope="session")


def field(name: str, read: Level = CONFIDENTIAL, write: Level = CONFIDENTIAL, **more: object) -> CustomField:
    given = {"entity": "Customer", "kind": "STRING", "column": "custom_text_1", "description": f"About {name}.", **more}
    return CustomField(name=name, read=read, write=write, filter=True, sort=True, **given)  # type: ignore[arg-type]


def policy(role: str, *fields: CustomField) -> Policy:
    return resolved(ROLES, frozenset({role}), None, Classification.of({}, fields))


def names(one: object) -> set[str]:
    assert isinstance(one, GraphQLObjectType | GraphQLInputObjectType)
    return {name for name in one.fields if name.startswith("x")}


async def test_who_knows_no_field_shares_the_shipped_schema_and_who_knows_the_same_shares_one() -> None:
    documents = Documents(SHIPPED, Limits())
    schemas = Schemas(documents.shipped, documents.forget)
    quiet = field("xQuiet")
    assert await schemas.of(policy("administrator")) is documents.shipped
    assert await schemas.of(policy("service_agent", quiet)) is documents.shipped
    one = await schemas.of(policy("administrator", quiet))
    assert one is not documents.shipped
    assert await schemas.of(policy("administrator", quiet)) is one
    assert await schemas.of(policy("sales_manager", quiet)) is one
    assert (
        await schemas.of(policy("administrator", quiet, field("xTop", RESTRICTED, column="custom_text_2"))) is not one
    )


async def test_what_is_read_and_what_is_written_are_known_apart() -> None:
    fields = (
        field("xSeen", INTERNAL, RESTRICTED, column="custom_text_1"),
        field("xWritten", RESTRICTED, INTERNAL, column="custom_text_2"),
        field("xBoth", PUBLIC, PUBLIC, column="custom_text_3"),
        field("xNeither", RESTRICTED, RESTRICTED, column="custom_text_4"),
    )
    made = extended(SHIPPED, known(policy("service_agent", *fields))).type_map
    for output in ("Customer", "CustomerFilter", "CustomerOrderBy"):
        assert names(made[output]) == {"xSeen", "xBoth"}
    for verb in ("Create", "Update", "Upsert"):
        assert names(made[f"{verb}CustomerInput"]) == {"xWritten", "xBoth"}
    for ordered in ("CustomerOrderBy", "CustomerGroupBy", "CustomerGroupKeyOrderBy", "CustomerGroupNumbersOrderBy"):
        assert made[ordered].is_one_of
    assert not names(SHIPPED.type_map["Customer"])


async def test_schemas_are_bounded_and_take_their_documents_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_fields, "MAX_SCHEMAS", 2)
    documents = Documents(SHIPPED, Limits())
    schemas = Schemas(documents.shipped, documents.forget)
    text = "{ customers { nodes { name } } }"
    shared = await documents.operation(text, None)
    kept = []
    for number in range(4):
        full = await schemas.of(policy("administrator", field(f"xName{number}")))
        kept.append(await documents.operation(text, None, full))
        assert await documents.operation(text, None, full) is kept[-1]
    assert len(schemas._made) == 2
    assert len(documents._known) == 3
    assert await documents.operation(text, None) is shared
    full = await schemas.of(policy("administrator", field("xName0")))
    assert await documents.operation(text, None, full) is not kept[0]


async def test_one_text_is_sound_under_one_schema_and_not_under_another() -> None:
    documents = Documents(SHIPPED, Limits())
    schemas = Schemas(documents.shipped, documents.forget)
    text = "{ customers { nodes { xQuiet } } }"
    who_knows = await schemas.of(policy("administrator", field("xQuiet")))
    assert (await documents.operation(text, None, who_knows)).schema is who_knows.schema
    with pytest.raises(CrmError):
        await documents.operation(text, None)


@pytest.mark.parametrize("text", ['"""\n}\ntype Evil { a: Int }', "\\u0022 }", '"', "\\", "#", "}\n"])
async def test_a_description_is_never_taken_for_schema(text: str) -> None:
    made = extended(SHIPPED, known(policy("administrator", field("xText", description=text))))
    assert set(made.type_map) == set(SHIPPED.type_map)
    customer = made.type_map["Customer"]
    assert isinstance(customer, GraphQLObjectType)
    assert customer.fields["xText"].description == text
    assert print_schema(made)


async def test_as_many_fields_as_there_can_be() -> None:
    kind_of = {family: kind for kind, (_, family) in KINDS.items()}
    fields = tuple(
        field(f"x{slot.title().replace('_', '')}", entity=name, kind=kind_of[family], column=slot)
        for name, entity in REGISTRY.items()
        if entity.__custom__
        for family in FAMILIES
        for slot in family.slots()
    )
    assert len(fields) == 8 * 35
    made = extended(SHIPPED, known(policy("administrator", *fields)))
    assert len(names(made.type_map["KeyAccount"])) == 35
