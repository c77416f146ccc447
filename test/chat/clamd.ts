import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** What a scanner does with the file it has received: the usual answer, or whatever a test wants. */
export type Verdict = (file: Buffer, socket: Socket) => string | undefined;

/** The EICAR test file (eicar.org), put together here so that this file is none. */
export const eicar = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}', '$EICAR', '-STANDARD-ANTIVIRUS-TEST-FILE!', '$H+H*'].join('');

const usual: Verdict = (file) => (file.includes(eicar) ? 'stream: Eicar-Test-Signature FOUND\0' : 'stream: OK\0');

/** A small server that speaks clamd's INSTREAM on a free port. `received` counts the bytes of each file. */
export async function startClamd(verdict: Verdict = usual): Promise<{ address: string; received: number[] } & AsyncDisposable> {
  const received: number[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    let waiting = Buffer.alloc(0);
    let isStarted = false;
    const file: Buffer[] = [];
    socket.on('data', (piece) => {
      waiting = Buffer.concat([waiting, piece]);
      if (!isStarted && waiting.length >= 10) {
        if (waiting.toString('latin1', 0, 10) !== 'zINSTREAM\0') return socket.end('UNKNOWN COMMAND\0');
        isStarted = true;
        waiting = waiting.subarray(10);
      }
      while (isStarted && waiting.length >= 4) {
        const length = waiting.readUInt32BE();
        if (waiting.length < 4 + length) return;
        file.push(waiting.subarray(4, 4 + length));
        waiting = waiting.subarray(4 + length);
        if (length > 0) continue;
        const whole = Buffer.concat(file);
        received.push(whole.length);
        const answer = verdict(whole, socket);
        if (answer !== undefined) socket.end(answer);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
