import { Decoder } from 'socket.io-parser';

const sizes = new WeakMap<object, number>();

/**
 * socket.io's decoder, noting how many bytes each event took on the wire, so that nothing has to be encoded again to be measured. An event of
 * more than `maxBytes`, its attachments together, ends the connection before it is held whole.
 */
export function measuringDecoder(maxBytes: number) {
  return class MeasuringDecoder extends Decoder {
    #bytes = 0;

    constructor() {
      super();
      this.on('decoded', ({ data }) => {
        if (typeof data === 'object' && data !== null) sizes.set(data, this.#bytes);
        this.#bytes = 0;
      });
    }

    override add(chunk: string | Buffer): void {
      this.#bytes += Buffer.byteLength(chunk);
      // What a decoder throws makes socket.io close the connection.
      if (this.#bytes > maxBytes) throw new Error('the event is too large');
      super.add(chunk);
    }
  };
}

/** Bytes on the wire of an event, given its array of arguments as socket.io's middleware sees it. */
export function payloadSize(packet: readonly unknown[]): number {
  return sizes.get(packet) ?? 0;
}
