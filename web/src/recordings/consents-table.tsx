import { useState } from 'react';
import type { Recording, RecordingLibrary } from '../../../src/client/index.ts';
import { errorText } from '../error-text.ts';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';
import { Notice } from '../ui/notice.tsx';
import { saveFile } from './save-file.ts';

/** Who was asked, in which words, what they answered and when; the receipts as a file. */
export function ConsentsTable({ library, recording }: { library: RecordingLibrary; recording: Recording }) {
  const [problem, setProblem] = useState<string>();
  const words = strings.recording.consents;
  const { recordingId } = recording;

  async function download() {
    try {
      const receipts = await library.consents(recordingId);
      saveFile(new Blob([JSON.stringify({ receipts }, null, 2)], { type: 'application/json' }), words.receiptsName(recordingId));
    } catch (error) {
      setProblem(errorText(error));
    }
  }

  return (
    <section className="recording-part" aria-label={words.title}>
      <div className="recording-part-head">
        <h2>{words.title}</h2>
        <button type="button" className="button compact" onClick={() => void download()}>
          <Icon name="download" size={18} />
          {words.download}
        </button>
      </div>
      {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
      <table className="consent-table">
        <thead>
          <tr>
            <th scope="col">{words.person}</th>
            <th scope="col">{words.answer}</th>
            <th scope="col">{words.version}</th>
            <th scope="col">{words.time}</th>
          </tr>
        </thead>
        <tbody>
          {recording.consents.map(({ userId, displayName, state, language, textVersion, askedAt, answeredAt, withdrawnAt }) => (
            <tr key={userId}>
              <td>{displayName}</td>
              <td>
                <span className={state === 'granted' ? 'chip live' : 'chip'}>{words.states[state]}</span>
              </td>
              <td>{words.textVersion(language, textVersion)}</td>
              <td>{strings.formatTime(new Date(withdrawnAt ?? answeredAt ?? askedAt))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
