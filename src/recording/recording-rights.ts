import type { RecordingRecord } from './recording-store.ts';

/** Who asks for recordings. */
export interface Viewer {
  readonly userId: string;
  readonly role: string;
  readonly address?: string | undefined;
  /** The room that the token is for, if it is for one alone. */
  readonly onlyRoomId?: string | undefined;
}

/** What somebody may do with a recording that is there. */
export type RecordingRight = 'read' | 'play' | 'download' | 'share' | 'compose' | 'delete' | 'hold' | 'exportConsents';

const ofAdmin: readonly RecordingRight[] = ['read', 'play', 'download', 'share', 'compose', 'delete', 'hold', 'exportConsents'];
const ofAsker: readonly RecordingRight[] = ['read', 'play', 'download', 'share'];
const ofParticipant: readonly RecordingRight[] = ['read', 'play'];

/** Whether somebody sees all recordings. A token for one room makes no admin. */
export function isAdmin({ role, onlyRoomId }: Viewer): boolean {
  return role === 'admin' && onlyRoomId === undefined;
}

/** Admins may do everything; the one who asked may look, download and hand out links; those who agreed may look, by setting. */
export function rightsOf(
  viewer: Viewer,
  { requestedBy, roomId, consents }: Pick<RecordingRecord, 'requestedBy' | 'roomId' | 'consents'>,
  participantAccess: boolean,
): readonly RecordingRight[] {
  if (isAdmin(viewer)) return ofAdmin;
  if (viewer.onlyRoomId !== undefined && viewer.onlyRoomId !== roomId) return [];
  if (requestedBy === viewer.userId) return ofAsker;
  const hasAgreed = consents.some(({ userId, state }) => userId === viewer.userId && state === 'granted');
  return participantAccess && hasAgreed ? ofParticipant : [];
}
