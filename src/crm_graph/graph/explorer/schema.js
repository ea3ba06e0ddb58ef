// The schema as the caller may see it: introspection, and look-ups over it.

const REFERENCE = 'fragment R on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }';
const INPUT = 'fragment I on __InputValue { name description defaultValue isDeprecated deprecationReason type { ...R } }';

export const INTROSPECTION = `query Introspection { __schema {
  queryType { name } mutationType { name } subscriptionType { name }
  directives { name description locations args(includeDeprecated: true) { ...I } }
  types {
    kind name description specifiedByURL isOneOf
    fields(includeDeprecated: true) { name description isDeprecated deprecationReason type { ...R } args(includeDeprecated: true) { ...I } }
    inputFields(includeDeprecated: true) { ...I }
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
    interfaces { name } possibleTypes { name }
  }
} }
${INPUT}
${REFERENCE}`;

export function createSchema(introspection) {
  const types = new Map(introspection.types.map((type) => [type.name, type]));
  const name = (reference) => {
    let inner = reference;
    while (inner?.ofType) inner = inner.ofType;
    return inner?.name;
  };
  const type = (wanted) => types.get(wanted);
  const isComposite = (one) => one !== undefined && ['OBJECT', 'INTERFACE', 'UNION'].includes(one.kind);
  return {
    types: [...types.values()],
    directives: introspection.directives,
    roots: {
      query: introspection.queryType?.name,
      mutation: introspection.mutationType?.name,
      subscription: introspection.subscriptionType?.name,
    },
    type,
    name,
    named: (reference) => type(name(reference)),
    item(reference) {
      let inner = reference;
      while (inner && inner.kind === 'NON_NULL') inner = inner.ofType;
      return inner?.kind === 'LIST' ? inner.ofType : reference;
    },
    field: (owner, wanted) => owner?.fields?.find((field) => field.name === wanted),
    isComposite,
    isInput: (one) => ['SCALAR', 'ENUM', 'INPUT_OBJECT'].includes(one.kind),
  };
}

export function print(reference) {
  if (reference.kind === 'NON_NULL') return `${print(reference.ofType)}!`;
  if (reference.kind === 'LIST') return `[${print(reference.ofType)}]`;
  return reference.name;
}
