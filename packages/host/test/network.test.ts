import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { realNetwork } from '../src/network.ts';

const network = realNetwork();
/** Answers with the status that the path names; `/silent` never. */
const http = createHttp((request, response) => {
  if (request.url === '/silent') return;
  const status = Number(request.url?.slice(1));
  response.writeHead(status, status === 302 ? { location: '/200' } : {}).end('text');
});
const closed = createServer();
let port = 0;
let closedPort = 0;

before(async () => {
  http.listen(0, '127.0.0.1');
  closed.listen(0, '127.0.0.1');
  await Promise.all([once(http, 'listening'), once(closed, 'listening')]);
  port = (http.address() as AddressInfo).port;
  closedPort = (closed.address() as AddressInfo).port;
  closed.close();
  await once(closed, 'close');
});

after(() => {
  http.closeAllConnections();
  http.close();
});

test('a port that takes connections', async () => {
  await network.connect('127.0.0.1', port, 2000);
});

test('a port that does not', async () => {
  await assert.rejects(network.connect('127.0.0.1', closedPort, 2000), {
    code: 'io',
    message: /ECONNREFUSED/,
  });
});

test('a name that there is not', async () => {
  await assert.rejects(network.connect('nothing.invalid', 80, 5000), (error: Error) => error.message !== '');
});

for (const status of [200, 204, 302, 503]) {
  test(`an answer with ${status} is told as it is`, async () => {
    assert.equal(await network.httpStatus(`http://127.0.0.1:${port}/${status}`, 2000), status);
  });
}

test('no answer', async () => {
  await assert.rejects(network.httpStatus(`http://127.0.0.1:${port}/silent`, 200), {
    code: 'timeout',
    message: /did not answer within 0\.2 s/,
  });
});

test('no server', async () => {
  await assert.rejects(network.httpStatus(`http://127.0.0.1:${closedPort}/`, 2000), {
    code: 'io',
    message: /ECONNREFUSED/,
  });
});
