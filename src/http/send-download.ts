import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppError } from '../protocol/errors.ts';
import { isUnchanged, readRange } from './byte-range.ts';

/** A stored file that is sent. */
export interface SentFile {
  /** Bytes of the whole. */
  readonly size: number;
  readonly mediaType: string;
  /** A strong validator of the bytes (RFC 9110, section 8.8.3), in quotes. */
  readonly etag: string;
  open(range?: { readonly start: number; readonly end: number }): Promise<{ readonly stream: Readable }>;
}

/** A file's bytes, which are streamed and described by no schema. */
export const bytes = z.any();

/** The body of an answer to HEAD: as a stream, because otherwise its length would go for the content's. */
export const noBytes = () => Readable.from([]);

/** Headers of stored files: kept by the reader's own browser alone, taken for what it is said to be, and never run. */
export function protect(reply: FastifyReply, etag: string): FastifyReply {
  return reply.headers({
    ETag: etag,
    'Cache-Control': 'private, max-age=0, must-revalidate',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; sandbox",
  });
}

/** Sends a stored file, or the range of it that is asked for, or that it has not changed. Errors: `protocol.range_not_satisfiable`. */
export async function sendDownload(request: FastifyRequest, reply: FastifyReply, file: SentFile): Promise<FastifyReply> {
  const { size, mediaType, etag, open } = file;
  protect(reply, etag).header('Accept-Ranges', 'bytes');
  if (isUnchanged(request.headers['if-none-match'], etag)) return reply.status(304).send();
  const range = readRange(request.headers, { size, etag });
  if (range === 'unsatisfiable') {
    reply.header('Content-Range', `bytes */${size}`);
    throw new AppError('protocol.range_not_satisfiable');
  }
  const { start, end } = range === 'whole' ? { start: 0, end: size - 1 } : range;
  if (range !== 'whole') reply.status(206).header('Content-Range', `bytes ${start}-${end}/${size}`);
  reply.header('Content-Length', end - start + 1).type(mediaType);
  if (request.method === 'HEAD') return reply.send(noBytes());
  return reply.send((await open(range === 'whole' ? undefined : range)).stream);
}
