import { ZipArchive } from 'archiver';
import { create as contentDisposition } from 'content-disposition';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { AppError } from '../../protocol/errors.ts';
import { namedId } from '../../protocol/ids.ts';
import {
  compositionSettings,
  consentReceipts,
  consentText,
  createLinkBody,
  languageTag,
  listRecordingsQuery,
  recording,
  recordingLink,
  recordingPage,
  setTextBody,
} from '../../protocol/recording.ts';
import type { ConsentTexts } from '../../recording/consent-texts.ts';
import type { RecordingDownload, RecordingLibrary } from '../../recording/recording-library.ts';
import type { Authenticate } from '../authenticate.ts';
import { readRange } from '../byte-range.ts';
import type { HttpServer } from '../http-server.ts';
import { bytes, sendDownload } from '../send-download.ts';

/** `/recordings`. */
export function registerRecordingRoutes(
  server: HttpServer,
  { authenticate, library, texts }: { authenticate: Authenticate; library: RecordingLibrary; texts: ConsentTexts },
): void {
  const tags = ['recordings'];
  const params = z.object({ recordingId: namedId });
  const streamed = { 200: bytes, 206: bytes, 304: bytes };
  const download = z.object({ download: z.stringbool().default(false) });

  /** Browsers play what is inline, and keep what is an attachment under its name. */
  function named(reply: FastifyReply, { name }: RecordingDownload, isDownload: boolean): FastifyReply {
    return reply.header('Content-Disposition', contentDisposition(name, { type: isDownload ? 'attachment' : 'inline' }));
  }

  server.get(
    '/api/v1/recordings',
    { schema: { tags, querystring: listRecordingsQuery, response: { 200: recordingPage } } },
    async (request) => library.list(await authenticate(request), request.query),
  );

  server.get(
    '/api/v1/recordings/texts',
    { schema: { tags, response: { 200: z.object({ texts: z.array(consentText) }) } } },
    async (request) => {
      await authenticate(request);
      return { texts: await texts.list() };
    },
  );

  server.put(
    '/api/v1/recordings/texts/:language',
    { schema: { tags, params: z.object({ language: languageTag }), body: setTextBody, response: { 200: consentText } } },
    async (request) => texts.set(await authenticate(request), request.params.language, request.body.text),
  );

  server.get(
    '/api/v1/recordings/links/:link',
    {
      schema: {
        tags,
        description: 'Opens a signed link without a token. Each request for the beginning counts as one use.',
        security: [],
        params: z.object({ link: z.string().max(300) }),
        querystring: download,
        response: streamed,
      },
    },
    async (request, reply) => {
      // Where the file ends is not known yet; where the range begins can be told without.
      const range = readRange(request.headers, { size: Number.MAX_SAFE_INTEGER, etag: request.headers['if-range']?.toString() ?? '' });
      const isContinued = typeof range !== 'string' && range.start > 0;
      const file = await library.openLink(request.params.link, request.ip, isContinued);
      return await sendDownload(request, named(reply, file, request.query.download), file);
    },
  );

  server.get('/api/v1/recordings/:recordingId', { schema: { tags, params, response: { 200: recording } } }, async (request) =>
    library.get(await authenticate(request), request.params.recordingId),
  );

  server.delete('/api/v1/recordings/:recordingId', { schema: { tags, params, response: { 204: z.null() } } }, async (request, reply) => {
    await library.remove(await authenticate(request), request.params.recordingId);
    return reply.status(204).send(null);
  });

  for (const [address, kind] of [
    ['content', 'composite'],
    ['poster', 'poster'],
    ['speakers.vtt', 'speakers'],
  ] as const) {
    server.get(
      `/api/v1/recordings/:recordingId/${address}`,
      { schema: { tags, params, querystring: download, response: streamed } },
      async (request, reply) => {
        const file = await library.getContent(await authenticate(request), request.params.recordingId, kind);
        return await sendDownload(request, named(reply, file, request.query.download), file);
      },
    );
  }

  server.get(
    '/api/v1/recordings/:recordingId/tracks/:trackId/content',
    {
      schema: {
        tags,
        params: params.extend({ trackId: namedId }),
        querystring: download.extend({ part: z.coerce.number().int().min(0).max(100_000).default(0) }),
        response: streamed,
      },
    },
    async (request, reply) => {
      const { recordingId, trackId } = request.params;
      const file = await library.getTrack(await authenticate(request), recordingId, trackId, request.query.part);
      return await sendDownload(request, named(reply, file, request.query.download), file);
    },
  );

  server.get(
    '/api/v1/recordings/:recordingId/archive',
    { schema: { tags, params, response: { 200: bytes }, description: 'All tracks and the timeline, as a ZIP file.' } },
    async (request, reply) => {
      const { recordingId } = request.params;
      const entries = await library.getArchive(await authenticate(request), recordingId);
      const archive = new ZipArchive({ store: true });
      reply.type('application/zip').header('Content-Disposition', contentDisposition(`recording-${recordingId}.zip`));
      // The next file is opened once the one before has gone through, at the reader's pace.
      void fillArchive(archive, entries).catch((error: unknown) =>
        archive.destroy(error instanceof Error ? error : new Error(String(error))),
      );
      return reply.send(archive);
    },
  );

  server.get(
    '/api/v1/recordings/:recordingId/consents',
    { schema: { tags, params, response: { 200: consentReceipts } } },
    async (request) => ({ receipts: await library.receipts(await authenticate(request), request.params.recordingId) }),
  );

  server.post(
    '/api/v1/recordings/:recordingId/links',
    { schema: { tags, params, body: createLinkBody.nullish(), response: { 201: recordingLink } } },
    async (request, reply) => {
      const link = await library.createLink(await authenticate(request), request.params.recordingId, request.body ?? {});
      return reply.status(201).send(link);
    },
  );

  server.post(
    '/api/v1/recordings/:recordingId/compose',
    { schema: { tags, params, body: compositionSettings, response: { 202: recording } } },
    async (request, reply) =>
      reply.status(202).send(await library.recompose(await authenticate(request), request.params.recordingId, request.body)),
  );

  for (const [method, isHeld] of [
    ['PUT', true],
    ['DELETE', false],
  ] as const) {
    server.route({
      method,
      url: '/api/v1/recordings/:recordingId/hold',
      schema: { tags, params, response: { 200: recording } },
      handler: async (request) => library.setHold(await authenticate(request), request.params.recordingId, isHeld),
    });
  }
}

/** Puts one file after the other into an archive; whoever reads it may go at any time. */
async function fillArchive(archive: ZipArchive, entries: readonly { name: string; file: RecordingDownload }[]): Promise<void> {
  let onClosed = () => {};
  archive.once('close', () => onClosed());
  for (const { name, file } of entries) {
    const { stream } = await file.open();
    if (archive.destroyed) return void stream.destroy();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    onClosed = () => {
      stream.destroy();
      reject(new AppError('recording.storage_unavailable'));
    };
    archive.once('entry', () => resolve());
    stream.once('error', reject);
    archive.append(stream, { name });
    await promise;
  }
  await archive.finalize();
}
