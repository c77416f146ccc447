import { useState } from 'react';
import type { Recordings } from '../../../src/client/index.ts';
import { errorText } from '../error-text.ts';
import { strings } from '../strings.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Notice } from '../ui/notice.tsx';

/** Takes one's consent back, and what was recorded of one if wished. */
export function WithdrawDialog({ recordings, onClose }: { recordings: Recordings; onClose: () => void }) {
  const [erase, setErase] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const words = strings.recording.indicator;

  async function withdraw() {
    setBusy(true);
    setProblem(undefined);
    try {
      await recordings.withdraw({ erase });
      onClose();
    } catch (error) {
      setProblem(errorText(error));
      setBusy(false);
    }
  }

  return (
    <Dialog title={words.withdrawTitle} onClose={onClose}>
      <p className="soft">{words.withdrawText}</p>
      <label className="check">
        <input type="checkbox" checked={erase} onChange={({ target }) => setErase(target.checked)} />
        {words.erase}
      </label>
      {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
      <div className="row end">
        <button type="button" className="button" onClick={onClose}>
          {words.cancel}
        </button>
        <button type="button" className="button danger" disabled={isBusy} onClick={() => void withdraw()}>
          {words.withdrawConfirm}
        </button>
      </div>
    </Dialog>
  );
}
