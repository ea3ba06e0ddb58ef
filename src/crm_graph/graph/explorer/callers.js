// Who asks: a persona in demo mode, else a token of one's own or the session of the sign-in page.

import { el } from './dom.js';

const TOKEN_KEY = 'crm-graph:token';
export const DEFAULT_COMPARED = ['administrator', 'sales_rep', 'partner_rep', 'storefront'];

// `onChange` is called when another caller asks from now on.
export function createCallers(box, config, { chosen, compared, onChange, onCompared }) {
  return config.demo && config.personas?.length
    ? personas(box, config.personas, { chosen, compared, onChange, onCompared })
    : token(box, onChange);
}

function personas(box, all, { chosen, compared, onChange, onCompared }) {
  const byKey = new Map(all.map((persona) => [persona.key, persona]));
  let current = byKey.get(chosen) ?? all[0];
  let marked = (compared ?? DEFAULT_COMPARED).filter((key) => byKey.has(key)).slice(0, 4);
  if (marked.length < 2) marked = all.slice(0, 2).map((persona) => persona.key);

  const groups = Map.groupBy ? Map.groupBy(all, (one) => one.organization) : new Map([['Callers', all]]);
  const select = el(
    'select',
    {
      id: 'persona',
      onchange: () => {
        current = byKey.get(select.value);
        onChange();
      },
    },
    [...groups].map(([organization, members]) =>
      el('optgroup', { label: organization ?? '' }, members.map((one) => el('option', { value: one.key }, title(one)))),
    ),
  );
  select.value = current.key;

  const boxes = all.map((persona) =>
    el(
      'label',
      { className: 'chip', title: title(persona) },
      el('input', {
        type: 'checkbox',
        value: persona.key,
        checked: marked.includes(persona.key),
        onchange: (event) => mark(persona.key, event.target.checked),
      }),
      el('span', {}, short(persona, all)),
    ),
  );
  const group = el('fieldset', { className: 'chips', hidden: true }, el('legend', {}, 'Compare two to four callers'), boxes);

  function mark(key, on) {
    marked = on ? [...marked, key] : marked.filter((one) => one !== key);
    limit();
    onCompared(marked);
  }

  function limit() {
    for (const input of group.querySelectorAll('input')) {
      input.disabled = input.checked ? marked.length <= 2 : marked.length >= 4;
    }
  }

  const single = el('label', { className: 'single' }, el('span', {}, 'Acting as'), select);
  box.replaceChildren(single, group);
  limit();
  return {
    demo: true,
    current: () => current,
    compared: () => all.filter((persona) => marked.includes(persona.key)),
    comparing(on) {
      group.hidden = !on;
      single.hidden = on;
    },
    choose(key) {
      if (!byKey.has(key)) return;
      select.value = key;
      current = byKey.get(key);
      onChange();
    },
  };
}

// The role says most; the name is added where two callers have the same one.
function short(persona, all) {
  const alone = all.filter((one) => one.role === persona.role).length === 1;
  return alone ? persona.role : `${persona.role} · ${persona.name}`;
}

const title = (persona) => (persona.name === persona.role ? persona.name : `${persona.name} · ${persona.role}`);

function token(box, onChange) {
  let value = stored();
  const input = el('input', {
    id: 'token',
    type: 'password',
    autocomplete: 'off',
    spellcheck: false,
    placeholder: 'API key or bearer token',
    value,
    onchange: () => {
      value = input.value.trim();
      try {
        sessionStorage.setItem(TOKEN_KEY, value);
      } catch {
        // refused: it lasts until the page is left
      }
      onChange();
    },
  });
  box.replaceChildren(
    el('form', { onsubmit: (event) => event.preventDefault() }, el('label', { className: 'single' }, el('span', {}, 'Token'), input)),
    el('a', { className: 'sign-in', href: '/sign-in' }, 'Sign in'),
  );
  return {
    demo: false,
    current: () => ({ key: 'token', name: value ? 'Token' : 'Session', role: '', token: value }),
    compared: () => [],
    comparing() {},
    choose() {},
  };
}

function stored() {
  try {
    return sessionStorage.getItem(TOKEN_KEY) ?? '';
  } catch {
    return '';
  }
}
