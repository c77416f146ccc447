import type { Recording } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';

/** How a recording stands, and whether it is held. */
export function StatusChip({ recording: { status, held } }: { recording: Recording }) {
  return (
    <>
      <span className={`chip ${status}`}>{strings.recording.status[status]}</span>
      {held && <span className="chip held">{strings.recording.page.held}</span>}
    </>
  );
}
