import type { z } from 'zod';
import type { WireError } from '../../src/protocol/errors.ts';
import type { Role } from '../../src/protocol/ids.ts';
import type { createdRoom, RoomDetails } from '../../src/protocol/room.ts';
import type { demoToken, UpdateUserBody, User } from '../../src/protocol/user.ts';
import { strings } from './strings.ts';

/** A request over REST that did not succeed. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** A code of the wire, or `web.unreachable` when nothing answered. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

interface ApiRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH';
  token?: string;
  body?: unknown;
}

async function call<T>(path: string, { method = 'GET', token, body }: ApiRequest): Promise<T> {
  const headers = new Headers({ accept: 'application/json' });
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  if (body !== undefined) headers.set('content-type', 'application/json');
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  } catch {
    throw new ApiError(0, 'web.unreachable', strings.noServer);
  }
  if (!response.ok) {
    const answer = (await response.json().catch(() => undefined)) as { error?: WireError } | undefined;
    throw new ApiError(response.status, answer?.error?.code ?? 'internal', answer?.error?.message ?? response.statusText);
  }
  return (await response.json()) as T;
}

/** Signs in under any name; only a server in demo mode offers it (else 404). */
export function getDemoToken(name: string, role: Role): Promise<z.infer<typeof demoToken>> {
  return call('/demo/token', { method: 'POST', body: { name, role } });
}

/** Makes a room; providers and admins may. */
export function createRoom(token: string, options: { name?: string; lobby?: boolean }): Promise<z.infer<typeof createdRoom>> {
  return call('/rooms', { method: 'POST', token, body: options });
}

/** One's rooms, newest first. */
export function listRooms(token: string): Promise<{ rooms: RoomDetails[]; cursor: string | null }> {
  return call('/rooms', { token });
}

/** One room, as far as this user may see it. */
export function getRoom(token: string, roomId: string): Promise<RoomDetails> {
  return call(`/rooms/${encodeURIComponent(roomId)}`, { token });
}

/** What the server keeps of oneself. */
export function getOwnUser(token: string): Promise<User> {
  return call('/users/me', { token });
}

/** Changes what is given. */
export function updateOwnUser(token: string, change: UpdateUserBody): Promise<User> {
  return call('/users/me', { method: 'PATCH', token, body: change });
}
