import multipart from '@fastify/multipart';
import { create as contentDisposition } from 'content-disposition';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AttachmentService, FormPart } from '../../chat/attachment-service.ts';
import { attachment } from '../../protocol/chat.ts';
import { AppError } from '../../protocol/errors.ts';
import { uuid } from '../../protocol/ids.ts';
import type { Authenticate } from '../authenticate.ts';
import { isUnchanged } from '../byte-range.ts';
import type { HttpServer } from '../http-server.ts';
import { bytes, noBytes, protect, sendDownload } from '../send-download.ts';

/** What a form is longer than its file, at the most. */
const formBytes = 64 * 1024;
/** An upload that stands still this long has ended. */
const stallMs = 120_000;
/** What is still taken of a refused upload, so that the answer is read and not lost with the connection. */
const drainMs = 30_000;
/** What browsers show by themselves without running anything in it. */
const shownInline = /^(image|audio|video)\/|^application\/pdf$/;

/** `/attachments`. */
export async function registerAttachmentRoutes(
  server: HttpServer,
  { authenticate, attachments, maxBytes }: { authenticate: Authenticate; attachments: AttachmentService; maxBytes: number },
): Promise<void> {
  const tags = ['attachments'];
  const params = z.object({ attachmentId: uuid });
  // The service counts the file's bytes, so that one that is too large is told from one that is cut.
  await server.register(multipart, {
    limits: { fileSize: Number.POSITIVE_INFINITY, fieldNameSize: 100, fieldSize: 1_000, fields: 10, files: 2, parts: 12, headerPairs: 20 },
    throwFileSizeLimit: false,
  });

  server.post(
    '/api/v1/attachments',
    {
      schema: {
        tags,
        consumes: ['multipart/form-data'],
        description:
          'Fields: `file`, and before or after it `access` (`private`, `conversation`, `call`), `conversationId` or `callId`, `expiresAt`.',
        response: { 201: attachment },
      },
      onError: (request, _reply, _error, done) => {
        drain(request);
        done();
      },
    },
    async (request, reply) => {
      const caller = await authenticate(request);
      if (!request.isMultipart())
        throw new AppError('protocol.unsupported_media_type', { message: 'Files are sent as multipart/form-data.' });
      if (maxBytes > 0 && Number(request.headers['content-length'] ?? 0) > maxBytes + formBytes) {
        throw new AppError('protocol.too_large', { message: 'The file is too large.', details: { limitBytes: maxBytes } });
      }
      request.raw.setTimeout(stallMs, () => request.raw.destroy());
      return reply.status(201).send(await attachments.upload(caller, formOf(request)));
    },
  );

  server.get('/api/v1/attachments/:attachmentId', { schema: { tags, params, response: { 200: attachment } } }, async (request) =>
    attachments.get(await authenticate(request), request.params.attachmentId),
  );

  server.get(
    '/api/v1/attachments/:attachmentId/content',
    {
      schema: {
        tags,
        params,
        querystring: z.object({ inline: z.stringbool().default(false) }),
        response: { 200: bytes, 206: bytes, 304: bytes },
      },
    },
    async (request, reply) => {
      const {
        attachment: file,
        size,
        mediaType,
        etag,
        open,
      } = await attachments.getContent(await authenticate(request), request.params.attachmentId);
      const type = request.query.inline && shownInline.test(mediaType) ? 'inline' : 'attachment';
      reply.header('Content-Disposition', contentDisposition(file.name, { type }));
      return await sendDownload(request, reply, { size, mediaType, etag, open });
    },
  );

  server.get(
    '/api/v1/attachments/:attachmentId/thumbnail',
    { schema: { tags, params, response: { 200: bytes, 304: bytes } } },
    async (request, reply) => {
      const { stream, size, etag } = await attachments.getThumbnail(await authenticate(request), request.params.attachmentId);
      protect(reply, etag).header('Content-Length', size).type('image/webp');
      if (request.method === 'HEAD' || isUnchanged(request.headers['if-none-match'], etag)) {
        stream.destroy();
        return request.method === 'HEAD' ? reply.send(noBytes()) : reply.removeHeader('Content-Length').status(304).send();
      }
      return reply.send(stream);
    },
  );

  server.delete('/api/v1/attachments/:attachmentId', { schema: { tags, params, response: { 204: z.null() } } }, async (request, reply) => {
    await attachments.remove(await authenticate(request), request.params.attachmentId);
    return reply.status(204).send(null);
  });
}

/**
 * The parts of a form as they come. Errors: `protocol.invalid_payload` for what is no form, or ends in the middle; a lost connection throws as the
 * library does.
 */
async function* formOf(request: FastifyRequest): AsyncGenerator<FormPart, void> {
  for await (const part of checked(request, request.parts())) {
    if (part.type === 'file') {
      if (part.fieldname !== 'file') throw invalidField(part.fieldname);
      // Browsers write a quote in a name so (WHATWG HTML, multipart/form-data encoding).
      yield { file: { name: (part.filename ?? '').replaceAll('%22', '"'), bytes: checked<Buffer>(request, part.file) } };
    } else {
      if (typeof part.value !== 'string' || part.valueTruncated || part.fieldnameTruncated) throw invalidField(part.fieldname);
      yield { field: part.fieldname, value: part.value };
    }
  }
}

/** The parser's errors have no code of their own: when the request came whole, they mean that the form is wrong. */
async function* checked<T>({ raw }: FastifyRequest, source: AsyncIterable<T>): AsyncGenerator<T, void> {
  try {
    yield* source;
  } catch (cause) {
    if (cause instanceof AppError || !raw.complete) throw cause;
    throw new AppError('protocol.invalid_payload', { message: 'The form is malformed.', cause });
  }
}

const invalidField = (field: string) => new AppError('protocol.invalid_payload', { details: { field } });

/** Takes and drops what is left of a request for a while. A connection that is closed on bytes under way loses the answer too (RFC 9112, section 9.6). */
function drain({ raw }: FastifyRequest): void {
  if (raw.readableEnded || raw.destroyed) return;
  raw.unpipe();
  raw.resume();
  const timer = setTimeout(() => raw.destroy(), drainMs).unref();
  raw.once('close', () => clearTimeout(timer));
}
