// A mobile app: it has no secret, as anybody could read it out of the package. PKCE binds the code to this very app.
// openid-client runs wherever there are `fetch` and WebCrypto: React Native and Capacitor with their polyfills, Node.
import * as oidc from "openid-client";

/**
 * Sign a person in. `app` has client_id, redirect_uri and scope; `visit` opens an address in the system's browser
 * (ASWebAuthenticationSession, Custom Tabs) and gives the address by which it came back to the app.
 */
export async function signIn(issuer, app, visit, options = {}) {
  const config = await oidc.discovery(new URL(issuer), app.client_id, undefined, oidc.None(), options);
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [oidc.randomState(), oidc.randomNonce()];
  const cameBack = await visit(
    oidc.buildAuthorizationUrl(config, {
      redirect_uri: app.redirect_uri,
      scope: app.scope,
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
      state: expectedState,
      nonce: expectedNonce,
    }),
  );
  // it checks `state`, `iss` and the ID token too
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
  return new Session(issuer, config, await oidc.authorizationCodeGrant(config, cameBack, checks));
}

/** Somebody who is signed in. Keep `tokens.refresh_token` in the keychain or key store, and nowhere else. */
export class Session {
  #refreshing;

  constructor(issuer, config, tokens) {
    Object.assign(this, { issuer, config, tokens });
    this.goodUntil = Date.now() + 1000 * tokens.expires_in;
  }

  /** Ask the API. */
  async ask(query, variables = {}) {
    const body = JSON.stringify({ query, variables });
    const headers = new Headers({ "content-type": "application/json" });
    const token = await this.#accessToken();
    const answer = await oidc.fetchProtectedResource(
      this.config, token, new URL("/graphql", this.issuer), "POST", body, headers,
    );
    return answer.json();
  }

  /** Give the tokens back: on this device nobody is signed in any more. */
  signOut() {
    return oidc.tokenRevocation(this.config, this.tokens.refresh_token);
  }

  async #accessToken() {
    if (Date.now() > this.goodUntil - 30_000) {
      // a refresh token works once: one refresh is in flight, and all who wait share its answer
      this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined));
      await this.#refreshing;
    }
    return this.tokens.access_token;
  }

  async #refresh() {
    this.tokens = await oidc.refreshTokenGrant(this.config, this.tokens.refresh_token);
    this.goodUntil = Date.now() + 1000 * this.tokens.expires_in;
  }
}
