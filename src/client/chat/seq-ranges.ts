/** Seqs of a conversation of which everything is known, ends included. `to` is `from − 1` where it is known that there is nothing. */
export interface SeqRange {
  readonly from: number;
  readonly to: number;
}

/** Adds a stretch: ranges that it touches become one with it. Ascending, never touching each other. */
export function withRange(ranges: readonly SeqRange[], added: SeqRange): readonly SeqRange[] {
  let { from, to } = added;
  const apart: SeqRange[] = [];
  for (const range of ranges) {
    if (range.to + 1 < from || to + 1 < range.from) apart.push(range);
    else {
      from = Math.min(from, range.from);
      to = Math.max(to, range.to);
    }
  }
  return [...apart, { from, to }].sort((a, b) => a.from - b.from);
}

/** The range that a seq lies in; 0 lies in one that begins at 1. */
export function rangeAt(ranges: readonly SeqRange[], seq: number): SeqRange | undefined {
  return ranges.find(({ from, to }) => from - 1 <= seq && seq <= to);
}
