/** A person without a picture: their initials. */
export function Avatar({ name }: { name: string }) {
  return (
    <span className="avatar" aria-hidden="true">
      {initialsOf(name)}
    </span>
  );
}

/** First letters of the first and the last word, titles such as "Dr." left out; works in any script. */
export function initialsOf(name: string): string {
  const words = name.split(/\s+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const withoutTitles = words.filter((word) => !/^\p{L}{2,}\.$/u.test(word));
  const kept = withoutTitles.length > 0 ? withoutTitles : words;
  const letters = kept.map((word) => /[\p{L}\p{N}]/u.exec(word)?.[0] ?? '');
  return letters.length === 0 ? '?' : [letters[0], ...letters.slice(1).slice(-1)].join('').toUpperCase();
}
