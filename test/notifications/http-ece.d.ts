declare module 'http_ece' {
  import type { ECDH } from 'node:crypto';
  /** Decrypts what was encrypted for a browser (RFC 8188). */
  export function decrypt(buffer: Buffer, options: { version: 'aes128gcm'; privateKey: ECDH; authSecret: string }): Buffer;
}
