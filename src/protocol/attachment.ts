import { z } from 'zod';
import { attachmentAccess } from './chat.ts';
import { timestampInput, uuid } from './ids.ts';

/**
 * What a form says beside its `file`, before or after it: for whom the file is (its owner alone, unless told), and until when it is kept. A private file
 * becomes the conversation's when it is sent.
 */
export const uploadFields = z
  .strictObject({
    access: attachmentAccess.default('private'),
    /** With `access` `conversation`. */
    conversationId: uuid.optional(),
    /** With `access` `call`. */
    callId: uuid.optional(),
    /** In the future; the file is removed then, sent or not. */
    expiresAt: timestampInput.optional(),
  })
  .check(({ value, issues }) => {
    for (const [field, access] of [
      ['conversationId', 'conversation'],
      ['callId', 'call'],
    ] as const) {
      if ((value[field] === undefined) === (value.access === access)) {
        issues.push({ code: 'custom', message: `belongs to access ${access}`, path: [field], input: value });
      }
    }
    if (value.expiresAt !== undefined && Date.parse(value.expiresAt) <= Date.now()) {
      issues.push({ code: 'custom', message: 'must be in the future', path: ['expiresAt'], input: value });
    }
  });
export type UploadFields = z.output<typeof uploadFields>;
