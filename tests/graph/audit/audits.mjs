// Runs the public GraphQL-over-HTTP audit suite against the URL in the first argument and prints
// [{"id", "name", "status", "reason"}] as JSON; `status` is "ok", "notice", "warn" or "error".
import { serverAudits } from 'graphql-http';

const [url] = process.argv.slice(2);
if (!url) {
  console.error('usage: node audits.mjs URL');
  process.exit(2);
}
const results = [];
for (const audit of serverAudits({ url, fetchFn: fetch })) {
  const result = await audit.fn();
  results.push({ id: audit.id, name: audit.name, status: result.status, reason: result.reason ?? null });
}
console.log(JSON.stringify(results, null, 1));
