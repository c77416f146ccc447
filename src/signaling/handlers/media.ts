import type { MediaService } from '../../rooms/media-service.ts';
import { done, type Handlers, type RequestsOf } from '../dispatch.ts';

/** `media:*`. */
export function createMediaHandlers({ media }: { media: MediaService }): Handlers<RequestsOf<'media'>> {
  return {
    'media:createTransport': ({ sessionId }, payload) => media.createTransport(sessionId, payload),
    'media:connectTransport': done(({ sessionId }, payload) => media.connectTransport(sessionId, payload)),
    'media:restartIce': ({ sessionId }, payload) => media.restartIce(sessionId, payload),
    'media:produce': ({ sessionId }, payload) => media.produce(sessionId, payload),
    'media:pauseProducer': done(({ sessionId }, { producerId }) => media.pauseProducer(sessionId, producerId)),
    'media:resumeProducer': done(({ sessionId }, { producerId }) => media.resumeProducer(sessionId, producerId)),
    'media:closeProducer': done(({ sessionId }, { producerId }) => media.closeProducer(sessionId, producerId)),
    'media:consume': ({ sessionId }, payload) => media.consume(sessionId, payload),
    'media:resumeConsumer': done(({ sessionId }, { consumerId }) => media.resumeConsumer(sessionId, consumerId)),
    'media:pauseConsumer': done(({ sessionId }, { consumerId }) => media.pauseConsumer(sessionId, consumerId)),
    'media:closeConsumer': done(({ sessionId }, { consumerId }) => media.closeConsumer(sessionId, consumerId)),
    'media:requestKeyFrame': done(({ sessionId }, { consumerId }) => media.requestKeyFrame(sessionId, consumerId)),
    'media:setPreferredLayers': done(({ sessionId }, payload) => media.setPreferredLayers(sessionId, payload)),
    'media:setPriority': done(({ sessionId }, payload) => media.setPriority(sessionId, payload)),
    'media:produceData': ({ sessionId }, payload) => media.produceData(sessionId, payload),
    'media:consumeData': ({ sessionId }, payload) => media.consumeData(sessionId, payload),
  };
}
