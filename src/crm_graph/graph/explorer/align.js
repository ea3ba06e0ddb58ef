// Several answers to one operation, line by line beside one another.

// → rows [{ depth, name, cells: [{ text, kind, state, first }] }]; state is same, differs, denied, missing, or within
// (below a null); `first` is false for the lines below a missing one.
export function align(answers) {
  const rows = [];
  const denied = answers.map((answer) => (answer.errors ?? []).map((error) => error.path ?? []));
  const isDenied = (column, path) =>
    denied[column].some((error) => begins(error, path) || (!error.some(isIndex) && begins(error, path.filter((step) => !isIndex(step)))));

  // `gone` says of each caller what its parent was: missing or null, else nothing.
  function visit(name, cells, paths, depth, gone = []) {
    const states = cells.map((cell, column) => {
      if (cell === undefined) return gone[column] ?? 'missing';
      return cell === null && isDenied(column, paths[column]) ? 'denied' : 'same';
    });
    const shapes = cells.map(shape);
    const container = shapes.find((one) => one === 'object' || one === 'array');
    const shown = cells.map((cell, column) => (states[column] === 'same' ? canonical(cell, container) : null));
    if (new Set(shown.filter((one) => one !== null)).size > 1) {
      for (const [column, state] of states.entries()) if (state === 'same') states[column] = 'differs';
    }
    if (!container) {
      rows.push({ depth, name, cells: cells.map((cell, column) => leaf(cell, states[column], gone[column])) });
      return;
    }
    const inside = cells.map((cell, column) => (shapes[column] === container ? cell : undefined));
    const children = container === 'array' ? items(inside) : fields(inside);
    const [open, close] = container === 'array' ? '[]' : '{}';
    const empty = children.length === 0;
    rows.push({
      depth,
      name,
      cells: cells.map((cell, column) =>
        shapes[column] === container
          ? { text: empty ? open + close : open, kind: 'punctuation', state: states[column], first: true }
          : leaf(cell, states[column], gone[column]),
      ),
    });
    if (empty) return;
    const below = states.map((state, column) => (state === 'missing' ? 'missing' : cells[column] === null || gone[column] ? 'within' : undefined));
    for (const child of children) {
      visit(
        child.name,
        child.steps.map((step, column) => (step === undefined ? undefined : inside[column][step])),
        child.steps.map((step, column) => [...(paths[column] ?? []), step]),
        depth + 1,
        below,
      );
    }
    rows.push({
      depth,
      name: null,
      cells: inside.map((cell, column) =>
        cell === undefined
          ? { text: '', kind: 'punctuation', state: below[column] ?? 'same', first: false }
          : { text: close, kind: 'punctuation', state: 'same', first: false },
      ),
    });
  }

  const data = answers.map((answer) => answer.data ?? undefined);
  for (const { name, steps } of fields(data)) {
    visit(name, steps.map((step, column) => (step === undefined ? undefined : data[column][step])), steps.map((step) => [step]), 0);
  }
  return rows;
}

// An error without list positions holds for every record of the list.
const isIndex = (step) => typeof step === 'number';
const begins = (error, path) => error.length >= path.length && path.every((step, index) => error[index] === step);
const shape = (cell) => (Array.isArray(cell) ? 'array' : cell !== null && typeof cell === 'object' ? 'object' : 'leaf');

// Containers are compared by what is in them, on their own lines.
const canonical = (cell, container) => (container && shape(cell) === container ? container : JSON.stringify(cell));

function leaf(cell, state, gone) {
  if (cell === undefined) return { text: '', kind: 'constant', state, first: !gone };
  const kind = cell === null || typeof cell === 'boolean' ? 'constant' : typeof cell;
  return { text: JSON.stringify(cell), kind, state, first: true };
}

function fields(objects) {
  const names = merged(objects.map((object) => (object === undefined ? [] : Object.keys(object))));
  return names.map((name) => ({ name, steps: objects.map((object) => (object !== undefined && name in object ? name : undefined)) }));
}

// List items that carry an id stand beside the same record, others beside the same position.
function items(lists) {
  const keys = lists.map((list) => (list ?? []).map((item) => item?.id ?? item?.node?.id));
  const known = keys.every((list) => list.every((key) => typeof key === 'string') && new Set(list).size === list.length);
  if (!known) {
    const longest = Math.max(...lists.map((list) => list?.length ?? 0));
    return Array.from({ length: longest }, (_, index) => ({
      name: null,
      steps: lists.map((list) => (list !== undefined && index < list.length ? index : undefined)),
    }));
  }
  return merged(keys).map((key) => ({
    name: null,
    steps: keys.map((list) => (list.includes(key) ? list.indexOf(key) : undefined)),
  }));
}

// Union of several orders: what is new goes after its predecessor.
function merged(lists) {
  const order = [];
  for (const list of lists) {
    let at = 0;
    for (const key of list) {
      const found = order.indexOf(key);
      if (found >= 0) at = found + 1;
      else {
        order.splice(at, 0, key);
        at += 1;
      }
    }
  }
  return order;
}
