import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../log.ts';
import { isGivenUp } from './composition-error.ts';
import type { FfmpegRun } from './ffmpeg.ts';
import { findFont } from './font.ts';
import { segmentGraph, type Writing } from './video-graph.ts';

/** Writing whose files have yet to be written. */
export interface WritingInFiles extends Writing {
  /** Writes the texts that were asked for since; before ffmpeg reads them. */
  written(): Promise<void>;
}

/**
 * Texts go into files beside the pictures. Undefined without a font, or with an ffmpeg that cannot write: then nothing is written, and everything else is
 * as ever.
 */
export async function createWriting(
  workFolder: string,
  run: (some: FfmpegRun) => Promise<void>,
  log: Logger,
): Promise<WritingInFiles | undefined> {
  const fontFile = await findFont();
  if (fontFile === undefined) {
    log.warn('there is no font: names are left out of a composition');
    return undefined;
  }
  const names = new Map<string, string>();
  const waiting: [name: string, text: string][] = [];
  const writing = {
    fontFile,
    textFile(text: string) {
      const name = names.get(text) ?? `text-${names.size}.txt`;
      if (!names.has(text)) waiting.push([name, text]);
      names.set(text, name);
      return name;
    },
    async written() {
      for (const [name, text] of waiting.splice(0)) await writeFile(path.join(workFolder, name), text);
    },
  };
  try {
    const graph = segmentGraph({ tiles: [], zeroAtMs: 0, card: 'A', withNames: false }, writing);
    await writing.written();
    await run({
      inputs: [],
      complexFilter: graph,
      outputs: [{ target: '-', options: ['-map', '[out]', '-frames:v', '1', '-f', 'null'] }],
    });
    return writing;
  } catch (error) {
    if (!isGivenUp(error)) throw error;
    log.warn({ err: error }, 'ffmpeg cannot write: names are left out of a composition');
    return undefined;
  }
}
