// A text area that reads like an editor: colours behind it, indenting, brackets, suggestions.

import { el } from './dom.js';

const PAIRS = { '{': '}', '(': ')', '[': ']' };
const CLOSERS = new Set(Object.values(PAIRS));

// `colour(text)` → [{ text, className }]; `suggest(text, caret)` → { prefix, from, items } or null.
export function createEditor(box, { colour, suggest = () => null, list = null, onChange, onRun, onFormat }) {
  const area = box.querySelector('textarea');
  const ink = box.querySelector('.ink');
  let escaped = false;
  const popup = list ? createPopup(area, list, (item, found) => accept(item, found)) : null;

  function paint() {
    const match = brackets(area.value, area.selectionStart);
    let at = 0;
    ink.replaceChildren(
      ...colour(area.value).flatMap(({ text, className }) => {
        const start = at;
        at += text.length;
        const marked = text.length === 1 && document.activeElement === area && match.includes(start);
        return className || marked ? [el('span', { className: `${className}${marked ? ' bracket' : ''}` }, text)] : [text];
      }),
      '\n',
    );
    scroll();
  }

  function scroll() {
    ink.scrollTop = area.scrollTop;
    ink.scrollLeft = area.scrollLeft;
  }

  // Through execCommand where there is one: only that keeps the browser's undo.
  function insert(text, from = area.selectionStart, to = area.selectionEnd) {
    area.focus();
    area.setSelectionRange(from, to);
    const command = text ? 'insertText' : 'delete';
    if ((from === to && !text) || document.execCommand?.(command, false, text)) return;
    area.setRangeText(text, from, to, 'end');
    area.dispatchEvent(new InputEvent('input'));
  }

  function accept(item, found) {
    const caret = area.selectionStart;
    const indent = /^[ ]*/.exec(lineOf(area.value, found.from))[0];
    const alone = !area.value.slice(caret).trimStart().startsWith('{');
    const text = item.insert ?? item.label;
    if (item.opens && alone) {
      insert(`${text} {\n${indent}  \n${indent}}`, found.from, caret);
      const inside = found.from + text.length + 5 + indent.length;
      area.setSelectionRange(inside, inside);
    } else {
      insert(text, found.from, caret);
    }
    paint();
    if (item.opens) offer(true);
  }

  function offer(asked) {
    if (!popup) return;
    const found = area.selectionStart === area.selectionEnd ? suggest(area.value, area.selectionStart) : null;
    const single = found?.items.length === 1 && found.items[0].label === found.prefix;
    if (!found?.items.length || single || (!asked && !found.prefix)) popup.hide();
    else popup.show(found);
  }

  function indentLines(event) {
    const { selectionStart: start, selectionEnd: end, value } = area;
    if (start === end && !event.shiftKey) return insert('  ');
    const from = value.lastIndexOf('\n', start - 1) + 1;
    const lines = value.slice(from, end).split('\n');
    const changed = lines.map((text) => (event.shiftKey ? text.replace(/^ {1,2}/, '') : `  ${text}`)).join('\n');
    insert(changed, from, end);
    area.setSelectionRange(start === end ? area.selectionStart : from, from + changed.length);
    return undefined;
  }

  function breakLine() {
    const { selectionStart: caret, value } = area;
    const indent = /^ */.exec(lineOf(value, caret))[0];
    const before = value[caret - 1];
    if (PAIRS[before]) {
      const closes = value[caret] === PAIRS[before];
      insert(`\n${indent}  ${closes ? `\n${indent}` : ''}`);
      const inside = caret + 1 + indent.length + 2;
      area.setSelectionRange(inside, inside);
    } else {
      insert(`\n${indent}`);
    }
  }

  area.addEventListener('keydown', (event) => {
    const { selectionStart: start, selectionEnd: end, value } = area;
    const command = event.ctrlKey || event.metaKey;
    if (event.isComposing) return;
    if (command && event.key === 'Enter') {
      event.preventDefault();
      popup?.hide();
      onRun();
    } else if (command && event.key === ' ') {
      event.preventDefault();
      offer(true);
    } else if (event.shiftKey && event.altKey && event.code === 'KeyF' && onFormat) {
      event.preventDefault();
      onFormat();
    } else if (popup?.key(event)) {
      event.preventDefault();
    } else if (event.key === 'Escape') {
      escaped = true;
      return;
    } else if (event.key === 'Tab' && !command && !event.altKey && !escaped) {
      event.preventDefault();
      indentLines(event);
    } else if (event.key === 'Enter' && !command) {
      event.preventDefault();
      breakLine();
    } else if (PAIRS[event.key] && start === end && !command && /^[\s)\]}]?$/.test(value[start] ?? '')) {
      event.preventDefault();
      insert(event.key + PAIRS[event.key]);
      area.setSelectionRange(start + 1, start + 1);
    } else if (CLOSERS.has(event.key) && start === end && value[start] === event.key) {
      event.preventDefault();
      area.setSelectionRange(start + 1, start + 1);
    } else if (event.key === 'Backspace' && start === end && start > 0 && PAIRS[value[start - 1]] === (value[start] ?? '')) {
      event.preventDefault();
      insert('', start - 1, start + 1);
    }
    if (event.key !== 'Tab' && event.key !== 'Shift') escaped = false;
  });
  area.addEventListener('input', (event) => {
    paint();
    onChange(area.value);
    if (event.inputType === 'insertText' && event.data?.length === 1) offer(false);
    else if (popup?.open) offer(true);
  });
  area.addEventListener('scroll', () => {
    scroll();
    popup?.hide();
  });
  area.addEventListener('blur', () => {
    escaped = false;
    popup?.hide();
    paint();
  });
  area.addEventListener('focus', paint);
  document.addEventListener('selectionchange', () => {
    if (document.activeElement === area) paint();
  });

  return {
    get value() {
      return area.value;
    },
    set(text) {
      area.value = text;
      area.scrollTop = 0;
      area.setSelectionRange(0, 0);
      paint();
      onChange(text);
    },
    replace(text) {
      if (text !== area.value) insert(text, 0, area.value.length);
      paint();
    },
    moveTo({ line, column }) {
      const lines = area.value.split('\n');
      const at = lines.slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0) + column - 1;
      area.focus();
      area.setSelectionRange(at, at);
    },
    paint,
    caret: () => area.selectionStart,
  };
}

