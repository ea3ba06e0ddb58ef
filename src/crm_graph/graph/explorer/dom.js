// Small helpers for building the page: no text ever becomes markup.

export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name in node && name !== 'list' && !name.startsWith('aria')) node[name] = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

// Puts `children` in place of what `node` has; null ones are left out.
export function fill(node, ...children) {
  node.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
}

export const byId = (id) => document.getElementById(id);

// One set of tabs: arrows move, the panel follows.
export function tabs(list, onSelect = () => {}) {
  const buttons = [...list.querySelectorAll('[role=tab]')];
  function select(button) {
    for (const other of buttons) {
      const chosen = other === button;
      other.setAttribute('aria-selected', String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      byId(other.getAttribute('aria-controls')).hidden = !chosen;
    }
    onSelect(button.id);
  }
  for (const [index, button] of buttons.entries()) {
    button.addEventListener('click', () => select(button));
    button.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = buttons[(index + step + buttons.length) % buttons.length];
      select(next);
      next.focus();
    });
  }
  return (id) => select(byId(id));
}

// Kept between visits; a browser that refuses storage loses only that.
export function kept(key, fallback) {
  try {
    const text = localStorage.getItem(`crm-graph:${key}`);
    return text === null ? fallback : JSON.parse(text);
  } catch {
    return fallback;
  }
}

export function keep(key, value) {
  try {
    localStorage.setItem(`crm-graph:${key}`, JSON.stringify(value));
  } catch {
    // storage full or refused
  }
}
