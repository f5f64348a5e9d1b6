// Run by registry-network.test.ts in an environment of its own: prints the digest that a reference names, or the error.
import { realHost } from '@cairn/host';
import { createRegistry, OciError, parseReference, proxyFetch } from '@cairn/oci';

const [text = '', plainHttp = ''] = process.argv.slice(2);
const reference = parseReference(text);
if (reference.kind !== 'registry') throw new Error(`${text} is not in a registry`);
try {
  using proxied = proxyFetch(process.env);
  const client = createRegistry({
    fetch: proxied.fetch,
    clock: realHost().clock,
    plainHttp: plainHttp === '' ? [] : [plainHttp],
    retries: 0,
  });
  console.log((await client.resolve(reference)).digest);
} catch (error) {
  if (!(error instanceof OciError)) throw error;
  console.log(`${error.code} ${error.message} ${error.hint}`);
}
