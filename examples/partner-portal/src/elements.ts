// The page is made of these. Text is only ever set as text: what an answer says is never read as HTML.
export type Child = Node | string;

export function element(name: string, className = "", ...children: Child[]): HTMLElement {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

export function button(label: string, click: () => unknown): HTMLElement {
  const made = element("button", "", label) as HTMLButtonElement;
  made.type = "button";
  made.addEventListener("click", () => void click());
  return made;
}

/** A line of a list: what it is, and beside it what is to be known of it. */
export function line(title: string, ...facts: (string | null | undefined)[]): HTMLElement {
  const known = facts.filter((fact): fact is string => Boolean(fact));
  return element("li", "", element("strong", "", title), ...known.map((fact) => element("span", "", fact)));
}

/** A part of the page; `empty` is said where there is nothing. */
export function section(title: string, lines: HTMLElement[], empty: string, total = lines.length): HTMLElement {
  const heading = element("h2", "", title);
  if (total > lines.length) heading.append(element("small", "", `${lines.length} of ${total}`));
  return element("section", "", heading, lines.length ? element("ul", "", ...lines) : element("p", "empty", empty));
}
