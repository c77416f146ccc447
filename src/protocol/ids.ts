import { z } from 'zod';

/** An id that Parley made: a UUID (version 7, so that ids sort by time). Written in capitals it is the same one. */
export const uuid = z.uuid().toLowerCase();

/** An id that a client names. Whatever its form, what does not exist is not found, as is what is somebody else's. */
export const namedId = z.string().min(1).max(64);

/** A user's id, taken from the token's `sub`: the host application owns its form within these bounds. */
export const userId = z.string().regex(/^[A-Za-z0-9._:@-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 . _ : @ -');

/** An id of mediasoup's (transport, producer, consumer). */
export const mediaId = z.string().min(1).max(64);

/** What may be left out, or be null as the server itself says it. */
export const maybe = <T extends z.ZodType>(schema: T) =>
  schema
    .nullish()
    .transform((value) => value ?? undefined)
    .optional();

/** A time on the wire: ISO 8601, UTC, milliseconds. */
export const timestamp = z.iso.datetime({ precision: 3 });

const firstTime = Date.parse('0001-01-01T00:00:00.000Z');
const lastTime = Date.parse('9999-12-31T23:59:59.999Z');
/** A time as clients may write it: any ISO 8601 date and time with an offset, of the years 1 to 9999 in UTC. */
export const timestampInput = z.iso.datetime({ offset: true }).refine((text) => {
  const time = Date.parse(text);
  return time >= firstTime && time <= lastTime;
}, 'must be of the years 1 to 9999');

/** What a user is to the host application. */
export const role = z.enum(['patient', 'provider', 'admin', 'service']);
export type Role = z.infer<typeof role>;

/** What a producer shows or sounds. */
export const source = z.enum(['microphone', 'camera', 'screen', 'screenAudio']);
export type Source = z.infer<typeof source>;
export const allSources: readonly Source[] = source.options;

/** A kind of media. */
export const mediaKind = z.enum(['audio', 'video']);
export type MediaKind = z.infer<typeof mediaKind>;

/** Text that is kept as it is; PostgreSQL takes every character but NUL, and no half of a surrogate pair. */
export const plainText = (minLength: number, maxLength: number) =>
  z
    .string()
    .trim()
    .min(minLength)
    .max(maxLength)
    .refine((text) => !text.includes('\0'), 'must not contain NUL')
    .refine((text) => text.isWellFormed(), 'must be well-formed Unicode');
