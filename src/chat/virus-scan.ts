import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { AppError } from '../protocol/errors.ts';

const connectMs = 5_000;
const writeMs = 30_000;
/** clamd gives up on a file after 120 s unless set otherwise (MaxScanTime). */
const verdictMs = 150_000;

/** Looks for viruses in files on their way. */
export interface VirusScanner {
  /**
   * Passes the bytes on and ends only once all of them are found clean, so that whoever stores them stores nothing before.
   * Errors: `chat.infected_file`, `chat.scan_unavailable` when the scanner is down, too slow, or refuses the file.
   */
  scanned(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void>;
}

/**
 * A scanner that asks ClamAV's daemon by INSTREAM: chunks with their length in 4 bytes, big-endian, ended by a length of 0 (clamd(8)). `address` is a
 * Unix socket's path or `host:port`. clamd's StreamMaxLength must not be below LIMIT_ATTACHMENT_BYTES.
 */
export function createVirusScanner(address: string): VirusScanner {
  return {
    async *scanned(source) {
      const socket = await open(address);
      let isComplete = false;
      const answer = answerOf(socket, () => isComplete);
      try {
        await write(socket, Buffer.from('zINSTREAM\0'), answer);
        for await (const piece of source) {
          if (piece.length === 0) continue;
          const length = Buffer.alloc(4);
          length.writeUInt32BE(piece.length);
          await write(socket, Buffer.concat([length, piece]), answer);
          yield piece;
        }
        socket.setTimeout(verdictMs);
        isComplete = true;
        socket.write(Buffer.alloc(4));
        assertClean(await answer);
      } finally {
        socket.destroy();
      }
    },
  };
}

async function open(address: string): Promise<Socket> {
  const [, host, port] = /^([^/].*):(\d+)$/.exec(address) ?? [];
  const socket = host === undefined ? connect(address) : connect(Number(port), host.replace(/^\[(.*)\]$/, '$1'));
  socket.setTimeout(connectMs, () => socket.destroy(new Error('the virus scanner does not answer')));
  try {
    await once(socket, 'connect');
  } catch (cause) {
    socket.destroy();
    throw new AppError('chat.scan_unavailable', { cause });
  }
  socket.setTimeout(0);
  return socket;
}

/** What the scanner says, or why it said nothing. Before it has everything it can only refuse: that a part is clean says nothing. */
function answerOf(socket: Socket, isComplete: () => boolean): Promise<string | Error> {
  const { promise, resolve } = Promise.withResolvers<string | Error>();
  let text = '';
  socket.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
    if (text.includes('\0')) resolve(isComplete() || !isClean(text) ? text : new Error('the virus scanner answered too early'));
  });
  socket.on('error', resolve);
  socket.on('close', () => resolve(new Error('the virus scanner hung up')));
  return promise;
}

/** Waits until the scanner takes more. An answer before the end is a refusal, or the connection's loss. */
async function write(socket: Socket, bytes: Buffer, answer: Promise<string | Error>): Promise<void> {
  if (socket.write(bytes)) return;
  socket.setTimeout(writeMs);
  const drained = new AbortController();
  try {
    const early = await Promise.race([once(socket, 'drain', { signal: drained.signal }).catch(() => undefined), answer]);
    if (typeof early === 'string' || early instanceof Error) assertClean(early);
  } finally {
    drained.abort();
    socket.setTimeout(0);
  }
}

const isClean = (answer: string) => answer.startsWith('stream: OK\0');

function assertClean(answer: string | Error): void {
  if (answer instanceof Error) throw new AppError('chat.scan_unavailable', { cause: answer });
  const [, signature] = /^stream: (.+) FOUND/.exec(answer) ?? [];
  if (signature !== undefined) throw new AppError('chat.infected_file', { details: { signature } });
  if (!/^stream: OK/.test(answer))
    throw new AppError('chat.scan_unavailable', { cause: new Error(`the virus scanner answered ${answer.slice(0, 100)}`) });
}
