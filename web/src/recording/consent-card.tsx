import { useId } from 'react';
import type { ConsentQuestion, Recordings } from '../../../src/client/index.ts';
import { errorCode, errorText } from '../error-text.ts';
import { strings } from '../strings.ts';
import { Notice } from '../ui/notice.tsx';
import { useTask } from '../ui/use-task.ts';

interface ConsentCardProps {
  recordings: Recordings;
  question: ConsentQuestion;
  /** Who asks. */
  asker: string;
}

/** Asks whether one may be recorded. It stands beside the call and takes nothing from it: one can go on talking. */
export function ConsentCard({ recordings, question, asker }: ConsentCardProps) {
  const id = useId();
  const { isBusy, problem, run } = useTask();
  const words = strings.recording.question;

  const textOf = (error: unknown): string =>
    errorCode(error) === 'recording.text_outdated' ? strings.recording.announce.textChanged : errorText(error);
  const answer = (granted: boolean): Promise<void> => run(async () => void (await recordings.consent(granted)), textOf);

  return (
    <section className="consent-card" role="dialog" aria-modal="false" aria-labelledby={`${id}-title`} aria-describedby={`${id}-text`}>
      <h2 id={`${id}-title`}>{words.title(asker)}</h2>
      <dl className="consent-facts">
        <div>
          <dt>{words.purpose}</dt>
          <dd>{question.purpose}</dd>
        </div>
        <div>
          <dt>{words.kinds}</dt>
          <dd>{strings.recording.kindsOf(question.kinds)}</dd>
        </div>
      </dl>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long text is scrolled with the keyboard. */}
      <section className="consent-text" aria-label={words.text} lang={question.language} tabIndex={0}>
        <p id={`${id}-text`}>{question.text}</p>
      </section>
      {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
      <p className="soft small">{words.meanwhile}</p>
      <div className="consent-answers">
        <button type="button" className="button" disabled={isBusy} onClick={() => void answer(false)}>
          {words.refuse}
        </button>
        <button type="button" className="button primary" disabled={isBusy} onClick={() => void answer(true)}>
          {words.agree}
        </button>
      </div>
    </section>
  );
}
