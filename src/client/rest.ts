import type { WireError } from '../protocol/errors.ts';
import { ParleyError } from './parley-error.ts';

/** What REST needs of a client. */
export interface RestOptions {
  /** The server's origin. */
  readonly url: string;
  /** Answers a token; a new one when the last was refused as expired. */
  readonly token: (fresh: boolean) => Promise<string>;
}

/** How a file goes up. */
export interface SendFormOptions {
  readonly signal?: AbortSignal;
  /** How much is on its way, of how much. */
  readonly onProgress?: (sentBytes: number, totalBytes: number) => void;
}

/** REST with the client's token. Everything that is under way ends with `close()`. */
export class Rest {
  readonly #options: RestOptions;
  readonly #closing = new AbortController();

  constructor(options: RestOptions) {
    this.#options = options;
  }

  /**
   * Asks for JSON; 204 answers undefined.
   *
   * @throws {ParleyError} the server's code; `client.disconnected` when nothing answers; `client.closed`
   */
  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.#withToken((authorization) =>
      this.#fetch(path, {
        method,
        headers: { accept: 'application/json', authorization, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    );
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  /** Fetches a file. Throws as {@link Rest.json}, and `client.aborted`. */
  async blob(path: string, signal?: AbortSignal): Promise<Blob> {
    const response = await this.#withToken((authorization) => this.#fetch(path, { headers: { authorization } }, signal));
    try {
      return await response.blob();
    } catch (error) {
      throw this.#lost(error, signal);
    }
  }

  /** Posts a form with a file in it. Throws as {@link Rest.json}, and `client.aborted`. */
  sendForm<T>(path: string, form: FormData, options: SendFormOptions = {}): Promise<T> {
    return this.#withToken<T>(async (authorization) => {
      // Only XMLHttpRequest tells how far an upload has come; there is none outside browsers.
      if (typeof XMLHttpRequest === 'function') return this.#sendByXhr<T>(path, form, authorization, options);
      const response = await this.#fetch(path, { method: 'POST', headers: { authorization }, body: form }, options.signal);
      return (await response.json()) as T;
    });
  }

  /** Ends what is under way. */
  close(): void {
    this.#closing.abort();
  }

  async #withToken<T>(ask: (authorization: string) => Promise<T>): Promise<T> {
    const authorization = async (fresh: boolean): Promise<string> =>
      `Bearer ${(await this.#options.token(fresh)).replace(/^Bearer /i, '')}`;
    try {
      return await ask(await authorization(false));
    } catch (error) {
      if (!(error instanceof ParleyError) || error.code !== 'auth.expired_token') throw error;
      return await ask(await authorization(true));
    }
  }

  async #fetch(path: string, init: RequestInit, signal?: AbortSignal): Promise<Response> {
    const ends = this.#endsWith(signal);
    if (ends.aborted) throw this.#lost(undefined, signal);
    let response: Response;
    try {
      response = await fetch(this.#address(path), { ...init, signal: ends });
    } catch (error) {
      throw this.#lost(error, signal);
    }
    if (!response.ok) throw refused(await response.text().catch(() => ''));
    return response;
  }

  #sendByXhr<T>(path: string, form: FormData, authorization: string, { signal, onProgress }: SendFormOptions): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const ends = this.#endsWith(signal);
      if (ends.aborted) return reject(this.#lost(undefined, signal));
      const request = new XMLHttpRequest();
      const abort = (): void => request.abort();
      request.open('POST', this.#address(path));
      request.setRequestHeader('authorization', authorization);
      request.upload.addEventListener('progress', ({ loaded, total }) => onProgress?.(loaded, total));
      request.addEventListener('load', () => {
        if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText) as T);
        else reject(refused(request.responseText));
      });
      request.addEventListener('error', (event) => reject(this.#lost(event, signal)));
      request.addEventListener('abort', (event) => reject(this.#lost(event, signal)));
      request.addEventListener('loadend', () => ends.removeEventListener('abort', abort));
      ends.addEventListener('abort', abort);
      request.send(form);
    });
  }

  #endsWith(signal: AbortSignal | undefined): AbortSignal {
    return AbortSignal.any([this.#closing.signal, ...(signal ? [signal] : [])]);
  }

  #address(path: string): URL {
    return new URL(`/api/v1${path}`, this.#options.url);
  }

  #lost(cause: unknown, signal: AbortSignal | undefined): ParleyError {
    if (this.#closing.signal.aborted) return new ParleyError('client.closed');
    return new ParleyError(signal?.aborted ? 'client.aborted' : 'client.disconnected', { cause });
  }
}

/** A path with a query; what is undefined is left out. */
export function withQuery(path: string, query: Record<string, string | number | boolean | undefined>): string {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

function refused(text: string): ParleyError {
  try {
    const { error } = JSON.parse(text) as { error?: WireError };
    if (error !== undefined) return ParleyError.fromWire(error);
  } catch {
    // A proxy in between answers in its own words.
  }
  return new ParleyError('internal');
}
