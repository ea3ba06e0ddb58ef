// What may be written at the caret.

import { fragments, tokenise, walk } from './language.js';
import { print } from './schema.js';

const KEYWORDS = ['query', 'mutation', 'subscription', 'fragment'].map((label) => ({ label, detail: '' }));

// → { from, items: [{ label, detail, note, insert }] }, or null where nothing can be suggested.
export function suggest(text, caret, schema) {
  if (!schema) return null;
  const tokens = tokenise(text.slice(0, caret));
  const last = tokens.at(-1);
  let prefix = '';
  if (last && last.end === caret) {
    if (last.kind === 'comment' || last.kind === 'string') return null;
    if (last.kind === 'name' || last.kind === 'variable') {
      prefix = last.text;
      tokens.pop();
    }
  }
  const { frame } = walk(tokens, schema);
  const wanted = prefix.toLowerCase();
  const ranked = candidates(frame, text, schema)
    .filter((item) => item.label.toLowerCase().includes(wanted))
    .sort((a, b) => rank(a, wanted) - rank(b, wanted));
  return { prefix, from: caret - prefix.length, items: ranked.slice(0, 100) };
}

const rank = (item, wanted) => {
  const label = item.label.toLowerCase();
  return (label.startsWith(wanted) ? 0 : 1) + (item.deprecated ? 4 : 0) + (label.startsWith('__') ? 2 : 0);
};

function candidates(frame, text, schema) {
  if (frame.at) return schema.directives.map((one) => ({ label: one.name, detail: '', note: one.description }));
  if (frame.kind === 'document') {
    if (frame.stage === 'on') return schema.types.filter(schema.isComposite).map(asType);
    return frame.stage ? [] : KEYWORDS;
  }
  if (frame.kind === 'selection') return inSelection(frame, text, schema);
  if (frame.kind === 'inputs') {
    if (frame.expects) return values(frame.current?.type, text, schema);
    return frame.fields
      .filter((field) => !frame.used.has(field.name))
      .map((field) => ({ ...asField(field), insert: `${field.name}: ` }));
  }
  if (frame.kind === 'list') return values(frame.type, text, schema);
  if (frame.kind === 'definitions' && frame.stage === 'type') return schema.types.filter(schema.isInput).map(asType);
  if (frame.kind === 'definitions' && frame.stage === 'default') return values(frame.current, text, schema);
  return [];
}

function inSelection(frame, text, schema) {
  if (frame.spread === 'open') {
    return [{ label: 'on', detail: 'type condition', insert: 'on ' }, ...fragments(text).map((label) => ({ label, detail: 'fragment' }))];
  }
  if (frame.spread === 'on') {
    const names = new Set([frame.type?.name, ...(frame.type?.possibleTypes ?? []).map((type) => type.name)]);
    const fitting = schema.types.filter((type) => names.has(type.name));
    return (fitting.length ? fitting : schema.types.filter(schema.isComposite)).map(asType);
  }
  const fields = (frame.type?.fields ?? []).map((field) => {
    const inside = schema.isComposite(schema.named(field.type)) && !field.args.some(isRequired);
    return { ...asField(field), opens: inside };
  });
  return frame.type ? [...fields, { label: '__typename', detail: 'String!', note: 'Name of the type of this record.' }] : [];
}

function values(type, text, schema) {
  const named = schema.named(type);
  const variables = [...new Set(text.match(/\$[_A-Za-z][_A-Za-z0-9]*/g) ?? [])].map((label) => ({ label, detail: 'variable' }));
  const own = (named?.enumValues ?? []).map((one) => ({ label: one.name, detail: named.name, note: one.description, deprecated: one.isDeprecated }));
  if (named?.name === 'Boolean') own.push({ label: 'true', detail: '' }, { label: 'false', detail: '' });
  return [...own, ...variables];
}

const isRequired = (arg) => arg.type.kind === 'NON_NULL' && arg.defaultValue === null;
const asType = (type) => ({ label: type.name, detail: type.kind.toLowerCase().replace('_', ' '), note: type.description });
const asField = (field) => ({ label: field.name, detail: print(field.type), note: field.description, deprecated: field.isDeprecated });
