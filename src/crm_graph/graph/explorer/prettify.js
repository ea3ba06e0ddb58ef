// GraphQL, laid out evenly; comments stay, what is no GraphQL stays as it is.

import { tokenise } from './language.js';

const WIDTH = 80;

export function prettify(text) {
  const tokens = tokenise(text);
  if (tokens.some((token) => token.kind === 'stray') || !balanced(tokens)) return text;
  const lines = [];
  let line = '';
  let depth = 0;
  const flush = () => {
    if (line.trim()) lines.push('  '.repeat(depth) + line.trim());
    line = '';
  };
  for (let index = 0; index < tokens.length; index += 1) {
    const token = tokens[index];
    const before = tokens[index - 1];
    if (token.kind === 'comment') {
      const own = !before || text.slice(before.end, token.start).includes('\n');
      if (own) {
        flush();
        lines.push('  '.repeat(depth) + token.text);
      } else if (line.trim()) {
        line += ` ${token.text}`;
        flush();
      } else {
        lines[lines.length - 1] += ` ${token.text}`;
      }
    } else if (token.text === '(') {
      const end = closing(tokens, index);
      line += bracketed(tokens.slice(index, end + 1), depth, line.length);
      index = end;
    } else if (token.text === '{') {
      line += line.trim() ? ' {' : '{';
      flush();
      depth += 1;
    } else if (token.text === '}') {
      flush();
      depth = Math.max(0, depth - 1);
      lines.push(`${'  '.repeat(depth)}}`);
      if (depth === 0) lines.push('');
    } else {
      if (startsSelection(token, before, depth)) flush();
      line += joined(line, token, before);
    }
  }
  flush();
  return `${lines.join('\n').trim()}\n`;
}

function balanced(tokens) {
  const open = [];
  for (const { text } of tokens) {
    if ('([{'.includes(text)) open.push({ '(': ')', '[': ']', '{': '}' }[text]);
    else if (')]}'.includes(text) && open.pop() !== text) return false;
  }
  return open.length === 0;
}

// A field, alias or spread begins a line; what belongs to the one before does not.
function startsSelection(token, before, depth) {
  if (depth === 0 || !before) return false;
  if (token.text === '...') return true;
  return token.kind === 'name' && ![':', '@', '...'].includes(before.text) && !(before.text === 'on' && token.kind === 'name');
}

function joined(line, token, before) {
  if (!line) return token.text;
  if (token.text === ':' || before.text === '@') return token.text;
  if (before.text === '...' && token.kind === 'name' && token.text !== 'on') return token.text;
  return ` ${token.text}`;
}

function closing(tokens, start) {
  let open = 0;
  for (let index = start; index < tokens.length; index += 1) {
    if ('([{'.includes(tokens[index].text)) open += 1;
    if (')]}'.includes(tokens[index].text)) open -= 1;
    if (open === 0) return index;
  }
  return tokens.length - 1;
}

// Arguments or variable definitions in one line, or one to a line where they do not fit.
function bracketed(tokens, depth, taken) {
  const entries = [];
  let entry = '';
  let open = 0;
  let commented = false;
  for (const [index, token] of tokens.slice(1, -1).entries()) {
    const before = tokens[index];
    const starts = token.kind === 'variable' || (token.kind === 'name' && tokens[index + 2]?.text === ':');
    if (open === 0 && starts && index > 0 && !['=', ':', '@'].includes(before.text)) {
      entries.push(entry);
      entry = '';
    }
    if (token.kind === 'comment') commented = true;
    if (']})'.includes(token.text)) open -= 1;
    entry += spaced(entry, token, before, open) + token.text + (token.kind === 'comment' ? '\n' : '');
    if ('[{('.includes(token.text)) open += 1;
  }
  entries.push(entry);
  const short = `(${entries.join(', ')})`;
  if (!commented && depth * 2 + taken + short.length <= WIDTH && !short.includes('\n')) return short;
  const indent = '  '.repeat(depth + 1);
  return `(\n${entries.map((one) => `${indent}${one}`).join('\n')}\n${'  '.repeat(depth)})`;
}

function spaced(entry, token, before, open) {
  if (!entry || ':)]}!'.includes(token.text) || '([{@'.includes(before.text)) return '';
  if (before.text === ':' || before.text === '=' || token.text === '=') return ' ';
  return open > 0 && token.text !== '@' ? ', ' : ' ';
}
