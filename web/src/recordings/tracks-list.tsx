import { useState } from 'react';
import type { Recording, RecordingLibrary } from '../../../src/client/index.ts';
import { errorText } from '../error-text.ts';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';
import { Notice } from '../ui/notice.tsx';
import { saveFile } from './save-file.ts';

/** What each person sent, to be kept by itself, or all in one file. */
export function TracksList({ library, recording }: { library: RecordingLibrary; recording: Recording }) {
  const [busy, setBusy] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const words = strings.recording.tracks;
  const { recordingId, tracks, consents } = recording;

  async function save(what: string, name: string, load: () => Promise<Blob>) {
    setBusy(what);
    setProblem(undefined);
    try {
      saveFile(await load(), name);
    } catch (error) {
      setProblem(errorText(error));
    } finally {
      setBusy(undefined);
    }
  }

  return (
    <section className="recording-part" aria-label={words.title}>
      <div className="recording-part-head">
        <h2>{words.title}</h2>
        {tracks.length > 0 && (
          <button
            type="button"
            className="button compact"
            disabled={busy !== undefined}
            onClick={() => void save('all', `recording-${recordingId}.zip`, () => library.archive(recordingId))}
          >
            <Icon name="download" size={18} />
            {busy === 'all' ? words.downloading : words.all}
          </button>
        )}
      </div>
      {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
      {tracks.length === 0 && <p className="soft">{words.none}</p>}
      <ul className="track-list">
        {tracks.map(({ trackId, userId, source, codec, parts }) => {
          const person = consents.find((consent) => consent.userId === userId)?.displayName ?? userId;
          const name = words.name(words.sources[source], person);
          return (
            <li key={trackId}>
              <span>
                {name}
                <small>
                  {codec.split('/').at(-1)} · {strings.chat.bytes(parts.reduce((sum, { bytes }) => sum + bytes, 0))}
                </small>
              </span>
              <span className="track-parts">
                {parts.map(({ part }) => (
                  <button
                    key={part}
                    type="button"
                    className="button quiet compact"
                    aria-label={words.download(name, part, parts.length)}
                    disabled={busy !== undefined}
                    onClick={() =>
                      void save(
                        `${trackId} ${part}`,
                        `${person}-${source}-${part}.${source.endsWith('Audio') || source === 'microphone' ? 'mka' : 'mkv'}`,
                        () => library.track(recordingId, trackId, part),
                      )
                    }
                  >
                    {busy === `${trackId} ${part}` ? words.downloading : words.part(part, parts.length)}
                  </button>
                ))}
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
