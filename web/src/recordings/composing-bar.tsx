import { strings } from '../strings.ts';

/** How far a composition is, from 0 to 1. */
export function ComposingBar({ progress }: { progress: number }) {
  const words = strings.recording.page;
  return (
    <span className="composing">
      <progress aria-label={words.progress} value={progress} max={1} />
      <span aria-hidden="true">{words.percent(progress)}</span>
    </span>
  );
}
