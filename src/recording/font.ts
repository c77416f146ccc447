import { access, constants, glob } from 'node:fs/promises';

const known = [
  '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf',
  '/usr/share/fonts/dejavu/DejaVuSans.ttf',
  '/usr/share/fonts/TTF/DejaVuSans.ttf',
  '/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf',
  '/usr/share/fonts/noto/NotoSans-Regular.ttf',
  '/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf',
  '/System/Library/Fonts/Supplemental/Arial.ttf',
  'C:/Windows/Fonts/arial.ttf',
];
const folders = ['/usr/share/fonts', '/usr/local/share/fonts'];

/** A font file of this machine to write names with, one that reads well before others; undefined when there is none. */
export async function findFont(): Promise<string | undefined> {
  for (const file of known) {
    const isReadable = await access(file, constants.R_OK).then(
      () => true,
      () => false,
    );
    if (isReadable) return file;
  }
  for (const folder of folders) {
    for await (const file of glob('**/*.{ttf,otf}', { cwd: folder })) return `${folder}/${file}`;
  }
  return undefined;
}
