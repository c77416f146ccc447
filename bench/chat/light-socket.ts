import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** What the server of Engine.IO and Socket.IO (protocols 4 and 5) begins its packets with. */
const engineOpen = '0';
const enginePing = '2';
const enginePong = '3';
const socketConnect = '40';
const socketConnectError = '44';
const socketEvent = '42';
const socketAcknowledgement = '43';

const textFrame = 0x1;
const closeFrame = 0x8;
const headEnd = Buffer.from('\r\n\r\n');

/**
 * A browser's socket, as little of it as a load needs: WebSocket (RFC 6455) with Socket.IO's packets on it, written by hand, because a thousand
 * real clients in one process would take more CPU time than the server under them. All sockets share one buffer for reading.
 */
export class LightSocket {
  /** The whole packet of each notice, such as `42["chat:message",{…}]`, as Latin-1: ids and numbers read as they are. */
  onNotice: (packet: string) => void = () => undefined;
  /** `isOk` says whether the acknowledgement is a success; the whole packet comes with it. */
  onAcknowledgement: (id: number, isOk: boolean, packet: string) => void = () => undefined;
  onLost: () => void = () => undefined;
  readonly #connection: Socket;
  readonly #ready = Promise.withResolvers<void>();
  readonly #token: string;
  #isUpgraded = false;
  /** What came of a frame whose rest is still on its way. */
  #rest: Buffer | undefined;

  /** Connects and signs in; resolves with the server's first notice, `session:ready`. */
  static async open(url: string, token: string): Promise<LightSocket> {
    const socket = new LightSocket(new URL(url), token);
    await socket.#ready.promise;
    return socket;
  }

  private constructor({ hostname, port }: URL, token: string) {
    this.#token = token;
    this.#connection = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: {
        buffer: sharedBuffer,
        callback: (length) => {
          this.#read(sharedBuffer.subarray(0, length));
          return true;
        },
      },
    });
    this.#connection.write(
      [
        'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
        `Host: ${hostname}:${port}`,
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
        '',
        '',
      ].join('\r\n'),
    );
    this.#connection.on('error', (error) => this.#ready.reject(error));
    this.#connection.on('close', () => {
      this.#ready.reject(new Error('the server closed the connection'));
      this.onLost();
    });
  }

  /** Sends a request; its acknowledgement comes under `id`. */
  request(id: number, name: string, payload: object): void {
    this.#send(`${socketEvent}${id}${JSON.stringify([name, payload])}`);
  }

  close(): void {
    this.onLost = () => undefined;
    this.#connection.destroy();
  }

  #send(text: string): void {
    const body = Buffer.from(text);
    // A client's frames carry a mask; that of zeros leaves them as they are.
    const head = Buffer.alloc(body.length < 126 ? 6 : 8);
    head[0] = 0x80 | textFrame;
    if (body.length < 126) head[1] = 0x80 | body.length;
    else {
      head[1] = 0x80 | 126;
      head.writeUInt16BE(body.length, 2);
    }
    this.#connection.write(Buffer.concat([head, body]));
  }

  /** Takes what has arrived apart; `chunk` is good for this call only. */
  #read(chunk: Buffer): void {
    let data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    if (!this.#isUpgraded) {
      const end = data.indexOf(headEnd);
      if (end === -1) return this.#keep(data);
      if (!data.toString('latin1', 0, 12).endsWith('101')) return this.#ready.reject(new Error(data.toString('latin1', 0, end)));
      this.#isUpgraded = true;
      data = data.subarray(end + headEnd.length);
    }
    while (data.length >= 2) {
      const short = (data[1] ?? 0) & 0x7f;
      const headLength = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (data.length < headLength) break;
      const length = short < 126 ? short : short === 126 ? data.readUInt16BE(2) : Number(data.readBigUInt64BE(2));
      if (data.length < headLength + length) break;
      if (((data[0] ?? 0) & 0xf) === closeFrame) this.#connection.end();
      else this.#take(data.toString('latin1', headLength, headLength + length));
      data = data.subarray(headLength + length);
    }
    if (data.length > 0) this.#keep(data);
  }

  #keep(data: Buffer): void {
    this.#rest = Buffer.from(data);
  }

  #take(packet: string): void {
    if (packet.startsWith(socketEvent)) {
      if (packet.startsWith('42["session:ready"')) this.#ready.resolve();
      else this.onNotice(packet);
    } else if (packet.startsWith(socketAcknowledgement)) {
      const bracket = packet.indexOf('[');
      this.onAcknowledgement(Number(packet.slice(2, bracket)), packet.startsWith('{"ok":true', bracket + 1), packet);
    } else if (packet === enginePing) this.#send(enginePong);
    else if (packet.startsWith(engineOpen)) this.#send(`${socketConnect}${JSON.stringify({ token: this.#token })}`);
    else if (packet.startsWith(socketConnectError)) this.#ready.reject(new Error(packet));
  }
}

const sharedBuffer = Buffer.allocUnsafe(256 * 1024);
