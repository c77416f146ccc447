import { useCallback, useEffect, useRef, useState } from 'react';
import type { Recording, Recordings } from '../../../src/client/index.ts';
import { errorText } from '../error-text.ts';
import { queryOf, type RecordingFilter } from './recording-filters.tsx';

/** How often what still changes is looked at; each look from one window within five minutes is one in the audit log. */
const lookMs = 3000;
const changing: readonly Recording['status'][] = ['requested', 'recording', 'paused', 'processing'];

/** Whether it is still becoming something else, or is put together anew. */
export function isChanging({ status, progress }: Recording): boolean {
  return changing.includes(status) || progress !== undefined;
}

/** A list of recordings, the pages read so far. What still changes is followed by notices, and by looking. */
export function useRecordings(recordings: Recordings, filter: RecordingFilter, isAsking: boolean) {
  const { library } = recordings;
  const [list, setList] = useState<readonly Recording[]>();
  const [cursor, setCursor] = useState<string | null>(null);
  const [problem, setProblem] = useState<string>();
  const query = useRef(filter);
  query.current = filter;

  const put = useCallback((changed: Recording) => {
    setList((now) => now?.map((one) => (one.recordingId === changed.recordingId ? changed : one)));
  }, []);

  useEffect(() => {
    if (!isAsking) return;
    let wanted = true;
    library.list(queryOf(filter)).then(
      (page) => {
        if (!wanted) return;
        setList(page.recordings);
        setCursor(page.cursor);
        setProblem(undefined);
      },
      (error: unknown) => wanted && setProblem(errorText(error)),
    );
    return () => {
      wanted = false;
    };
  }, [library, filter, isAsking]);

  useNews(recordings, put);

  const open = list?.filter(isChanging).map(({ recordingId }) => recordingId) ?? [];
  const openIds = open.join(' ');
  useLooking(recordings, openIds, put);

  async function loadMore(): Promise<void> {
    if (cursor === null) return;
    try {
      const page = await library.list({ ...queryOf(filter), cursor });
      if (query.current !== filter) return;
      setList((now) => [...(now ?? []), ...page.recordings]);
      setCursor(page.cursor);
    } catch (error) {
      setProblem(errorText(error));
    }
  }

  return { list, problem, hasMore: cursor !== null, loadMore };
}

/** One recording, followed while it changes. `undefined`: not read yet; `null`: there is none for one. */
export function useRecording(recordings: Recordings, recordingId: string) {
  const { library } = recordings;
  const [recording, setRecording] = useState<Recording | null>();
  const [problem, setProblem] = useState<string>();

  const put = useCallback((changed: Recording) => {
    setRecording((now) => (now?.recordingId === changed.recordingId ? changed : now));
  }, []);

  useEffect(() => {
    let wanted = true;
    library.get(recordingId).then(
      (found) => wanted && setRecording(found),
      (error: unknown) => {
        if (!wanted) return;
        if (isNotFound(error)) setRecording(null);
        else setProblem(errorText(error));
      },
    );
    return () => {
      wanted = false;
    };
  }, [library, recordingId]);

  useNews(recordings, put);
  useLooking(recordings, recording && isChanging(recording) ? recordingId : '', put);
  return { recording, problem, put, markGone: () => setRecording(null) };
}

function isNotFound(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'recording.not_found';
}

/** What the server tells by itself. */
function useNews(recordings: Recordings, put: (recording: Recording) => void): void {
  useEffect(() => {
    const offs = [recordings.on('ready', ({ recording }) => put(recording)), recordings.on('failed', ({ recording }) => put(recording))];
    return () => {
      for (const off of offs) off();
    };
  }, [recordings, put]);
}

/** Admins are told of nothing that they were not asked for; the page looks while something changes. */
function useLooking({ library }: Recordings, ids: string, put: (recording: Recording) => void): void {
  useEffect(() => {
    if (ids === '') return;
    let wanted = true;
    let timer: ReturnType<typeof setTimeout>;
    async function look(): Promise<void> {
      const found = await Promise.allSettled(ids.split(' ').map((recordingId) => library.get(recordingId)));
      if (!wanted) return;
      for (const one of found) if (one.status === 'fulfilled') put(one.value);
      timer = setTimeout(() => void look(), lookMs);
    }
    timer = setTimeout(() => void look(), lookMs);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [library, ids, put]);
}
