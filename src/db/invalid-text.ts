/** PostgreSQL's words for text that it can't store, such as with the character U+0000. */
const codes = new Set(['22021', '22P05']);

/** Whether an error, or what caused it, is PostgreSQL refusing text as such: the request's fault, not the server's. */
export function isInvalidText(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && typeof error.code === 'string' && codes.has(error.code)) || isInvalidText(error.cause);
}
