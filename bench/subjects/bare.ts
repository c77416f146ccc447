import { createWorker, type types } from 'mediasoup';
import { mediaCodecs } from '../../src/sfu/codecs.ts';
import { fromWireRtpCapabilities, fromWireRtpParameters, toWireRtpCapabilities } from '../../src/sfu/rtp-wire.ts';
import type { IceTarget } from '../receiver/load.ts';
import { dtlsClient, iceTarget, publisherRtpParameters, type Subject, subscriberCapabilities } from './subject.ts';

/** mediasoup as its documentation shows it, with nothing around it: a worker, a WebRtcServer, a router. */
export async function createBareSubject(): Promise<Subject> {
  const worker = await createWorker({ logLevel: 'error' });
  const webRtcServer = await worker.createWebRtcServer({
    listenInfos: [
      { protocol: 'udp', ip: '127.0.0.1' },
      { protocol: 'tcp', ip: '127.0.0.1' },
    ],
  });
  let router: types.Router | undefined;
  let producer: types.Producer | undefined;
  const consumers = new Map<number, types.Consumer>();

  const openTransport = async (fingerprint: string): Promise<{ transport: types.WebRtcTransport; target: IceTarget }> => {
    if (router === undefined) throw new Error('no room is open');
    const transport = await router.createWebRtcTransport({ webRtcServer, enableUdp: true, enableTcp: true, preferUdp: true });
    await transport.connect({ dtlsParameters: dtlsClient(fingerprint) });
    return { transport, target: iceTarget(transport.iceParameters, transport.iceCandidates) };
  };

  return {
    workerPid: worker.pid,
    async openRoom() {
      router = await worker.createRouter({ mediaCodecs });
    },
    async addPublisher(fingerprint) {
      const { transport, target } = await openTransport(fingerprint);
      producer = await transport.produce({ kind: 'video', rtpParameters: fromWireRtpParameters(publisherRtpParameters) });
      return target;
    },
    async addSubscriber(subscriberId, fingerprint) {
      if (router === undefined || producer === undefined) throw new Error('nothing is published');
      const { transport, target } = await openTransport(fingerprint);
      const consumer = await transport.consume({
        producerId: producer.id,
        rtpCapabilities: fromWireRtpCapabilities(subscriberCapabilities(toWireRtpCapabilities(router.rtpCapabilities))),
        paused: true,
      });
      consumers.set(subscriberId, consumer);
      return target;
    },
    async resumeSubscriber(subscriberId) {
      await consumers.get(subscriberId)?.resume();
    },
    async closeRoom() {
      consumers.clear();
      router?.close();
    },
    async close() {
      const { promise, resolve } = Promise.withResolvers<void>();
      worker.once('subprocessclose', resolve);
      worker.close();
      await promise;
    },
  };
}
