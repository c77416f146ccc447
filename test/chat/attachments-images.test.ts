import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { startFiles } from './attachments-fixture.ts';

/** Left half red, right half blue, 60 × 40. */
const picture = () =>
  sharp({ create: { width: 60, height: 40, channels: 3, background: 'red' } }).composite([
    { input: { create: { width: 30, height: 40, channels: 3, background: 'blue' } }, left: 30, top: 0 },
  ]);
const exif = {
  IFD0: { Make: 'SECRETCAM', Software: 'SECRETSOFT', Artist: 'SECRETNAME' },
  IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '21/1 1/1 42/1', GPSLongitudeRef: 'E', GPSLongitude: '105/1 51/1 15/1' },
};

test('[AT20] a photo loses its place, time, camera and what hangs behind it, and stands upright', async () => {
  await using files = await startFiles();
  const { data: pixels, info: raw } = await picture().raw().toBuffer({ resolveWithObject: true });
  const photo = await sharp(pixels, { raw: { width: raw.width, height: raw.height, channels: raw.channels } })
    .withExif(exif)
    .withMetadata({ orientation: 6 })
    .jpeg({ quality: 95 })
    .toBuffer();
  assert.ok((await sharp(photo).metadata()).exif, 'the photo has EXIF');
  const file = await files.upload('doctor', Buffer.concat([photo, Buffer.from('SECRETTAIL')]), 'photo.jpeg');
  assert.deepEqual([file.kind, file.mediaType, file.name, file.width, file.height], ['image', 'image/jpeg', 'photo.jpeg', 40, 60]);
  const { body } = await files.content('doctor', file);
  assert.equal(body.length, file.bytes);
  const metadata = await sharp(body).metadata();
  assert.deepEqual([metadata.exif, metadata.xmp, metadata.iptc, metadata.orientation], [undefined, undefined, undefined, undefined]);
  assert.equal(body.indexOf('SECRET'), -1);
  // Turned by 90° clockwise, left becomes top.
  const [top, bottom] = await Promise.all(
    [5, 55].map((y) => sharp(body).extract({ left: 20, top: y, width: 1, height: 1 }).raw().toBuffer()),
  );
  assert.ok(top && bottom && top[0]! > 200 && bottom[2]! > 200, 'red is above, blue below');
});

test('[AT21] a picture has a thumbnail, WebP of at most 320 pixels, without metadata', async () => {
  await using files = await startFiles();
  const large = await picture().resize(1_000, 500, { fit: 'fill' }).withExif(exif).png().toBuffer();
  const file = await files.upload('doctor', large, 'x.png');
  assert.equal(file.hasThumbnail, true);
  const { status, headers, body } = await files.send('GET', `attachments/${file.attachmentId}/thumbnail`, 'doctor');
  assert.equal(status, 200);
  assert.equal(headers.get('content-type'), 'image/webp');
  const { width, height, format, exif: left } = await sharp(body).metadata();
  assert.deepEqual([width, height, format, left], [320, 160, 'webp', undefined]);
  const again = await files.send('GET', `attachments/${file.attachmentId}/thumbnail`, 'doctor', {
    headers: { 'if-none-match': headers.get('etag') ?? '' },
  });
  assert.equal(again.status, 304);
  const text = await files.upload('doctor', 'x', 'x.txt');
  assert.equal(
    (await files.send('GET', `attachments/${text.attachmentId}/thumbnail`, 'doctor')).body.error.code,
    'chat.attachment_not_found',
  );
});

test('[AT22] formats stay what they are: transparency, animation, 16 bits; AVIF becomes JPEG', async () => {
  await using files = await startFiles();
  const clear = await sharp({ create: { width: 8, height: 8, channels: 4, background: '#f008' } })
    .png()
    .toBuffer();
  const frames = await sharp([await picture().png().toBuffer(), await picture().negate().png().toBuffer()], { join: { animated: true } })
    .gif({ delay: [100, 100] })
    .toBuffer();
  const deep = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .toColourspace('rgb16')
    .png()
    .toBuffer();
  const png = await files.upload('doctor', clear, 'a.png');
  assert.equal((await sharp((await files.content('doctor', png)).body).metadata()).hasAlpha, true);
  const gif = await files.upload('doctor', frames, 'a.gif');
  assert.deepEqual([gif.width, gif.height, gif.mediaType], [60, 40, 'image/gif']);
  assert.equal((await sharp((await files.content('doctor', gif)).body, { animated: true }).metadata()).pages, 2);
  const radiograph = await files.upload('doctor', deep, 'a.png');
  assert.equal((await sharp((await files.content('doctor', radiograph)).body).metadata()).depth, 'ushort');
  const webp = await files.upload('doctor', await picture().webp().toBuffer(), 'a.jpg');
  assert.deepEqual([webp.name, webp.mediaType], ['a.webp', 'image/webp']);
  const avif = await files.upload('doctor', await picture().avif().toBuffer(), 'a.avif');
  assert.deepEqual([avif.name, avif.mediaType, avif.width, avif.height], ['a.jpg', 'image/jpeg', 60, 40]);
});

test('[AT23] a picture that unfolds to too many pixels, is cut, or is none, is refused before it is decoded, and nothing is left', async () => {
  await using files = await startFiles();
  const chunk = (type: string, data: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, Buffer.from(type), data, Buffer.alloc(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(50_000, 0);
  header.writeUInt32BE(50_000, 4);
  header.set([8, 2], 8);
  const bomb = Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(8 * 1024 * 1024))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  const whole = await picture().jpeg().toBuffer();
  const memory = process.memoryUsage().rss;
  for (const [name, bytes] of Object.entries({ bomb, cut: whole.subarray(0, whole.length / 2), head: whole.subarray(0, 20) })) {
    const { status, body } = await files.post('doctor', ['file', bytes, 'x.png']);
    assert.deepEqual([status, body.error?.code], [415, 'chat.unsupported_file'], name);
  }
  assert.ok(process.memoryUsage().rss - memory < 500_000_000, 'the bomb was not unfolded');
  assert.deepEqual(files.blobs(), []);
  assert.deepEqual(await files.rows(), { attachments: 0, sweeps: 0 });
});
