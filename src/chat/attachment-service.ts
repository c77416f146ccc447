import { RateLimiterRes } from 'rate-limiter-flexible';
import type { CreateLimiter } from '../cluster/limiters.ts';
import { audit } from '../db/audit-log.ts';
import type { Database, Sql, Transaction } from '../db/database.ts';
import { addJobIn } from '../jobs/job-queue.ts';
import type { Logger } from '../log.ts';
import { type UploadFields, uploadFields } from '../protocol/attachment.ts';
import type { Attachment } from '../protocol/chat.ts';
import { AppError } from '../protocol/errors.ts';
import { BlobError, type ByteRange } from '../storage/blob-store.ts';
import type { OpenSealedBlob, SealedStore } from '../storage/sealed.ts';
import { createAttachmentJobs } from './attachment-jobs.ts';
import * as store from './attachment-store.ts';
import { createUploader, type IncomingFile, type StoredFile, toAppError } from './attachment-upload.ts';
import type { Chatter } from './membership.ts';
import type { VirusScanner } from './virus-scan.ts';

/** A part of an upload's form, in the order it comes. */
export type FormPart = { readonly field: string; readonly value: string } | { readonly file: IncomingFile };

/** A stored file and how to read it. */
export interface Download {
  readonly attachment: Attachment;
  /** Plain bytes of the whole. */
  readonly size: number;
  /** What the bytes are; of a thumbnail always the same. */
  readonly mediaType: string;
  /** A strong validator of the bytes (RFC 9110, section 8.8.3), in quotes. */
  readonly etag: string;
  /** Opens the bytes, or a range of them. Errors: `chat.storage_unavailable`, on the stream too. */
  open(range?: ByteRange): Promise<OpenSealedBlob>;
}

/** What a claim is about: files that somebody wants to send. */
export interface Claim {
  readonly ownerId: string;
  readonly conversationId: string;
  readonly attachmentIds: readonly string[];
}

export type AttachmentService = ReturnType<typeof createAttachmentService>;

const hourSeconds = 3600;

/** An attachment as the wire has it. */
export function toAttachment(row: store.AttachmentRow): Attachment {
  return {
    attachmentId: row.attachmentId,
    name: row.name,
    kind: row.kind,
    mediaType: row.mediaType,
    bytes: row.bytes,
    ...(row.width !== null && { width: row.width }),
    ...(row.height !== null && { height: row.height }),
    ...(row.durationMs !== null && { durationSeconds: row.durationMs / 1000 }),
    hasThumbnail: row.thumbnailBlobKey !== null,
  };
}

