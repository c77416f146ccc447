import { strings } from '../strings.ts';
import { Dialog } from '../ui/dialog.tsx';

/** Which key does what. */
export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={strings.shortcuts.title} onClose={onClose}>
      <dl className="shortcuts">
        {strings.shortcuts.rows.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <div className="row end">
        <button type="button" className="button" onClick={onClose}>
          {strings.close}
        </button>
      </div>
    </Dialog>
  );
}
