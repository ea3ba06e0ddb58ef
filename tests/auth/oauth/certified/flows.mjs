// Every flow through npm's openid-client, which the OpenID Foundation has certified, against a running server.
// Standard input: {issuer, clients, email, password}. Standard output: what came of each flow.
import { readFileSync } from "node:fs";
import * as oidc from "openid-client";
import { signIn } from "./mobile_app.mjs";

const given = JSON.parse(readFileSync(0, "utf8"));
const results = {};

/** A browser without scripts: cookies, redirects, and the first form of a page. */
class Browser {
  cookies = new Map();

  async open(url, options = {}) {
    const cookie = [...this.cookies].map((pair) => pair.join("=")).join("; ");
    const headers = { ...options.headers, ...(cookie ? { cookie } : {}) };
    const response = await fetch(url, { ...options, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie()) {
      const [name, value] = line.split(";")[0].split("=");
      this.cookies.set(name, value);
    }
    const location = response.headers.get("location");
    if (!location) return { url, text: await response.text() };
    const next = new URL(location, url);
    return next.origin === new URL(given.issuer).origin ? this.open(next) : { url: next };
  }

  submit(page, values) {
    const plain = (text) => text.replaceAll("&amp;", "&");
    const fields = Object.fromEntries(
      [...page.text.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g)].map((found) => [found[1], plain(found[2])]),
    );
    const action = new URL(/<form method="post" action="([^"]*)"/.exec(page.text)[1], given.issuer);
    return this.open(action, { method: "POST", body: new URLSearchParams({ ...fields, ...values }) });
  }
}

async function discovered(app) {
  const proof = app.client_secret ? oidc.ClientSecretBasic(app.client_secret) : oidc.None();
  const options = { execute: [oidc.allowInsecureRequests] };
  return oidc.discovery(new URL(given.issuer), app.client_id, undefined, proof, options);
}

async function signedIn(sort) {
  const app = given.clients[sort];
  const config = await discovered(app);
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const nonce = oidc.randomNonce();
  const address = oidc.buildAuthorizationUrl(config, {
    redirect_uri: app.redirect_uri,
    scope: app.scope,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
    max_age: "3600",
  });
  const browser = new Browser();
  const consent = await browser.submit(await browser.open(address), { email: given.email, password: given.password });
  const back = await browser.submit(consent, { decision: "allow" });
  const tokens = await oidc.authorizationCodeGrant(config, back.url, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    maxAge: 3600,
    idTokenExpected: true,
  });
  const who = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token);
  const result = { name: who.name, claims: tokens.claims(), rotated: renewed.refresh_token !== tokens.refresh_token };
  if (app.client_secret) {
    result.active = (await oidc.tokenIntrospection(config, renewed.access_token)).active;
  }
  await oidc.tokenRevocation(config, renewed.refresh_token);
  if (app.client_secret) {
    result.activeAfterRevocation = (await oidc.tokenIntrospection(config, renewed.access_token)).active;
  }
  const end = oidc.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: app.redirect_uri,
    state: "left",
  });
  result.left = (await browser.open(end)).url.searchParams.get("state");
  return result;
}

/** A device asks, its person types the code in a browser, the device gets its tokens. */
async function onADevice(sort, decision) {
  const app = given.clients[sort];
  const config = await discovered(app);
  const codes = await oidc.initiateDeviceAuthorization(config, { scope: app.scope });
  const polled = oidc.pollDeviceAuthorizationGrant(config, codes).then(
    (tokens) => ({ tokens }),
    (error) => ({ error: error.error }),
  );
  const browser = new Browser();
  const form = await browser.submit(await browser.open(new URL(codes.verification_uri)), { email: given.email, password: given.password });
  const question = await browser.submit(form, { user_code: codes.user_code });
  await browser.submit(question, { decision });
  const { tokens, error } = await polled;
  if (error) return { error };
  const who = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  return { name: who.name, claims: tokens.claims(), refreshable: tokens.refresh_token !== undefined };
}

results.device = await onADevice("public", "allow");
results.deniedDevice = await onADevice("public", "deny");
results.public = await signedIn("public");
results.confidential = await signedIn("confidential");

const config = await discovered(given.clients.service);
const own = await oidc.clientCredentialsGrant(config, { scope: given.clients.service.scope });
const answer = await oidc.fetchProtectedResource(
  config,
  own.access_token,
  new URL("/graphql", given.issuer),
  "POST",
  JSON.stringify({ query: "{ viewer { kind } }" }),
  new Headers({ "content-type": "application/json" }),
);
results.service = { ...(await answer.json()), active: (await oidc.tokenIntrospection(config, own.access_token)).active };

// docs/examples/mobile_app.mjs, as it is in the documentation
async function visit(address) {
  const browser = new Browser();
  const consent = await browser.submit(await browser.open(address), { email: given.email, password: given.password });
  return (await browser.submit(consent, { decision: "allow" })).url;
}
const phone = await signIn(given.issuer, given.clients.public, visit, { execute: [oidc.allowInsecureRequests] });
const first = phone.tokens.refresh_token;
const viewers = [await phone.ask("{ viewer { kind } }")];
phone.goodUntil = 0; // as if ten minutes were over
viewers.push(...(await Promise.all([1, 2, 3].map(() => phone.ask("{ viewer { kind } }")))));
const renewed = phone.tokens.refresh_token !== first;
await phone.signOut();
const after = await phone.ask("{ viewer { kind } }").catch((error) => ({ status: error.status ?? error.cause?.status }));
results.mobile = { viewers, renewed, after };

process.stdout.write(JSON.stringify(results));
