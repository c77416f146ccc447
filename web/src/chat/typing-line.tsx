import { strings } from '../strings.ts';

/** Who is typing; its place is kept when nobody is, so that nothing jumps. */
export function TypingLine({ names }: { names: readonly string[] }) {
  return (
    <p className="typing-line" aria-live="off">
      {names.length > 0 && (
        <>
          <span className="typing-dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {strings.chat.typing(names)}
        </>
      )}
    </p>
  );
}
