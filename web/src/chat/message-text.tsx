import { textParts } from './text-parts.ts';

/** A message's text: text as text, addresses as links, mentions set off. */
export function MessageText({ text, mentionedNames }: { text: string; mentionedNames: readonly string[] }) {
  return (
    <p className="message-text">
      {textParts(text, mentionedNames).map((part, index) => {
        const key = `${index} ${part.kind}`;
        if (part.kind === 'link') {
          return (
            <a key={key} href={part.href} target="_blank" rel="noopener noreferrer">
              {part.text}
            </a>
          );
        }
        return part.kind === 'mention' ? <strong key={key}>{part.text}</strong> : <span key={key}>{part.text}</span>;
      })}
    </p>
  );
}
