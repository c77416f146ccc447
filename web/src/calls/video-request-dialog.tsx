import { strings } from '../strings.ts';
import { Dialog } from '../ui/dialog.tsx';

interface VideoRequestDialogProps {
  name: string;
  onAnswer: (accepted: boolean) => void;
}

/** Somebody would like to see one: nothing is switched on without a yes. */
export function VideoRequestDialog({ name, onAnswer }: VideoRequestDialogProps) {
  const words = strings.calls.inCall;
  return (
    <Dialog title={words.wantsVideo(name)} onClose={() => onAnswer(false)}>
      <p className="soft">{words.wantsVideoText}</p>
      <div className="row end">
        <button type="button" className="button" onClick={() => onAnswer(false)}>
          {words.refuse}
        </button>
        <button type="button" className="button primary" onClick={() => onAnswer(true)}>
          {words.agree}
        </button>
      </div>
    </Dialog>
  );
}
