import { useState } from 'react';
import type { Recordings } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Notice } from '../ui/notice.tsx';
import { useTask } from '../ui/use-task.ts';

/** Takes one's consent back, and what was recorded of one if wished. */
export function WithdrawDialog({ recordings, onClose }: { recordings: Recordings; onClose: () => void }) {
  const [erase, setErase] = useState(false);
  const { isBusy, problem, run } = useTask();
  const words = strings.recording.indicator;

  const withdraw = () =>
    run(async () => {
      await recordings.withdraw({ erase });
      onClose();
    });

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