function lineOf(text, at) {
  return text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
}

// Places of the bracket at the caret and its counterpart, or none.
function brackets(text, caret) {
  const openers = '{([';
  const closers = '})]';
  for (const at of [caret - 1, caret]) {
    const kind = openers.indexOf(text[at] ?? ' ');
    const other = closers.indexOf(text[at] ?? ' ');
    if (kind < 0 && other < 0) continue;
    const [own, pair, step] = kind >= 0 ? [openers[kind], closers[kind], 1] : [closers[other], openers[other], -1];
    let open = 0;
    for (let place = at; place >= 0 && place < text.length; place += step) {
      if (text[place] === own) open += 1;
      if (text[place] === pair) open -= 1;
      if (open === 0) return [at, place];
    }
  }
  return [];
}

function createPopup(area, list, onAccept) {
  let found = null;
  let chosen = 0;
  const note = el('li', { className: 'note', role: 'presentation' });

  function hide() {
    found = null;
    list.hidden = true;
    area.removeAttribute('aria-activedescendant');
  }

  function choose(index) {
    chosen = (index + found.items.length) % found.items.length;
    const options = [...list.querySelectorAll('[role=option]')];
    for (const [place, option] of options.entries()) option.setAttribute('aria-selected', String(place === chosen));
    options[chosen].scrollIntoView({ block: 'nearest' });
    area.setAttribute('aria-activedescendant', options[chosen].id);
    note.textContent = found.items[chosen].note ?? '';
    note.hidden = !note.textContent;
  }

  function show(suggestions) {
    found = suggestions;
    list.replaceChildren(
      ...found.items.map((item, index) =>
        el(
          'li',
          {
            role: 'option',
            id: `suggestion-${index}`,
            className: item.deprecated ? 'deprecated' : '',
            onmousedown: (event) => {
              event.preventDefault();
              onAccept(item, found);
            },
          },
          el('span', { className: 'label' }, item.label),
          el('span', { className: 'detail' }, item.detail),
        ),
      ),
      note,
    );
    list.hidden = false;
    place();
    choose(0);
  }

  // Under the start of the word, or above it where there is no room.
  function place() {
    const style = getComputedStyle(area);
    const before = area.value.slice(0, found.from).split('\n');
    const context = document.createElement('canvas').getContext('2d');
    context.font = `${style.fontSize} ${style.fontFamily}`;
    const lineHeight = Number.parseFloat(style.lineHeight);
    const left = Number.parseFloat(style.paddingLeft) + context.measureText(before.at(-1)).width - area.scrollLeft;
    const top = Number.parseFloat(style.paddingTop) + before.length * lineHeight - area.scrollTop + 2;
    const below = area.clientHeight - top;
    const height = Math.min(list.offsetHeight, 260);
    list.style.left = `${Math.max(4, Math.min(left - 8, area.clientWidth - list.offsetWidth - 4))}px`;
    list.style.top = `${below < height && top - lineHeight > height ? top - lineHeight - height - 4 : top}px`;
  }

  function key(event) {
    if (!found) return false;
    if (event.key === 'ArrowDown') choose(chosen + 1);
    else if (event.key === 'ArrowUp') choose(chosen - 1);
    else if (event.key === 'Escape') hide();
    else if ((event.key === 'Enter' || event.key === 'Tab') && !event.shiftKey) {
      const [item, suggestions] = [found.items[chosen], found];
      hide();
      onAccept(item, suggestions);
    } else return false;
    return true;
  }

  return { show, hide, key, get open() { return found !== null; } };
}
