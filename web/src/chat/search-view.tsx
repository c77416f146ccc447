import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import type { Reply } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { Notice } from '../ui/notice.tsx';
import { useChatContext } from './chat-context.ts';
import { highlightedParts } from './text-parts.ts';

type Hit = Reply<'chat:search'>['hits'][number];

interface Results {
  readonly hits: readonly Hit[];
  readonly cursor: string | null;
}

/** The search begins when nothing was typed for that long. */
const restMs = 250;

/** Finds messages of this conversation; a hit leads to its message. */
export function SearchView({ onClose }: { onClose: () => void }) {
  const { jumpTo } = useChatContext();
  const [query, setQuery] = useState('');
  const { results, hasFailed, more } = useSearch(query.trim());
  const field = useRef<HTMLInputElement>(null);
  const words = strings.chat;

  useEffect(() => field.current?.focus(), []);

  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    onClose();
  }

  return (
    <search className="search-view" onKeyDown={onKeyDown}>
      <div className="field search-field">
        <input
          ref={field}
          type="search"
          aria-label={words.search}
          placeholder={words.searchPlaceholder}
          maxLength={200}
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
      </div>
      {hasFailed && <Notice tone="bad">{words.searchFailed}</Notice>}
      <p className="search-count" role="status">
        {results !== undefined && (results.hits.length === 0 ? words.noHits : results.cursor === null && words.hits(results.hits.length))}
      </p>
      <ul className="hits">
        {results?.hits.map((hit) => (
          <li key={hit.message.messageId}>
            <HitButton
              hit={hit}
              onClick={() => {
                onClose();
                jumpTo(hit.message.seq);
              }}
            />
          </li>
        ))}
      </ul>
      {results !== undefined && results.cursor !== null && (
        <button type="button" className="button compact more-hits" onClick={more}>
          {words.moreHits}
        </button>
      )}
    </search>
  );
}

function HitButton({ hit: { message, highlights }, onClick }: { hit: Hit; onClick: () => void }) {
  const { nameOf } = useChatContext();
  return (
    <button type="button" className="hit" onClick={onClick}>
      <span className="hit-head">
        <strong>{nameOf(message.senderId)}</strong>
        <time dateTime={message.sentAt}>{strings.formatTime(new Date(message.sentAt))}</time>
      </span>
      <span className="hit-text">
        {highlightedParts(message.content ?? '', highlights).map(({ text, isHit }, index) => {
          const key = `${index} ${text}`;
          return isHit ? <mark key={key}>{text}</mark> : <span key={key}>{text}</span>;
        })}
      </span>
    </button>
  );
}

/** Searches as one types; answers of an earlier text are left out. */
function useSearch(query: string): { results: Results | undefined; hasFailed: boolean; more: () => void } {
  const { chat, conversation } = useChatContext();
  const { conversationId } = conversation;
  const [results, setResults] = useState<Results>();
  const [hasFailed, setFailed] = useState(false);
  const latest = useRef(query);

  useEffect(() => {
    latest.current = query;
    setFailed(false);
    if (query === '') return setResults(undefined);
    const timer = setTimeout(() => {
      chat.search({ query, conversationId }).then(
        ({ hits, cursor }) => latest.current === query && setResults({ hits, cursor }),
        () => latest.current === query && setFailed(true),
      );
    }, restMs);
    return () => clearTimeout(timer);
  }, [chat, conversationId, query]);

  return {
    results,
    hasFailed,
    more: () => {
      if (results === undefined || results.cursor === null) return;
      chat.search({ query, conversationId, cursor: results.cursor }).then(
        (page) => latest.current === query && setResults({ hits: [...results.hits, ...page.hits], cursor: page.cursor }),
        () => setFailed(true),
      );
    },
  };
}
