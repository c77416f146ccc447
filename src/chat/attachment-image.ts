import sharp, { type Metadata, type Sharp } from 'sharp';
import { AppError } from '../protocol/errors.ts';

/** Largest picture as a file: it is decoded whole. */
export const maxImageBytes = 32 * 1024 * 1024;
/** Largest picture when decoded, all frames of an animation together; 64 million pixels are 256 MB. Phones make 12 to 50 million. */
const maxPixels = 64_000_000;
const maxSeconds = 30;
const thumbnailPixels = 320;
const jpegQuality = 92;

/** A picture encoded anew, without anything beside the picture. */
export interface CleanImage {
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly extensions: readonly [string, ...string[]];
  readonly width: number;
  readonly height: number;
  /** WebP, at most 320 pixels wide and high. */
  readonly thumbnail: Buffer;
}

/** Decoding is for one core and one picture at a time: the same machine forwards media. */
sharp.concurrency(1);
sharp.cache(false);
let lastTurn: Promise<unknown> = Promise.resolve();

/**
 * Decodes a picture and encodes it anew, so that what it carried besides (EXIF with the place and time, XMP, IPTC, comments, a second file behind it)
 * is gone; it is turned first as its EXIF says. Formats stay what they are, animations too, but HEIF, which becomes JPEG.
 * Errors: `chat.unsupported_file` for what can't be decoded, and for pictures of more than 64 million pixels before they are decoded.
 */
export function cleanImage(file: Buffer): Promise<CleanImage> {
  const turn = lastTurn.then(() => clean(file));
  lastTurn = turn.catch(() => undefined);
  return turn;
}

async function clean(file: Buffer): Promise<CleanImage> {
  try {
    const metadata = await open(file).metadata();
    const isAnimated = (metadata.pages ?? 1) > 1;
    const oriented = isAnimated ? open(file, true) : open(file).autoOrient();
    const { encoder, mediaType, extensions } = encode(oriented, metadata);
    const { data, info } = await encoder.timeout({ seconds: maxSeconds }).toBuffer({ resolveWithObject: true });
    const thumbnail = await open(data)
      .resize({ width: thumbnailPixels, height: thumbnailPixels, fit: 'inside', withoutEnlargement: true })
      .webp({ quality: 75 })
      .timeout({ seconds: maxSeconds })
      .toBuffer();
    return { bytes: data, mediaType, extensions, width: info.width, height: info.pageHeight ?? info.height, thumbnail };
  } catch (cause) {
    throw new AppError('chat.unsupported_file', { message: 'The picture cannot be read.', cause });
  }
}

const open = (file: Buffer, animated = false): Sharp => sharp(file, { limitInputPixels: maxPixels, failOn: 'error', animated });

/** How a picture of this format is written again. */
function encode(image: Sharp, { format, depth, channels }: Metadata): Pick<CleanImage, 'mediaType' | 'extensions'> & { encoder: Sharp } {
  switch (format) {
    case 'jpeg':
    case 'heif':
      return {
        encoder: image.jpeg({ quality: jpegQuality, chromaSubsampling: '4:4:4' }),
        mediaType: 'image/jpeg',
        extensions: ['jpg', 'jpeg'],
      };
    case 'png': {
      // Radiographs have 16 bits a pixel.
      const deep = depth === 'ushort' ? image.toColourspace((channels ?? 3) < 3 ? 'grey16' : 'rgb16') : image;
      return { encoder: deep.png(), mediaType: 'image/png', extensions: ['png'] };
    }
    case 'webp':
      return { encoder: image.webp({ quality: jpegQuality }), mediaType: 'image/webp', extensions: ['webp'] };
    case 'gif':
      return { encoder: image.gif(), mediaType: 'image/gif', extensions: ['gif'] };
    default:
      throw new Error(`unexpected format ${format}`);
  }
}
