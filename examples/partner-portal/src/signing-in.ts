// OAuth: authorization code with PKCE, as a public app. Tokens are kept in memory only: they are gone with the page.
import * as oidc from "openid-client";

const ISSUER = new URL(import.meta.env.VITE_ISSUER);
const HERE = new URL(location.pathname, location.origin).href;
const KEPT = "signing-in"; // what has to outlive the way to the issuer and back; none of it is a token

/** What the page reads, and at which level; `partner` where none is said. */
export const SCOPE = [
  "openid",
  "users:read partners:read partner_tiers:read partner_scorecards:read partner_agreements:read partner_certifications:read partner_coverages:read",
  "price_lists:read price_list_entries:read products:read product_categories:read",
  "customers:read contacts:read:internal customer_shares:read:internal partner_activities:read:internal",
  "key_accounts:read key_account_shares:read:internal key_account_plans:read goals:read tactics:read",
  "deal_registrations:read opportunities:read stages:read leads:read lead_offers:read tickets:read tasks:read:internal",
].join(" ");

export interface Session {
  accessToken: string;
  signOut(): Promise<void>;
}

function configuration(): Promise<oidc.Configuration> {
  // plain http is for trying it on this very machine
  const local = ISSUER.protocol === "http:" && ["127.0.0.1", "localhost"].includes(ISSUER.hostname);
  const options = local ? { execute: [oidc.allowInsecureRequests] } : {};
  return oidc.discovery(ISSUER, import.meta.env.VITE_CLIENT_ID, undefined, oidc.None(), options);
}

/** Leave for the issuer, where the person signs in and agrees. */
export async function signIn(): Promise<void> {
  const config = await configuration();
  const checks = {
    pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    expectedState: oidc.randomState(),
    expectedNonce: oidc.randomNonce(),
  };
  sessionStorage.setItem(KEPT, JSON.stringify(checks));
  const address = oidc.buildAuthorizationUrl(config, {
    redirect_uri: HERE,
    scope: SCOPE,
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: "S256",
  });
  location.assign(address);
}

/** The session of who just came back from the issuer; none of who did not come from there. */
export async function cameBack(): Promise<Session | undefined> {
  const address = new URL(location.href);
  const kept = sessionStorage.getItem(KEPT);
  sessionStorage.removeItem(KEPT);
  history.replaceState(null, "", HERE); // a code works once, and is nothing to keep in the history
  if (!kept || !(address.searchParams.has("code") || address.searchParams.has("error"))) return undefined;
  const config = await configuration();
  const checks = { ...(JSON.parse(kept) as oidc.AuthorizationCodeGrantChecks), idTokenExpected: true };
  const tokens = await oidc.authorizationCodeGrant(config, address, checks); // it checks state, iss and the ID token
  return {
    accessToken: tokens.access_token,
    async signOut() {
      const hint: Record<string, string> = tokens.id_token ? { id_token_hint: tokens.id_token } : {};
      await oidc.tokenRevocation(config, tokens.access_token);
      location.assign(oidc.buildEndSessionUrl(config, { post_logout_redirect_uri: HERE, ...hint }));
    },
  };
}
