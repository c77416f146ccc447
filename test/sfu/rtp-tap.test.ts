import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { PortBlocks, portsPerTap } from '../../src/sfu/port-blocks.ts';
import { goodbye, readSenderReport, senderReport } from '../../src/sfu/rtcp.ts';
import type { RtpTap } from '../../src/sfu/rtp-tap.ts';
import { opusParameters } from '../support/rtp-parameters.ts';
import { assertCode, SfuWorld } from './sfu-fixture.ts';

/** Of this test file alone. */
const basePort = 19_000 + (process.pid % 100) * portsPerTap;

/** Listens as ffmpeg would. */
class Listener {
  readonly #rtp: Socket;
  readonly #rtcp: Socket;
  packets = 0;

  private constructor(rtp: Socket, rtcp: Socket) {
    this.#rtp = rtp;
    this.#rtcp = rtcp;
    rtp.on('message', () => {
      this.packets += 1;
    });
  }

  static async open(): Promise<Listener> {
    const sockets = [createSocket('udp4'), createSocket('udp4')] as const;
    await Promise.all(
      sockets.map(async (socket, index) => {
        socket.bind(basePort + index, '127.0.0.1');
        await once(socket, 'listening');
      }),
    );
    return new Listener(...sockets);
  }

  async received(count: number): Promise<void> {
    const target = this.packets + count;
    while (this.packets < target) await once(this.#rtp, 'message');
  }

  /** The next RTCP packet that matches. */
  async report(matches: (packet: Buffer) => boolean = () => true): Promise<Buffer> {
    for (;;) {
      const [packet]: Buffer[] = await once(this.#rtcp, 'message');
      if (packet && matches(packet)) return packet;
    }
  }

  [Symbol.dispose](): void {
    this.#rtp.close();
    this.#rtcp.close();
  }
}

const closed = (tap: RtpTap): Promise<unknown[]> => once(tap, 'closed');

test('[CAP14] nothing flows through a tap before a listener is there; then it is told where to count from, and RTP flows', async () => {
  await using world = await SfuWorld.start();
  const a = await world.enter('a');
  const { producerId } = await a.client.publishVideo();
  const tap = await world.room.openTap(producerId, basePort);
  assert.match(tap.sdp, new RegExp(`^m=video ${basePort} RTP/AVP \\d+\r$`, 'm'));
  assert.match(tap.sdp, /^a=rtpmap:\d+ VP8\/90000\r$/m);
  assert.deepEqual([tap.kind, tap.mimeType, tap.clockRate], ['video', 'video/VP8', 90_000]);
  const flowing = tap.flow();
  using listener = await Listener.open();
  const first = await listener.report();
  assert.equal(readSenderReport(first)?.rtpTime, tap.originRtpTime);
  assert.equal(listener.packets, 0);
  await flowing;
  await listener.received(5);
  const [mapping]: { rtpTime: number; atMs: number }[] = await once(tap, 'mapping');
  assert.ok(Math.abs(Date.now() - mapping!.atMs) < 1_000, 'by this machine’s clock');
  const end = closed(tap);
  const told = listener.report((packet) => packet.length > 28);
  tap.close();
  tap.close();
  assert.deepEqual(await end, ['closed']);
  assert.equal((await told).readUInt8(29), 203, 'a goodbye');
  await tap.gone;
});

test('[CAP14] a tap that nobody listens to fails, and so does one of what is not there', async () => {
  await using world = await SfuWorld.start();
  const a = await world.addPeer('a');
  const { producerId } = await a.peer.produce({ transportId: a.sendId, source: 'microphone', rtpParameters: opusParameters() });
  const tap = await world.room.openTap(producerId, basePort);
  const flowing = tap.flow();
  tap.close();
  await assertCode('media.unavailable', () => flowing);
  await tap.gone;
  await assertCode('media.producer_not_found', () => world.room.openTap('nobody', basePort));
  using _taken = await Listener.open();
  await assertCode('media.unavailable', () => world.room.openTap(producerId, basePort - 2));
});

test('[CAP14] a tap closes with its producer, its room and its worker', async () => {
  await using world = await SfuWorld.start();
  const a = await world.addPeer('a');
  const produce = (source: 'microphone' | 'screenAudio'): Promise<{ producerId: string }> =>
    a.peer.produce({ transportId: a.sendId, source, rtpParameters: opusParameters() });
  const { producerId } = await produce('microphone');
  const tap = await world.room.openTap(producerId, basePort);
  let end = closed(tap);
  a.peer.closeProducer(producerId);
  assert.deepEqual(await end, ['producer_closed']);
  await tap.gone;
  const room = await world.pool.createRoom();
  const peer = room.addPeer('b');
  const { transportId } = await peer.createTransport('send');
  const other = await peer.produce({ transportId, source: 'microphone', rtpParameters: opusParameters() });
  const second = await room.openTap(other.producerId, basePort);
  end = closed(second);
  room.close();
  assert.deepEqual(await end, ['transport_closed']);
  await second.gone;
  await assertCode('media.unavailable', () => room.openTap(other.producerId, basePort));
  const last = await world.room.openTap((await produce('screenAudio')).producerId, basePort);
  end = closed(last);
  process.kill(world.pool.workers()[0]!.pid!, 'SIGKILL');
  assert.deepEqual(await end, ['transport_closed']);
  await last.gone;
});

test('[CAP15] no port is lent twice, and what came back last is lent last', async () => {
  const ports = new PortBlocks({ basePort: 22_000, count: 3 * portsPerTap + 5 });
  const lent = [ports.take(), ports.take(), ports.take()];
  assert.deepEqual(lent, [22_000, 22_006, 22_012]);
  await assertCode('media.limit_reached', () => ports.take());
  ports.release(22_012);
  ports.release(22_000);
  assert.equal(ports.freeCount, 2);
  assert.deepEqual([ports.take(), ports.take()], [22_012, 22_000]);
});

test('[CAP14] reports of RTP time say what was put into them', () => {
  const report = { ssrc: 0xfedcba98, rtpTime: 4_294_967_295, atMs: 1_795_180_831_276.5 };
  for (const packet of [senderReport(report), goodbye(report)]) {
    const read = readSenderReport(packet);
    assert.deepEqual({ ...read, atMs: Math.round((read?.atMs ?? 0) * 100) / 100 }, report);
  }
  assert.equal(readSenderReport(Buffer.alloc(7)), undefined);
  assert.equal(readSenderReport(goodbye(report).subarray(28)), undefined);
});
