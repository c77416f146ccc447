/** Longest name in UTF-16 units, extension included; in UTF-8 it fits the 255 bytes of common file systems. */
const maxLength = 80;
/** What is looked at of a longer name: its end, for the extension. */
const longestRead = 1_000;
const fallback = 'file';

/** Directions and joiners that make `exe.gnp` out of `png.exe`, and characters without a width. */
const invisible = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
/** What Windows or a shell would read as something else. */
const special = /[<>:"|?*`$;&]/g;
const reserved = /^(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(\.|$)/i;
/** An extension has a letter: `2024.01` has none. */
const extensionPattern = /\.(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{1,10}$/;

/**
 * Makes a name safe to show and to save under: the last part of a path, without control, direction and special characters, no hidden or reserved
 * file, of bounded length. Its extension is one of `extensions`, those of what the bytes are, the usual one first: another one is replaced.
 */
export function safeFileName(given: string, extensions: readonly [string, ...string[]]): string {
  const last = given.slice(-longestRead).toWellFormed().normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  const clean = last
    .replaceAll(/\s/g, ' ')
    .replaceAll(invisible, '')
    .replaceAll('\uFFFD', '_')
    .replaceAll(special, '_')
    .replaceAll(/ {2,}/g, ' ')
    .replaceAll(/^[\s.]+|[\s.]+$/g, '');
  const ending = extensionPattern.exec(clean)?.[0] ?? '';
  const extension = extensions.find((known) => `.${known}` === ending.toLowerCase()) ?? extensions[0];
  const stem = clean.slice(0, clean.length - ending.length).replaceAll(/[\s.]+$/g, '') || fallback;
  const safeStem = reserved.test(stem) ? `_${stem}` : stem;
  return `${cut(safeStem, maxLength - extension.length - 1)}.${extension}`;
}

/** Cuts between characters as people see them, so that none is torn. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  let end = 0;
  for (const { segment, index } of new Intl.Segmenter().segment(text)) {
    if (index + segment.length > length) break;
    end = index + segment.length;
  }
  return text.slice(0, end) || fallback;
}
