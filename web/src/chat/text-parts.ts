/** A piece of a message's text. Everything is shown as text; only what is surely a web address becomes a link. */
export type TextPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly href: string }
  | { readonly kind: 'mention'; readonly text: string };

/** Anything that looks like an address; what it really is `URL` decides. */
const address = /(?:https?:\/\/|www\.)[^\s<>"]+/giu;
/** What ends a sentence rather than an address. */
const trailing = /[.,;:!?'"»”’]+$/u;

/** Splits a text into plain text, links (http and https alone) and mentions of these names. */
export function textParts(text: string, mentionedNames: readonly string[] = []): readonly TextPart[] {
  return splitLinks(text).flatMap((part) => (part.kind === 'text' ? splitMentions(part.text, mentionedNames) : [part]));
}

function splitLinks(text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(address)) {
    const shown = withoutTail(match[0]);
    const href = safeHref(shown);
    if (href === undefined) continue;
    if (match.index > end) parts.push({ kind: 'text', text: text.slice(end, match.index) });
    parts.push({ kind: 'link', text: shown, href });
    end = match.index + shown.length;
  }
  if (end < text.length) parts.push({ kind: 'text', text: text.slice(end) });
  return parts;
}

/** A closing bracket belongs to the address only when it was opened there. */
function withoutTail(found: string): string {
  let shown = found.replace(trailing, '');
  for (const [open, close] of ['()', '[]', '{}'] as const) {
    while (shown.endsWith(close as string) && count(shown, close as string) > count(shown, open as string)) {
      shown = shown.slice(0, -1).replace(trailing, '');
    }
  }
  return shown;
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}

function safeHref(shown: string): string | undefined {
  const url = URL.parse(/^www\./iu.test(shown) ? `https://${shown}` : shown);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined;
  return url.hostname.includes('.') || url.hostname === 'localhost' ? url.href : undefined;
}

function splitMentions(text: string, names: readonly string[]): readonly TextPart[] {
  if (names.length === 0) return [{ kind: 'text', text }];
  const longestFirst = [...names].sort((a, b) => b.length - a.length).map((name) => name.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
  const pieces = text.split(new RegExp(`(@(?:${longestFirst.join('|')}))`, 'iu'));
  return pieces.flatMap((piece, index): TextPart[] => (piece === '' ? [] : [{ kind: index % 2 === 1 ? 'mention' : 'text', text: piece }]));
}

/** Whom a text mentions: everybody whose `@name` stands in it. */
export function mentionedIn<M extends { readonly userId: string; readonly displayName: string }>(
  text: string,
  members: readonly M[],
): readonly M[] {
  const folded = text.toLowerCase();
  return members.filter(({ displayName }) => displayName !== '' && folded.includes(`@${displayName.toLowerCase()}`));
}

/** A text cut into what is highlighted and what is not, shortened before the first highlight when that stands far behind. */
export function highlightedParts(
  text: string,
  highlights: readonly (readonly [number, number])[],
): readonly { text: string; isHit: boolean }[] {
  const first = highlights[0]?.[0] ?? 0;
  const start = first > 60 ? text.lastIndexOf(' ', first - 30) + 1 : 0;
  const parts: { text: string; isHit: boolean }[] = start > 0 ? [{ text: '…', isHit: false }] : [];
  let end = start;
  for (const [from, to] of highlights) {
    if (from < end) continue;
    if (from > end) parts.push({ text: text.slice(end, from), isHit: false });
    parts.push({ text: text.slice(from, to), isHit: true });
    end = to;
  }
  if (end < text.length) parts.push({ text: text.slice(end), isHit: false });
  return parts;
}
