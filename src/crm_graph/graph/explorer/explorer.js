// The page: what is asked, by whom, and what came back.

import { createCallers } from './callers.js';
import { comparison } from './compare.js';
import { createDocs } from './docs.js';
import { byId, el, fill, keep, kept, tabs } from './dom.js';
import { createEditor } from './editor.js';
import { coloured, duration, errorList, size } from './json.js';
import { operations, tokenise, walk } from './language.js';
import { prettify } from './prettify.js';
import { send } from './request.js';
import { createSchema, INTROSPECTION } from './schema.js';
import { suggest } from './suggest.js';

const HISTORY = 40;
const KEYS = [
  ['Ctrl+Enter', 'run'],
  ['Ctrl+Space', 'suggest'],
  ['Shift+Alt+F', 'prettify'],
];
const WELCOME = '{\n  __typename\n}\n';

const config = await configuration();
const endpoint = config.endpoint ?? '/graphql';
const schemas = new Map();
let schema = null;
let comparing = false;
let running = 0;

const selectTab = tabs(document.querySelector('[role=tablist]'));
const docs = createDocs(byId('panel-schema'));
const query = createEditor(byId('query-editor'), {
  colour: (text) => spans(text, (tokens) => walk(tokens, schema).classes),
  suggest: (text, caret) => suggest(text, caret, schema),
  list: byId('suggestions'),
  onChange: queryChanged,
  onRun: run,
  onFormat: format,
});
const variables = createEditor(byId('variables-editor'), {
  colour: (text) => spans(text, (tokens) => tokens.map((token, index) => variableClass(token, tokens[index + 1]))),
  onChange: variablesChanged,
  onRun: run,
});
const callers = createCallers(byId('caller'), config, {
  chosen: kept('persona', 'administrator'),
  compared: kept('compared', null),
  onChange: callerChanged,
  onCompared: (keys) => keep('compared', keys),
});

byId('run').addEventListener('click', run);
byId('prettify').addEventListener('click', format);
byId('compare').hidden = !callers.demo;
byId('compare').addEventListener('click', () => compareMode(!comparing));
for (const button of document.querySelectorAll('.views button')) button.addEventListener('click', () => view(button.dataset.view));

const first = config.samples?.[0];
const draft = kept('draft', null) ?? { query: first?.query ?? WELCOME, variables: asText(first?.variables) };
query.set(draft.query);
variables.set(draft.variables);
showSamples();
showHistory();
if (!config.samples?.length) selectTab('tab-schema');
idle();
await introspect();
document.body.dataset.ready = 'true';

async function configuration() {
  try {
    const response = await fetch('/explorer/config.json', { cache: 'no-store' });
    return response.ok ? await response.json() : {};
  } catch {
    return {};
  }
}

// Text cut into pieces with the class of each token; what is between stays plain.
function spans(text, classify) {
  const tokens = tokenise(text);
  const classes = classify(tokens);
  const pieces = [];
  let at = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.start > at) pieces.push({ text: text.slice(at, token.start), className: '' });
    pieces.push({ text: token.text, className: classes[index] });
    at = token.end;
  }
  pieces.push({ text: text.slice(at), className: '' });
  return pieces;
}

function variableClass(token, next) {
  if (token.kind === 'string') return next?.text === ':' ? 'key' : 'string';
  if (token.kind === 'name') return /^(true|false|null)$/.test(token.text) ? 'constant' : 'stray';
  return token.kind;
}

function queryChanged(text) {
  const found = operations(text);
  const select = byId('operation');
  const before = select.value;
  select.replaceChildren(...found.filter((one) => one.name).map((one) => el('option', { value: one.name }, `${one.kind} ${one.name}`)));
  if (found.some((one) => one.name === before)) select.value = before;
  select.hidden = found.length < 2;
  keepDraft();
  variablesChanged();
}

// The operation that Run means: the one chosen where there are several.
function chosenOperation() {
  const found = operations(query.value);
  return found.length > 1 ? found.find((one) => one.name === byId('operation').value) : found[0];
}

function readVariables() {
  const text = variables.value.trim();
  if (!text) return {};
  const value = JSON.parse(text);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new SyntaxError('Variables must be an object: { … }');
  return value;
}

function variablesChanged() {
  const note = byId('variables-note');
  try {
    const given = readVariables();
    const open = (chosenOperation()?.variables ?? []).filter((name) => !(name in given));
    note.className = '';
    note.textContent = open.length ? `not set: ${open.map((name) => `$${name}`).join(', ')}` : '';
    byId('variables').removeAttribute('aria-invalid');
  } catch (error) {
    note.className = 'wrong';
    note.textContent = error.message;
    byId('variables').setAttribute('aria-invalid', 'true');
  }
  keepDraft();
}

function keepDraft() {
  keep('draft', { query: query.value, variables: variables.value });
}

function format() {
  query.replace(prettify(query.value));
  try {
    if (variables.value.trim()) variables.replace(`${JSON.stringify(JSON.parse(variables.value), null, 2)}\n`);
  } catch {
    // the note says what is wrong
  }
}

async function introspect() {
  const caller = callers.current();
  const known = schemas.get(caller.key);
  if (known && callers.demo) {
    useSchema(known);
    return;
  }
  const answer = await send(endpoint, { query: INTROSPECTION, operationName: 'Introspection' }, caller, callers.demo);
  if (caller.key !== callers.current().key) return;
  if (!answer.body?.data?.__schema) {
    schema = null;
    docs.fail(`The schema could not be read: ${answer.body?.errors?.[0]?.message ?? answer.text.slice(0, 200)}`);
    return;
  }
  const found = createSchema(answer.body.data.__schema);
  schemas.set(caller.key, found);
  useSchema(found);
}

