import type { Acknowledgement } from '../../src/protocol/define.ts';
import type { TestClient } from '../support/test-client.ts';

/** High enough for socket.io-client's own counting not to reach it. */
let nextId = 1_000_000;

/** Sends an event written by hand (a JSON array of name and arguments) past socket.io-client, with its attachments; answers the acknowledgement. */
export async function rawRequest(client: TestClient, json: string, attachments: Buffer[] = []): Promise<Acknowledgement<unknown>> {
  const id = nextId++;
  const { engine } = client.socket.io;
  const { promise, resolve } = Promise.withResolvers<Acknowledgement<unknown>>();
  const onData = (data: unknown) => {
    if (typeof data !== 'string' || !data.startsWith(`3${id}[`)) return;
    resolve((JSON.parse(data.slice(`3${id}`.length)) as [Acknowledgement<unknown>])[0]);
  };
  engine.on('data', onData);
  engine.write(attachments.length > 0 ? `5${attachments.length}-${id}${json}` : `2${id}${json}`);
  for (const attachment of attachments) engine.write(attachment);
  try {
    return await promise;
  } finally {
    engine.off('data', onData);
  }
}

/** The code that a hand-written event is answered with. */
export async function rawCode(client: TestClient, json: string, attachments: Buffer[] = []): Promise<string> {
  const answer = await rawRequest(client, json, attachments);
  return answer.ok ? 'ok' : answer.error.code;
}

/** Sends what no client would; resolves when the server has closed the connection. */
export async function closedBy(client: TestClient, ...packets: (string | Buffer)[]): Promise<void> {
  const closed = client.disconnected();
  for (const packet of packets) client.socket.io.engine.write(packet);
  await closed;
}
