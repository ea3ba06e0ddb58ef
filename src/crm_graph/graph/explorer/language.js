// GraphQL as text: tokens, and a walk that knows at each token which kind of thing it is and which type it is on.

const TOKEN = new RegExp(
  [
    '(?<string>"""(?:\\\\"""|(?!""")[^])*(?:"""|$)|"(?:\\\\.|[^"\\\\\\n])*"?)',
    '(?<comment>#[^\\n]*)',
    '(?<variable>\\$[_A-Za-z0-9]*)',
    '(?<name>[_A-Za-z][_A-Za-z0-9]*)',
    '(?<number>-?[0-9][0-9.eE+-]*)',
    '(?<punctuation>\\.{1,3}|[{}()\\[\\]:=!|&@])',
    '(?<stray>[^\\s,\\ufeff])',
  ].join('|'),
  'g',
);

export function tokenise(text) {
  const tokens = [];
  for (const match of text.matchAll(TOKEN)) {
    const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    tokens.push({ kind, text: match[0], start: match.index, end: match.index + match[0].length });
  }
  return tokens;
}

export const operations = (text) =>
  definitions(tokenise(text)).filter((definition) => definition.kind !== 'fragment');

export const fragments = (text) =>
  definitions(tokenise(text)).filter((definition) => definition.kind === 'fragment').map((one) => one.name);

// Top-level definitions with their name and where they start and end.
function definitions(tokens) {
  const found = [];
  let depth = 0;
  let current = null;
  for (const token of tokens) {
    if (token.kind === 'comment') continue;
    if (depth === 0 && !current) {
      const known = /^(query|mutation|subscription|fragment)$/.test(token.text);
      current = { kind: known ? token.text : 'query', name: null, start: token.start, end: token.end, variables: [] };
    } else if (depth === 0 && token.kind === 'name' && current.name === null && !current.at) {
      current.name = token.text;
    }
    if (current && token.text === '@') current.at = true;
    if (depth === 1 && token.kind === 'variable' && !current.body) current.variables.push(token.text.slice(1));
    if (token.text === '{' && depth === 0) current.body = true;
    if ('{(['.includes(token.text)) depth += 1;
    if (']})'.includes(token.text)) depth = Math.max(0, depth - 1);
    if (current) current.end = token.end;
    if (token.text === '}' && depth === 0 && current) {
      found.push(current);
      current = null;
    }
  }
  return found;
}

// Walks tokens; `schema` may be null. Gives each token's class, and the frames open at the end.
export function walk(tokens, schema) {
  const stack = [{ kind: 'document' }];
  const classes = [];
  for (const token of tokens) {
    const frame = stack[stack.length - 1];
    if (token.kind === 'comment' || token.kind === 'stray') classes.push(token.kind);
    else classes.push(STEPS[frame.kind](frame, token, stack, schema, classes));
  }
  return { classes, frame: stack[stack.length - 1] };
}

const STEPS = {
  document(frame, token, stack, schema) {
    const directive = onDirective(frame, token, stack, schema);
    if (directive) return directive;
    if (token.text === '{') {
      const type = frame.on ?? schema?.roots[frame.operation ?? 'query'];
      stack[stack.length - 1] = { kind: 'document' };
      stack.push(selection(schema?.type(type)));
    } else if (token.text === '(') {
      stack.push({ kind: 'definitions' });
    } else if (token.kind === 'name') {
      if (frame.stage === 'on') {
        frame.on = token.text;
        return 'type';
      }
      if (frame.stage === 'fragment' && token.text === 'on') {
        frame.stage = 'on';
        return 'keyword';
      }
      if (frame.stage) return 'definition';
      frame.stage = token.text === 'fragment' ? 'fragment' : 'operation';
      frame.operation = token.text;
      return 'keyword';
    }
    return token.kind;
  },

  selection(frame, token, stack, schema, classes) {
    const directive = onDirective(frame, token, stack, schema);
    if (directive) return directive;
    if (token.text === '}') {
      stack.pop();
    } else if (token.text === '{') {
      const type = frame.spread ? (frame.on ? schema?.type(frame.on) : frame.type) : schema?.named(frame.field?.type);
      Object.assign(frame, { spread: null, on: null, field: null, directive: null });
      stack.push(selection(type));
    } else if (token.text === '(') {
      stack.push(inputs('arguments', frame.field?.args));
    } else if (token.text === '...') {
      Object.assign(frame, { spread: 'open', on: null, field: null, directive: null });
    } else if (token.text === ':') {
      if (classes.length) classes[classes.length - 1] = 'alias';
      frame.field = null;
    } else if (token.kind === 'name') {
      frame.directive = null;
      if (frame.spread === 'open' && token.text === 'on') {
        frame.spread = 'on';
        return 'keyword';
      }
      if (frame.spread === 'on') {
        frame.spread = 'typed';
        frame.on = token.text;
        return 'type';
      }
      if (frame.spread === 'open') {
        frame.spread = null;
        return 'fragment';
      }
      frame.spread = null;
      frame.field = schema?.field(frame.type, token.text);
      return 'field';
    }
    return token.kind;
  },

  // Arguments, and fields of an input object: names with values.
  inputs(frame, token, stack, schema) {
    if (token.text === ')' || token.text === '}') {
      stack.pop();
      return token.kind;
    }
    if (token.text === ':') {
      frame.expects = true;
      return token.kind;
    }
    if (frame.expects) {
      frame.expects = false;
      return value(token, frame.current?.type, stack, schema);
    }
    if (token.kind === 'name') {
      frame.current = frame.fields.find((field) => field.name === token.text);
      frame.used.add(token.text);
      return 'argument';
    }
    return token.kind;
  },

  list(frame, token, stack, schema) {
    if (token.text === ']') {
      stack.pop();
      return token.kind;
    }
    return value(token, frame.type, stack, schema);
  },

  // `($id: ID! = …)` of an operation.
  definitions(frame, token, stack, schema) {
    const directive = onDirective(frame, token, stack, schema);
    if (directive) return directive;
    if (token.text === ')') stack.pop();
    else if (token.text === ':') frame.stage = 'type';
    else if (token.text === '=') frame.stage = 'default';
    else if (token.kind === 'variable') frame.stage = 'name';
    else if (frame.stage === 'default') {
      frame.stage = 'name';
      return value(token, frame.current, stack, schema);
    } else if (token.kind === 'name') {
      frame.current = { kind: 'NAMED', name: token.text };
      return 'type';
    }
    return token.kind;
  },
};

const selection = (type) => ({ kind: 'selection', type });
const inputs = (what, fields) => ({ kind: 'inputs', what, fields: fields ?? [], used: new Set() });

function onDirective(frame, token, stack, schema) {
  if (token.text === '@') {
    frame.at = true;
    return 'directive';
  }
  if (frame.at && token.kind === 'name') {
    frame.at = false;
    frame.directive = schema?.directives.find((one) => one.name === token.text) ?? { args: [] };
    return 'directive';
  }
  if (frame.directive && token.text === '(') {
    stack.push(inputs('arguments', frame.directive.args));
    frame.directive = null;
    return token.kind;
  }
  return null;
}

function value(token, type, stack, schema) {
  if (token.text === '{') stack.push(inputs('object', schema?.named(type)?.inputFields));
  else if (token.text === '[') stack.push({ kind: 'list', type: schema?.item(type) });
  else if (token.kind === 'name') return /^(true|false|null)$/.test(token.text) ? 'constant' : 'enum';
  return token.kind;
}