/** Rules about files: who may store, read, send and delete them. */
export function createAttachmentService(parts: {
  db: Database;
  blobs: SealedStore;
  log: Logger;
  /** undefined: files are not scanned. */
  scanner: VirusScanner | undefined;
  /** 0 turns a limit off. */
  limits: { attachmentBytes: number; attachmentsPerMessage: number; filesPerHour: number };
  /** Whether somebody, with the token they show, may see what is in a conversation. */
  isMember: (conversationId: string, chatter: Chatter) => Promise<boolean>;
  /** The conversation beside a call; undefined when there is no such call. */
  conversationOfCall: (callId: string) => Promise<string | undefined>;
  createLimiter: CreateLimiter;
}) {
  const { db, blobs, log, scanner, limits, isMember, conversationOfCall, createLimiter } = parts;
  const uploader = createUploader({ db, blobs, scanner, maxBytes: limits.attachmentBytes, log });
  const hourly = createLimiter('files', { points: limits.filesPerHour, durationSeconds: hourSeconds });

  async function countFile(userId: string): Promise<void> {
    try {
      await hourly?.consume(userId);
    } catch (reason) {
      if (!(reason instanceof RateLimiterRes)) throw reason;
      throw new AppError('protocol.rate_limited', { details: { retryAfterMs: Math.ceil(reason.msBeforeNext) } });
    }
  }

  /** For whom a file is, checked. Errors: `chat.conversation_not_found`, `call.not_found`, for strangers too. */
  async function targetOf(actor: Chatter, { access, conversationId, callId }: UploadFields) {
    if (access === 'private') return { access, conversationId: null, callId: null };
    if (callId !== undefined) {
      const conversation = await conversationOfCall(callId);
      if (conversation === undefined || !(await isMember(conversation, actor))) throw new AppError('call.not_found');
      return { access, conversationId: conversation, callId };
    }
    if (conversationId === undefined || !(await isMember(conversationId, actor))) throw new AppError('chat.conversation_not_found');
    return { access, conversationId, callId: null };
  }

  /** An attachment for somebody who may read it. Errors: `chat.attachment_not_found`, for strangers too. Admins may, and it is written down. */
  async function getReadable(actor: Chatter, attachmentId: string): Promise<store.AttachmentRow> {
    const row = await store.findAttachment(db.sql, attachmentId);
    if (!row) throw new AppError('chat.attachment_not_found');
    if (await isReader(row, actor)) return row;
    if (actor.role !== 'admin' || actor.onlyRoomId !== undefined) throw new AppError('chat.attachment_not_found');
    await audit(db.sql, { actor, action: 'attachment.read', subject: attachmentId, details: { ownerId: row.ownerId } });
    return row;
  }

  async function isReader(row: store.AttachmentRow, chatter: Chatter): Promise<boolean> {
    const { userId } = chatter;
    if (row.conversationId !== null) {
      if (await isMember(row.conversationId, chatter)) return true;
      // A file for a conversation that the token does not reach is out of its reach, too.
      if (chatter.onlyRoomId !== undefined) return false;
    }
    if (row.messageId === null && row.ownerId === userId) return true;
    return row.kind === 'image' && row.messageId === null && (await store.isPictureFor(db.sql, row.attachmentId, userId));
  }

  function download(row: store.AttachmentRow, of: { blobKey: string; size: number; mediaType: string; etag: string }): Download {
    const { blobKey, ...shown } = of;
    return {
      attachment: toAttachment(row),
      ...shown,
      open: async (range) => {
        try {
          return await blobs.open(blobKey, { expectedBytes: of.size, ...(range && { range }) });
        } catch (error) {
          const { attachmentId } = row;
          if (error instanceof BlobError) log.error({ err: error, attachmentId, reason: error.reason }, 'a stored file cannot be read');
          throw toAppError(error);
        }
      },
    };
  }

  /** Those of a claim, in its order, all fit to be sent. */
  async function getClaimable(sql: Sql | Transaction, { ownerId, conversationId, attachmentIds }: Claim, lock: boolean) {
    const { attachmentsPerMessage: most } = limits;
    if (most > 0 && attachmentIds.length > most) throw invalid('attachmentIds', `at most ${most} files`);
    if (new Set(attachmentIds).size < attachmentIds.length) throw invalid('attachmentIds', 'a file comes twice');
    const found = await store.findAttachments(sql, attachmentIds, { lock });
    return attachmentIds.map((attachmentId) => {
      const row = found.find((candidate) => candidate.attachmentId === attachmentId);
      const isFit = row?.ownerId === ownerId && row.messageId === null && (row.conversationId ?? conversationId) === conversationId;
      if (!row || !isFit) throw new AppError('chat.attachment_not_found', { details: { attachmentId } });
      return row;
    });
  }

  return {
    jobs: createAttachmentJobs({ db, blobs, log }),

    /**
     * Stores the file of a form; its other fields may come before or after it. Nothing is left of what fails. Errors: `protocol.rate_limited`, `protocol.invalid_payload`, those of {@link targetOf} and of the {@link createUploader | uploader}.
     */
    async upload(actor: Chatter, form: AsyncIterable<FormPart>): Promise<Attachment> {
      await countFile(actor.userId);
      const given: Record<string, string> = {};
      let stored: StoredFile | undefined;
      try {
        for await (const part of form) {
          if ('field' in part) {
            if (Object.hasOwn(given, part.field)) throw invalid(part.field, 'comes twice');
            given[part.field] = part.value;
          } else {
            if (stored) throw invalid('file', 'comes twice');
            // What is known to be refused need not be stored first.
            const early = uploadFields.safeParse(given);
            if (early.success) await targetOf(actor, early.data);
            stored = await uploader.store(part.file);
          }
        }
        if (!stored) throw invalid('file', 'is missing');
        const file = stored;
        const fields = parseFields(given);
        const target = await targetOf(actor, fields);
        const expiresAt = fields.expiresAt === undefined ? null : new Date(fields.expiresAt);
        const row = await db.transaction(async (tx) => {
          await uploader.keep(tx, file);
          return await store.insertAttachment(tx, { ...file, ...target, ownerId: actor.userId, expiresAt });
        });
        return toAttachment(row);
      } catch (error) {
        if (stored) await uploader.discard(stored);
        // What was not the user's fault, a lost connection above all, does not use up their hour.
        if (!(error instanceof AppError) || error.status >= 500) await hourly?.reward(actor.userId);
        throw error;
      }
    },

    /** What a file is. Errors: `chat.attachment_not_found`. */
    async get(actor: Chatter, attachmentId: string): Promise<Attachment> {
      return toAttachment(await getReadable(actor, attachmentId));
    },

    /** A file to read. Errors: `chat.attachment_not_found`. */
    async getContent(actor: Chatter, attachmentId: string): Promise<Download> {
      const row = await getReadable(actor, attachmentId);
      const { blobKey, bytes: size, mediaType, sha256 } = row;
      return download(row, { blobKey, size, mediaType, etag: `"${sha256}"` });
    },

    /** A picture of at most 320 pixels to read, WebP. Errors: `chat.attachment_not_found`, also for files without one. */
    async getThumbnail(actor: Chatter, attachmentId: string): Promise<OpenSealedBlob & { etag: string }> {
      const row = await getReadable(actor, attachmentId);
      if (row.thumbnailBlobKey === null) throw new AppError('chat.attachment_not_found');
      try {
        return { ...(await blobs.open(row.thumbnailBlobKey)), etag: `"${row.sha256}-320"` };
      } catch (error) {
        throw toAppError(error);
      }
    },

    /** Deletes a file of one's own that was not sent. Errors: `chat.attachment_not_found`, `chat.attachment_sent`. */
    async remove(actor: Chatter, attachmentId: string): Promise<void> {
      await db.transaction(async (tx) => {
        const row = await store.findAttachment(tx, attachmentId);
        if (row?.ownerId !== actor.userId) throw new AppError('chat.attachment_not_found');
        const removed = await store.deleteUnsent(tx, attachmentId);
        if (!removed) throw new AppError('chat.attachment_sent');
        await addJobIn(tx, 'attachments:deleteBlobs', { blobKeys: store.blobKeysOf(removed) });
      });
    },

    /** Errors: those of {@link claimForMessage}. Locks and changes nothing. */
    async assertClaimable(sql: Sql | Transaction, claim: Claim): Promise<void> {
      await getClaimable(sql, claim, false);
    },

    /**
     * Makes files a message's, in the transaction that inserts it and after it; whoever is in the conversation may read them from then on. Throws before
     * it changes anything. Errors: `protocol.invalid_payload` for too many or one twice; `chat.attachment_not_found` for a file that is missing, another's,
     * sent already, expired, or uploaded for another conversation.
     */
    async claimForMessage(tx: Transaction, claim: Claim & { messageId: string }): Promise<Attachment[]> {
      if (claim.attachmentIds.length === 0) return [];
      const rows = await getClaimable(tx, claim, true);
      await store.attachToMessage(tx, claim);
      return rows.map(toAttachment);
    },

    /** The files of messages by message id, each message's in order; messages without any are not in the map. */
    async findForMessages(sql: Sql | Transaction, messageIds: readonly string[]): Promise<Map<string, Attachment[]>> {
      const rows = await store.findAttachmentsOf(sql, messageIds);
      const byMessage = Map.groupBy(rows, (row) => row.messageId ?? '');
      return new Map([...byMessage].map(([messageId, group]) => [messageId, group.map(toAttachment)]));
    },

    /** Destroys the files of messages that are deleted for everyone: their rows now, their blobs by a job once `tx` has committed. */
    async releaseForMessages(tx: Transaction, messageIds: readonly string[]): Promise<void> {
      const blobKeys = await store.deleteAttachmentsOf(tx, messageIds);
      if (blobKeys.length > 0) await addJobIn(tx, 'attachments:deleteBlobs', { blobKeys });
    },

    /** Whether a file can be a conversation's picture: a picture of one's own that was not sent. Errors: `chat.attachment_not_found`. */
    async assertMayUseAsAvatar(userId: string, attachmentId: string): Promise<void> {
      const row = await store.findAttachment(db.sql, attachmentId);
      const isFit = row?.kind === 'image' && row.ownerId === userId && row.messageId === null && row.expiresAt === null;
      if (!isFit) throw new AppError('chat.attachment_not_found', { details: { attachmentId } });
    },
  };
}

function parseFields(given: Record<string, string>): UploadFields {
  const parsed = uploadFields.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.code === 'unrecognized_keys' ? (issue.keys[0] ?? '') : (issue?.path.join('.') ?? '');
  throw invalid(field, issue?.message ?? 'is not valid');
}

function invalid(field: string, message: string): AppError {
  return new AppError('protocol.invalid_payload', { details: { field, issues: [{ field, message }] } });
}
