// Run by store.test.ts: writes the first bytes of a blob into a store, says so, and waits to be killed.
import { realFiles } from '@cairn/host';
import { openBlobStore, parseDigest } from '@cairn/oci';

const [folder = '', digest = '', size = '', count = ''] = process.argv.slice(2);
const store = openBlobStore(realFiles(), folder);
const writer = await store.create({ digest: parseDigest(digest), size: Number(size) });
await writer.write(new Uint8Array(Number(count)).fill(7));
console.log('written');
setInterval(() => {}, 1000);
