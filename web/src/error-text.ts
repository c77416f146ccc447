import { strings } from './strings.ts';

/** The code of anything that was thrown, when it has one. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Plain words for anything that was thrown. */
export function errorText(error: unknown): string {
  const code = errorCode(error);
  if (code === 'web.unreachable') return strings.noServer;
  return (code === undefined ? undefined : strings.errors[code]) ?? strings.unknownError;
}
