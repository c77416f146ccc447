import { z } from 'zod';
import { AppError } from '../protocol/errors.ts';

/** Where a page ended: a time, and an id among things of the same time. */
export interface Cursor {
  readonly at: Date;
  readonly id: string;
}

const shape = z.tuple([z.iso.datetime({ precision: 3 }), z.uuid()]);

/** Opaque to clients. */
export function encodeCursor({ at, id }: Cursor): string {
  return Buffer.from(JSON.stringify([at.toISOString(), id])).toString('base64url');
}

/** Errors: `protocol.invalid_payload` for anything that `encodeCursor` did not make. */
export function decodeCursor(cursor: string): Cursor {
  try {
    const [at, id] = shape.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    return { at: new Date(at), id };
  } catch (error) {
    throw new AppError('protocol.invalid_payload', { details: { field: 'cursor' }, cause: error });
  }
}
