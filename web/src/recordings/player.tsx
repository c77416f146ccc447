import { useEffect, useRef, useState } from 'react';
import type { Recording, RecordingLibrary } from '../../../src/client/index.ts';
import { errorCode, errorText } from '../error-text.ts';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';
import { Notice } from '../ui/notice.tsx';
import { chaptersOf, clockText, type Mark, speakersOf } from './chapters.ts';
import { ComposingBar } from './composing-bar.tsx';
import { ShareLink } from './share-link.tsx';

interface PlayerProps {
  library: RecordingLibrary;
  recording: Recording;
  mayShare: boolean;
}

/** Plays a recording that is there; says what there is instead where it is not. */
export function Player({ library, recording, mayShare }: PlayerProps) {
  // Put together anew it is another file.
  if (recording.bytes !== undefined) {
    return <Screen key={recording.bytes} library={library} recording={recording} mayShare={mayShare} />;
  }
  const words = strings.recording.player;
  const { status, failureReason, progress } = recording;
  return (
    <div className="recording-blank">
      <div>
        {status === 'failed' && <p>{strings.recording.failures[failureReason ?? 'composition_failed']}</p>}
        {status === 'refused' && <p>{words.refused}</p>}
        {status === 'requested' && <p>{words.asking}</p>}
        {(status === 'recording' || status === 'paused') && <p>{words.running}</p>}
        {status === 'processing' && <p>{words.waiting}</p>}
        {status === 'processing' && <ComposingBar progress={progress ?? 0} />}
      </div>
    </div>
  );
}

function Screen({ library, recording, mayShare }: PlayerProps) {
  const { recordingId, purpose, status, progress } = recording;
  const video = useRef<HTMLVideoElement>(null);
  const { source, problem, renew } = useSource(library, recordingId);
  const poster = usePoster(library, recordingId);
  const speakers = useSpeakers(library, recordingId);
  const [at, setAt] = useState(0);
  const words = strings.recording.player;

  function goTo(seconds: number) {
    const element = video.current;
    if (element === null) return;
    element.currentTime = seconds;
    element.play().catch(() => undefined);
  }

  return (
    <div className="recording-watch">
      <div className="recording-screen">
        {/* biome-ignore lint/a11y/useMediaCaption: nobody has written down what was said; who speaks stands beside it. */}
        <video
          ref={video}
          aria-label={words.video(purpose)}
          controls
          playsInline
          preload="metadata"
          poster={poster}
          src={source}
          onTimeUpdate={({ currentTarget }) => setAt(currentTarget.currentTime)}
          onError={() => renew(video.current?.currentTime ?? 0)}
          onLoadedMetadata={({ currentTarget }) => {
            if (at > 0) currentTarget.currentTime = at;
          }}
        />
        {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
        {(status === 'processing' || progress !== undefined) && (
          <>
            <p className="soft small">{strings.recording.manage.composing}</p>
            <ComposingBar progress={progress ?? 0} />
          </>
        )}
        <div className="recording-tools">
          {mayShare && <ShareLink library={library} recordingId={recordingId} />}
          {source !== undefined && (
            <a
              className="button compact"
              href={source.startsWith('blob:') ? source : `${source}?download=true`}
              download={`${purpose}.mp4`}
            >
              <Icon name="download" size={18} />
              {words.download}
            </a>
          )}
        </div>
      </div>
      <div className="chapters">
        <Marks title={words.chapters} marks={chaptersOf(recording)} at={at} onGo={goTo} />
        {speakers !== undefined && <Marks title={words.speakers} marks={speakers} at={at} none={words.noSpeakers} onGo={goTo} />}
      </div>
    </div>
  );
}

interface MarksProps {
  title: string;
  marks: readonly Mark[];
  /** Where the player is, in seconds. */
  at: number;
  none?: string;
  onGo: (seconds: number) => void;
}

/** Places to go to; the last one before the player is where one is. */
function Marks({ title, marks, at, none, onGo }: MarksProps) {
  const current = marks.findLastIndex(({ atSeconds }) => atSeconds <= at + 0.05);
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      {marks.length === 0 && <p className="soft small">{none}</p>}
      <ol>
        {marks.map(({ atSeconds, title: text }, index) => (
          <li key={`${atSeconds} ${text}`}>
            <button
              type="button"
              className="chapter"
              aria-current={index === current ? 'true' : undefined}
              aria-label={strings.recording.player.goTo(clockText(atSeconds), text)}
              onClick={() => onGo(atSeconds)}
            >
              <time>{clockText(atSeconds)}</time>
              <span>{text}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

/**
 * Where the video element finds it: a signed link, since the element sends no token, and the whole file for those who may hand out no links. A link that
 * has run out is renewed.
 */
function useSource(library: RecordingLibrary, recordingId: string) {
  const [source, setSource] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const [visit, setVisit] = useState(0);
  const failedAt = useRef<number>(undefined);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each visit has a link of its own.
  useEffect(() => {
    const leaving = new AbortController();
    let made: string | undefined;
    async function find(): Promise<string> {
      try {
        const { url } = await library.createLink(recordingId);
        // On this page's own address, whatever the server calls itself.
        return new URL(url).pathname;
      } catch (error) {
        if (errorCode(error) !== 'auth.forbidden') throw error;
        made = URL.createObjectURL(await library.content(recordingId, leaving.signal));
        return made;
      }
    }
    find().then(
      (found) => !leaving.signal.aborted && setSource(found),
      (error: unknown) => !leaving.signal.aborted && setProblem(errorText(error)),
    );
    return () => {
      leaving.abort();
      if (made !== undefined) URL.revokeObjectURL(made);
    };
  }, [library, recordingId, visit]);

  function renew(at: number): void {
    // The same place again: a new link does not help.
    if (failedAt.current === at) return setProblem(strings.recording.player.cannotPlay);
    failedAt.current = at;
    setVisit((count) => count + 1);
  }

  return { source, problem, renew };
}

function usePoster(library: RecordingLibrary, recordingId: string): string | undefined {
  const [poster, setPoster] = useState<string>();
  useEffect(() => {
    const leaving = new AbortController();
    let made: string | undefined;
    library.poster(recordingId, leaving.signal).then(
      (blob) => {
        if (leaving.signal.aborted) return;
        made = URL.createObjectURL(blob);
        setPoster(made);
      },
      // Without one the player begins black.
      () => undefined,
    );
    return () => {
      leaving.abort();
      if (made !== undefined) URL.revokeObjectURL(made);
    };
  }, [library, recordingId]);
  return poster;
}

function useSpeakers(library: RecordingLibrary, recordingId: string): readonly Mark[] | undefined {
  const [speakers, setSpeakers] = useState<readonly Mark[]>();
  useEffect(() => {
    const leaving = new AbortController();
    library.speakers(recordingId, leaving.signal).then(
      (vtt) => !leaving.signal.aborted && setSpeakers(speakersOf(vtt)),
      // Then the list is not there.
      () => undefined,
    );
    return () => leaving.abort();
  }, [library, recordingId]);
  return speakers;
}
