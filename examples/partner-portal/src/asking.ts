// One request for all that the page shows.
import type { PartnerView } from "./partner-view";
import query from "./partner-view.graphql?raw";

const SOON_DAYS = 30;
const PATIENCE_MS = 20_000;

/** The session is over: sign in again. */
export class SignedOut extends Error {}

export interface Answer {
  data: PartnerView;
  /** What could not be shown, in words. */
  missing: string[];
}

export async function partnerView(accessToken: string): Promise<Answer> {
  const soon = new Date(Date.now() + SOON_DAYS * 86_400_000).toISOString();
  const response = await fetch(new URL("/graphql", import.meta.env.VITE_ISSUER), {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${accessToken}` },
    body: JSON.stringify({ query, variables: { soon, soonOn: soon.slice(0, 10) } }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (response.status === 401) throw new SignedOut();
  const answer = (await response.json()) as { data?: PartnerView; errors?: { message: string }[] };
  const missing = (answer.errors ?? []).map((error) => error.message);
  if (!answer.data) throw new Error(missing.join(" ") || `The server answered ${response.status}.`);
  return { data: answer.data, missing };
}
