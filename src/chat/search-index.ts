import { createHmac, createSecretKey } from 'node:crypto';

/** Letters of the prefix that is indexed beside each word. */
const prefixLength = 3;
/** Different words beyond these of one message are not indexed; 10,000 characters have fewer. */
const maxWords = 5_000;

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });
const marks = /\p{Mark}/gu;

/** A word of a text as it is compared, and where it stands there (UTF-16 units, end exclusive). */
export interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Folds case and diacritics: "Đau" and "dau" become the same (Unicode NFKD without marks; đ, ł, ø and ı have no decomposition). */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(marks, '')
    .toLowerCase()
    .replace(/[đłøıßæœ]/g, (letter) => folded[letter] ?? letter);
}
const folded: Record<string, string> = { đ: 'd', ł: 'l', ø: 'o', ı: 'i', ß: 'ss', æ: 'ae', œ: 'oe' };

/** The words of a text, folded (word boundaries by Unicode UAX #29). */
export function wordsOf(text: string): Word[] {
  return [...segmenter.segment(text)]
    .filter(({ isWordLike }) => isWordLike)
    .map(({ segment, index }) => ({ text: fold(segment), start: index, end: index + segment.length }))
    .filter((word) => word.text !== '');
}

/** What a query's word must find in the index, and how to tell a hit once its text is open. */
export interface QueryWord {
  readonly text: string;
  /** Matches words that begin so; shorter ones match whole words only, because shorter prefixes are not indexed. */
  readonly isPrefix: boolean;
}

/** The words of a query. Each has to occur, in any order. */
export function queryWordsOf(query: string): QueryWord[] {
  const unique = new Map(wordsOf(query).map(({ text }) => [text, { text, isPrefix: letters(text).length >= prefixLength }]));
  return [...unique.values()];
}

/** Where the query's words stand in a text; undefined when one of them does not occur. */
export function findHighlights(text: string, query: readonly QueryWord[]): [number, number][] | undefined {
  const words = wordsOf(text);
  const matches = (word: Word, { text: wanted, isPrefix }: QueryWord) => (isPrefix ? word.text.startsWith(wanted) : word.text === wanted);
  if (!query.every((wanted) => words.some((word) => matches(word, wanted)))) return undefined;
  return words.filter((word) => query.some((wanted) => matches(word, wanted))).map(({ start, end }) => [start, end]);
}

/**
 * Blind index of message contents: HMAC-SHA-256 of each folded word and of its first three letters, cut to 64 bits, under a key of its own. The
 * conversation's id goes into each, so that equal words of two conversations can't be told, and one conversation's words are found without
 * passing those of others.
 */
export function createSearchIndex(key: Buffer) {
  // A key that is made once: from a buffer Node makes one for each HMAC, at four times the HMAC's own cost.
  const secretKey = createSecretKey(key);
  const token = (conversationId: string, kind: 'word' | 'prefix', text: string) =>
    createHmac('sha256', secretKey).update(`${conversationId}\0${kind}\0${text}`).digest().readBigInt64BE();

  return {
    /** What is kept with a message. */
    tokensOf(conversationId: string, content: string): bigint[] {
      const words = [...new Set(wordsOf(content).map(({ text }) => text))].slice(0, maxWords);
      const prefixes = new Set(words.map(prefixOf).filter((prefix) => prefix !== undefined));
      return [
        ...words.map((word) => token(conversationId, 'word', word)),
        ...[...prefixes].map((prefix) => token(conversationId, 'prefix', prefix)),
      ];
    },

    /** What a query's word must find in a conversation. */
    queryToken(conversationId: string, { text, isPrefix }: QueryWord): bigint {
      return isPrefix ? token(conversationId, 'prefix', prefixOf(text) ?? text) : token(conversationId, 'word', text);
    },
  };
}
export type SearchIndex = ReturnType<typeof createSearchIndex>;

const letters = (text: string) => [...text];

function prefixOf(word: string): string | undefined {
  const all = letters(word);
  return all.length >= prefixLength ? all.slice(0, prefixLength).join('') : undefined;
}
