// One request to the endpoint, with what it took.

// → { status, ok, time (ms), bytes, text, body (parsed, or null), id }; never throws.
export async function send(endpoint, payload, caller, demo) {
  const headers = {
    accept: 'application/graphql-response+json, application/json;q=0.9',
    'content-type': 'application/json',
  };
  if (caller.token) headers.authorization = `Bearer ${caller.token}`;
  const started = performance.now();
  try {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers,
      body: JSON.stringify(payload),
      credentials: demo ? 'omit' : 'same-origin',
      cache: 'no-store',
    });
    const content = await response.arrayBuffer();
    const time = performance.now() - started;
    const text = new TextDecoder().decode(content);
    let body = null;
    try {
      body = JSON.parse(text);
    } catch {
      // shown as text
    }
    return { status: response.status, ok: response.ok, time, bytes: content.byteLength, text, body, id: response.headers.get('x-request-id') };
  } catch (error) {
    return { status: 0, ok: false, time: performance.now() - started, bytes: 0, text: `The server did not answer: ${error.message}`, body: null, id: null };
  }
}
