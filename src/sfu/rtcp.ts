/** Packet types of RFC 3550, section 12.1. */
const senderReportType = 200;
const goodbyeType = 203;
const version = 0x80;
/** Seconds from 1900, where NTP begins, to 1970. */
const ntpEpochSeconds = 2_208_988_800;

/** Which moment an RTP time of a stream stands for. */
export interface SenderReport {
  ssrc: number;
  rtpTime: number;
  /** Milliseconds since 1970. */
  atMs: number;
}

/** A sender report without counts (RFC 3550, section 6.4.1). */
export function senderReport({ ssrc, rtpTime, atMs }: SenderReport): Buffer {
  const packet = Buffer.alloc(28);
  packet.writeUInt8(version, 0);
  packet.writeUInt8(senderReportType, 1);
  packet.writeUInt16BE(packet.length / 4 - 1, 2);
  packet.writeUInt32BE(ssrc, 4);
  const seconds = Math.floor(atMs / 1_000);
  packet.writeUInt32BE((seconds + ntpEpochSeconds) % 2 ** 32, 8);
  packet.writeUInt32BE(Math.floor((atMs / 1_000 - seconds) * 2 ** 32), 12);
  packet.writeUInt32BE(rtpTime, 16);
  return packet;
}

/** The end of a stream (RFC 3550, section 6.6), behind a report as in every compound packet: readers pass over one that is shorter than an RTP header. */
export function goodbye(report: SenderReport): Buffer {
  const packet = Buffer.alloc(8);
  packet.writeUInt8(version | 1, 0);
  packet.writeUInt8(goodbyeType, 1);
  packet.writeUInt16BE(packet.length / 4 - 1, 2);
  packet.writeUInt32BE(report.ssrc, 4);
  return Buffer.concat([senderReport(report), packet]);
}

/** The sender report that a compound packet begins with, if it does. Its seconds are taken to be of 1968 to 2104. */
export function readSenderReport(packet: Buffer): SenderReport | undefined {
  if (packet.length < 20 || packet.readUInt8(1) !== senderReportType) return undefined;
  const ntpSeconds = packet.readUInt32BE(8);
  const seconds = (ntpSeconds < 2 ** 31 ? ntpSeconds + 2 ** 32 : ntpSeconds) - ntpEpochSeconds;
  const atMs = seconds * 1_000 + (packet.readUInt32BE(12) / 2 ** 32) * 1_000;
  return { ssrc: packet.readUInt32BE(4), rtpTime: packet.readUInt32BE(16), atMs };
}
