import { partnerView, SignedOut } from "./asking";
import { button, element, type Child } from "./elements";
import { show } from "./showing";
import { cameBack, signIn, type Session } from "./signing-in";

const page = document.querySelector<HTMLElement>("#page")!;
const out = document.querySelector<HTMLButtonElement>("#sign-out")!;

function turn(state: "welcome" | "loading" | "failed" | "shown", ...children: Child[]): void {
  page.dataset.state = state;
  page.setAttribute("aria-busy", String(state === "loading"));
  page.replaceChildren(...children);
}

function welcome(words = "Sign in to see your customers, deals and prices."): void {
  out.hidden = true;
  turn("welcome", element("p", "", words), button("Sign in", () => leave(signIn)));
}

function failed(error: unknown, again: () => unknown): void {
  const words = error instanceof Error ? error.message : String(error);
  turn("failed", element("p", "", "That did not work."), element("p", "empty", words), button("Try again", again));
}

async function leave(way: () => Promise<void>): Promise<void> {
  turn("loading", element("p", "", "One moment …"));
  await way().catch((error: unknown) => failed(error, () => welcome()));
}

async function load(session: Session): Promise<void> {
  out.hidden = false;
  out.onclick = () => void leave(() => session.signOut());
  turn("loading", element("p", "", "Loading …"));
  try {
    const { data, missing } = await partnerView(session.accessToken);
    const notice = missing.length ? [element("p", "notice", missing.join(" "))] : [];
    turn("shown", ...notice, ...show(data));
  } catch (error) {
    if (error instanceof SignedOut) welcome("Your session is over. Sign in again.");
    else failed(error, () => load(session));
  }
}

turn("loading", element("p", "", "One moment …"));
cameBack().then(
  (session) => (session ? load(session) : welcome()),
  (error: unknown) => failed(error, () => welcome()),
);
