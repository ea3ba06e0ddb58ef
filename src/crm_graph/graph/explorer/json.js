// JSON for reading: coloured text, sizes, and the errors of an answer grouped.

import { el } from './dom.js';

const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d[\d.eE+-]*)|\b(true|false|null)\b/g;
const LARGEST_COLOURED = 400_000;

export function coloured(text) {
  const fragment = document.createDocumentFragment();
  if (text.length > LARGEST_COLOURED) {
    fragment.append(text);
    return fragment;
  }
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > at) fragment.append(text.slice(at, match.index));
    const [whole, string, colon, number, constant] = match;
    if (string) {
      fragment.append(el('span', { className: colon ? 'key' : 'string' }, string));
      if (colon) fragment.append(colon);
    } else {
      fragment.append(el('span', { className: number ? 'number' : 'constant' }, number ?? constant));
    }
    at = match.index + whole.length;
  }
  fragment.append(text.slice(at));
  return fragment;
}

export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export const duration = (milliseconds) => `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;

// One entry for each code and field, however many rows it happened in.
export function grouped(errors) {
  const groups = new Map();
  for (const error of errors ?? []) {
    const place = (error.path ?? []).filter((step) => typeof step === 'string').join('.');
    const code = error.extensions?.code ?? 'ERROR';
    const key = `${code} ${place || error.message}`;
    const group = groups.get(key) ?? { code, place, message: error.message, count: 0, location: error.locations?.[0] };
    group.count += 1;
    groups.set(key, group);
  }
  return [...groups.values()];
}

export function errorList(errors, onPlace) {
  const groups = grouped(errors);
  if (!groups.length) return null;
  return el(
    'ul',
    { className: 'errors' },
    groups.map((group) => {
      const place = onPlace && group.location;
      return el(
        'li',
        {},
        el('span', { className: 'code' }, group.code),
        group.place ? el('code', {}, group.place) : null,
        group.count > 1 ? el('span', { className: 'count' }, `${group.count} times`) : null,
        el('span', { className: 'message' }, group.message),
        place
          ? el('button', { className: 'link', onclick: () => onPlace(place) }, `line ${place.line}, column ${place.column}`)
          : null,
      );
    }),
  );
}
