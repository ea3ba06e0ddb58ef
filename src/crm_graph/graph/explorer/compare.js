// One operation, the answers of several callers side by side.

import { align } from './align.js';
import { el } from './dom.js';
import { duration, errorList, size } from './json.js';

const LABELS = { differs: 'differs', denied: 'no access', missing: 'not there' };
const TALLIES = { ...LABELS, differs: 'differ' };

export function comparison(callers, answers) {
  const rows = align(answers.map((answer) => answer.body));
  const table = el(
    'table',
    { className: 'comparison' },
    el('thead', {}, el('tr', {}, callers.map((caller, column) => header(caller, answers[column], rows, column)))),
    el('tbody', {}, rows.map(line)),
    el(
      'tfoot',
      {},
      el(
        'tr',
        {},
        answers.map((answer) =>
          el('td', {}, errorList(answer.body?.errors) ?? el('p', { className: 'none' }, 'No access errors.')),
        ),
      ),
    ),
  );
  table.style.setProperty('--callers', callers.length);
  const only = el('input', { type: 'checkbox', onchange: () => table.classList.toggle('only', only.checked) });
  const legend = el(
    'div',
    { className: 'legend' },
    Object.entries(LABELS).map(([state, label]) => el('span', {}, el('i', { className: state }), label)),
    el('label', {}, only, 'Only differences'),
  );
  return el('div', { className: 'compared' }, legend, el('div', { className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Answers side by side' }, table));
}

function header(caller, answer, rows, column) {
  const counts = Object.entries(LABELS).map(([state]) => [state, rows.filter((row) => row.cells[column].state === state && row.cells[column].first).length]);
  return el(
    'th',
    { scope: 'col' },
    el('span', { className: 'name' }, caller.name),
    el('span', { className: 'role' }, caller.role),
    el(
      'span',
      { className: 'numbers' },
      el('span', { className: answer.ok ? 'good' : 'bad' }, String(answer.status || 'failed')),
      el('span', {}, duration(answer.time)),
      el('span', {}, size(answer.bytes)),
      counts.filter(([, count]) => count).map(([state, count]) => el('span', { className: `tally ${state}` }, `${count} ${TALLIES[state]}`)),
    ),
  );
}

function line(row) {
  const marked = row.cells.some((cell) => cell.state !== 'same' && cell.state !== 'within');
  return el(
    'tr',
    { className: marked || opens(row) ? '' : 'equal' },
    row.cells.map((cell) => {
      const absent = cell.state === 'missing' || cell.state === 'within';
      const label = cell.first && (cell.state === 'missing' || cell.state === 'denied') ? LABELS[cell.state] : null;
      const node = el(
        'td',
        { className: cell.state, title: cell.first ? LABELS[cell.state] : null },
        row.name !== null && !absent ? el('span', { className: 'key' }, `${row.name}: `) : null,
        absent || !cell.text ? null : el('span', { className: cell.kind }, cell.text),
        label ? el('span', { className: 'label' }, label) : cell.state === 'differs' ? el('span', { className: 'unseen' }, ' (differs)') : null,
      );
      node.style.setProperty('--depth', row.depth);
      return node;
    }),
  );
}

const opens = (row) => row.cells.some((cell) => cell.kind === 'punctuation');
