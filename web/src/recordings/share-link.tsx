import { useState } from 'react';
import type { RecordingLibrary } from '../../../src/client/index.ts';
import { errorText } from '../error-text.ts';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';

/** Copies a link that opens the recording without a sign-in, and says until when. */
export function ShareLink({ library, recordingId }: { library: RecordingLibrary; recordingId: string }) {
  const [told, setTold] = useState<string>();
  const [isCopied, setCopied] = useState(false);
  const words = strings.recording.player;

  async function share() {
    try {
      const { url, expiresAt } = await library.createLink(recordingId);
      await navigator.clipboard.writeText(url);
      setCopied(true);
      setTold(words.linkUntil(strings.formatTime(new Date(expiresAt))));
    } catch (error) {
      setTold(errorText(error));
    }
  }

  return (
    <>
      <button type="button" className="button compact" onClick={() => void share()}>
        <Icon name={isCopied ? 'check' : 'link'} size={18} />
        {isCopied ? words.copied : words.copyLink}
      </button>
      <span className="soft small" role="status">
        {told}
      </span>
    </>
  );
}