function useSchema(found) {
  schema = found;
  docs.show(schema);
  query.paint();
}

async function callerChanged() {
  if (callers.demo) keep('persona', callers.current().key);
  else schemas.clear();
  await introspect();
}

function compareMode(on) {
  comparing = on;
  byId('compare').setAttribute('aria-pressed', String(on));
  document.body.classList.toggle('comparing', on);
  callers.comparing(on);
  idle();
}

function idle() {
  fill(byId('facts'), el('span', { className: 'hint' }, comparing ? 'Run sends the operation as each of the callers chosen above.' : 'The answer appears here.'));
  fill(byId('output'), el('div', { className: 'blank' }, KEYS.map(([key, what]) => el('p', {}, el('kbd', {}, key), what))));
}

function wrong(message) {
  fill(byId('facts'), el('span', { className: 'status bad' }, 'Not sent'));
  byId('output').replaceChildren(el('p', { className: 'none' }, message));
  view('result');
}

async function run() {
  let given;
  try {
    given = readVariables();
  } catch (error) {
    return wrong(`The variables are no JSON object: ${error.message}`);
  }
  const payload = { query: query.value, variables: given };
  const operation = chosenOperation();
  if (operation?.name) payload.operationName = operation.name;
  remember(payload);
  const asked = comparing ? callers.compared() : [callers.current()];
  running += 1;
  const turn = running;
  byId('run').setAttribute('aria-busy', 'true');
  byId('answer').classList.add('waiting');
  const answers = await Promise.all(asked.map((caller) => send(endpoint, payload, caller, callers.demo)));
  if (turn !== running) return undefined;
  byId('run').removeAttribute('aria-busy');
  byId('answer').classList.remove('waiting');
  if (comparing) showCompared(asked, answers);
  else showAnswer(asked[0], answers[0]);
  view('result');
  return undefined;
}

function showAnswer(caller, answer) {
  const count = answer.body?.errors?.length ?? 0;
  fill(
    byId('facts'),
    el('span', { className: `status ${answer.ok ? 'good' : 'bad'}` }, answer.status ? `${answer.status} ${answer.ok ? 'OK' : 'Refused'}` : 'Failed'),
    el('span', {}, duration(answer.time)),
    el('span', {}, size(answer.bytes)),
    callers.demo ? el('span', { className: 'who' }, `as ${caller.name}`) : null,
    count ? el('span', { className: 'errors-count' }, `${count} error${count > 1 ? 's' : ''}`) : null,
    answer.body ? el('button', { className: 'quiet copy', onclick: () => navigator.clipboard?.writeText(pretty(answer)) }, 'Copy') : null,
  );
  const errors = errorList(answer.body?.errors, (place) => {
    view('query');
    query.moveTo(place);
  });
  fill(byId('output'), errors, el('pre', { className: 'json' }, coloured(pretty(answer))));
  byId('output').scrollTop = 0;
}

const pretty = (answer) => (answer.body === null ? answer.text : JSON.stringify(answer.body, null, 2));

function showCompared(asked, answers) {
  const slowest = Math.max(...answers.map((answer) => answer.time));
  fill(byId('facts'), el('span', { className: 'status good' }, `${asked.length} callers`), el('span', {}, duration(slowest)));
  byId('output').replaceChildren(comparison(asked, answers));
}

// On a phone one of three parts is shown; on a desktop all of them always are.
function view(name) {
  document.body.dataset.view = name;
  for (const button of document.querySelectorAll('.views button')) {
    if (button.dataset.view === name) button.setAttribute('aria-current', 'true');
    else button.removeAttribute('aria-current');
  }
}

function load(entry) {
  query.set(entry.query);
  variables.set(asText(entry.variables));
  if (entry.operationName) byId('operation').value = entry.operationName;
  view('query');
}

function asText(value) {
  if (typeof value === 'string') return value;
  return value && Object.keys(value).length ? `${JSON.stringify(value, null, 2)}\n` : '';
}

function showSamples() {
  const samples = config.samples ?? [];
  byId('panel-samples').replaceChildren(
    samples.length
      ? el('ul', { className: 'cards' }, samples.map((sample) => el('li', {}, el('button', { className: 'card', onclick: () => load(sample) }, el('strong', {}, sample.title), el('span', {}, sample.description ?? '')))))
      : el('p', { className: 'none' }, 'This server offers no sample queries. The schema is in the next tab.'),
  );
}

function remember(payload) {
  const entry = { ...payload, at: Date.now() };
  const same = (one) => one.query === entry.query && JSON.stringify(one.variables) === JSON.stringify(entry.variables) && one.operationName === entry.operationName;
  keep('history', [entry, ...kept('history', []).filter((one) => !same(one))].slice(0, HISTORY));
  showHistory();
}

function showHistory() {
  const entries = kept('history', []);
  const clear = el('button', { className: 'link', onclick: () => { keep('history', []); showHistory(); } }, 'Clear');
  byId('panel-history').replaceChildren(
    ...(entries.length
      ? [
          el('ul', { className: 'cards' }, entries.map((entry) => el('li', {}, el('button', { className: 'card', onclick: () => load(entry) }, el('strong', {}, historyTitle(entry)), el('span', {}, new Date(entry.at).toLocaleString()))))),
          el('p', { className: 'none' }, 'Kept in this browser only. ', clear),
        ]
      : [el('p', { className: 'none' }, 'What you run is listed here, in this browser only.')]),
  );
}

function historyTitle(entry) {
  return entry.operationName ?? entry.query.replace(/\s+/g, ' ').slice(0, 60);
}
