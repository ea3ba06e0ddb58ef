// The schema browser: search, types, fields, arguments, all as links.

import { el } from './dom.js';
import { print } from './schema.js';

const KINDS = { OBJECT: 'type', INTERFACE: 'interface', UNION: 'union', ENUM: 'enum', INPUT_OBJECT: 'input', SCALAR: 'scalar' };

export function createDocs(panel) {
  let schema = null;
  let trail = [];
  const search = el('input', { type: 'search', placeholder: 'Search types and fields', 'aria-label': 'Search the schema', oninput: () => render() });
  const body = el('div', { className: 'docs' });
  panel.replaceChildren(el('div', { className: 'search' }, search), body);

  function go(name, field = null) {
    trail.push(name);
    search.value = '';
    render();
    body.querySelector(field ? `#field-${CSS.escape(field)}` : 'h3')?.scrollIntoView({ block: 'nearest' });
    body.querySelector('h3')?.focus();
  }

  const link = (name) => el('button', { className: 'link type', onclick: () => go(name) }, name);

  function reference(type) {
    const [before, after] = print(type).split(schema.name(type));
    return el('span', { className: 'reference' }, before, link(schema.name(type)), after);
  }

  function input(arg) {
    return el(
      'li',
      {},
      el('span', { className: 'argument' }, arg.name),
      ': ',
      reference(arg.type),
      arg.defaultValue === null ? null : el('span', { className: 'default' }, ` = ${arg.defaultValue}`),
      arg.description ? el('p', {}, arg.description) : null,
      deprecation(arg),
    );
  }

  function entry(field) {
    return el(
      'li',
      { id: `field-${field.name}`, className: field.isDeprecated ? 'old' : '' },
      el('span', { className: 'field' }, field.name),
      ': ',
      reference(field.type),
      field.description ? el('p', {}, field.description) : null,
      deprecation(field),
      field.args?.length
        ? el('details', {}, el('summary', {}, `${field.args.length} argument${field.args.length > 1 ? 's' : ''}`), el('ul', {}, field.args.map(input)))
        : null,
    );
  }

  function typeView(type) {
    const parts = [
      el('nav', { className: 'trail', 'aria-label': 'Trail' }, el('button', { className: 'link', onclick: back }, '← Back')),
      el('h3', { tabIndex: -1 }, el('small', {}, KINDS[type.kind]), ' ', type.name),
      type.description ? el('p', { className: 'lead' }, type.description) : null,
      type.isOneOf ? el('p', { className: 'remark' }, 'Exactly one of these fields.') : null,
      type.interfaces?.length ? el('p', {}, 'Implements ', type.interfaces.map((one) => link(one.name))) : null,
      type.possibleTypes?.length ? el('p', { className: 'possible' }, 'One of ', type.possibleTypes.map((one) => link(one.name))) : null,
    ];
    if (type.fields) parts.push(el('ul', { className: 'entries' }, type.fields.map(entry)));
    if (type.inputFields) parts.push(el('ul', { className: 'entries' }, type.inputFields.map(input)));
    if (type.enumValues) {
      const values = type.enumValues.map((one) => el('li', {}, el('span', { className: 'enum' }, one.name), one.description ? el('p', {}, one.description) : null, deprecation(one)));
      parts.push(el('ul', { className: 'entries' }, values));
    }
    return parts;
  }

  function back() {
    trail.pop();
    render();
  }

  function rootView() {
    const roots = Object.entries(schema.roots).filter(([, name]) => name);
    const own = schema.types.filter((type) => !type.name.startsWith('__') && !roots.some(([, name]) => name === type.name));
    own.sort((a, b) => a.name.localeCompare(b.name));
    return [
      el('h3', { tabIndex: -1 }, 'Start here'),
      el('ul', { className: 'entries' }, roots.map(([kind, name]) => el('li', {}, el('span', { className: 'keyword' }, kind), ': ', link(name)))),
      el('h3', {}, `${own.length} types`),
      el('ul', { className: 'names' }, own.map((type) => el('li', {}, link(type.name), ' ', el('small', {}, KINDS[type.kind])))),
    ];
  }

  function results(text) {
    const wanted = text.toLowerCase();
    const found = [];
    for (const type of schema.types) {
      if (type.name.startsWith('__')) continue;
      if (type.name.toLowerCase().includes(wanted)) found.push([type.name.length, el('li', {}, link(type.name), ' ', el('small', {}, KINDS[type.kind]))]);
      for (const field of [...(type.fields ?? []), ...(type.inputFields ?? [])]) {
        if (!field.name.toLowerCase().includes(wanted)) continue;
        const open = () => go(type.name, field.name);
        found.push([100 + field.name.length, el('li', {}, el('button', { className: 'link', onclick: open }, el('span', { className: 'owner' }, `${type.name}.`), field.name))]);
      }
    }
    found.sort((a, b) => a[0] - b[0]);
    if (!found.length) return [el('p', { className: 'none' }, 'Nothing in the schema is called that.')];
    return [el('p', { className: 'none', role: 'status' }, `${found.length} found`), el('ul', { className: 'names' }, found.slice(0, 100).map(([, node]) => node))];
  }

  function render() {
    if (!schema) return;
    const text = search.value.trim();
    const type = schema.type(trail.at(-1));
    body.replaceChildren(...(text ? results(text) : type ? typeView(type) : rootView()).filter(Boolean));
  }

  return {
    show(next) {
      schema = next;
      trail = trail.filter((name) => schema.type(name));
      render();
    },
    fail(message) {
      schema = null;
      body.replaceChildren(el('p', { className: 'none', role: 'alert' }, message));
    },
  };
}

function deprecation(one) {
  return one.isDeprecated ? el('p', { className: 'deprecation' }, `Deprecated: ${one.deprecationReason ?? 'no longer supported'}`) : null;
}
