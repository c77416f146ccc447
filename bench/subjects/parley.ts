import { pino } from 'pino';
import type { MediaRoom } from '../../src/sfu/media-room.ts';
import type { Peer } from '../../src/sfu/peer.ts';
import { WorkerPool } from '../../src/sfu/worker-pool.ts';
import { dtlsClient, iceTarget, publisherRtpParameters, type Subject, subscriberCapabilities } from './subject.ts';

/** Parley's own SFU, driven as a join drives it: every peer gets both transports, and its consumer starts paused. */
export async function createParleySubject(): Promise<Subject> {
  const log = pino({ level: 'warn' }, pino.destination(2));
  const pool = await WorkerPool.create({ workerCount: 1, listenIp: '127.0.0.1', basePort: 0, log });
  const workerPid = pool.workers()[0]?.pid;
  if (workerPid === undefined) throw new Error('the media worker did not start');
  let room: MediaRoom | undefined;
  let producerId: string | undefined;
  const subscribers = new Map<number, { peer: Peer; consumerId: string }>();

  return {
    workerPid,
    async openRoom() {
      room = await pool.createRoom();
    },
    async addPublisher(fingerprint) {
      if (room === undefined) throw new Error('no room is open');
      const peer = room.addPeer('publisher');
      const { send } = await peer.ensureTransports();
      await peer.connectTransport({ transportId: send.transportId, dtlsParameters: dtlsClient(fingerprint) });
      const producer = await peer.produce({
        transportId: send.transportId,
        source: 'camera',
        rtpParameters: publisherRtpParameters,
      });
      producerId = producer.producerId;
      return iceTarget(send.iceParameters, send.iceCandidates);
    },
    async addSubscriber(subscriberId, fingerprint) {
      if (room === undefined || producerId === undefined) throw new Error('nothing is published');
      const peer = room.addPeer(`subscriber-${subscriberId}`);
      const { recv } = await peer.ensureTransports();
      await peer.connectTransport({ transportId: recv.transportId, dtlsParameters: dtlsClient(fingerprint) });
      const { consumerId } = await peer.consume({ producerId, rtpCapabilities: subscriberCapabilities(room.rtpCapabilities) });
      subscribers.set(subscriberId, { peer, consumerId });
      return iceTarget(recv.iceParameters, recv.iceCandidates);
    },
    async resumeSubscriber(subscriberId) {
      const subscriber = subscribers.get(subscriberId);
      await subscriber?.peer.resumeConsumer(subscriber.consumerId);
    },
    async closeRoom() {
      subscribers.clear();
      room?.close();
    },
    async close() {
      await pool.close();
    },
  };
}
