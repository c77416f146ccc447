import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kindOf, mediaCodecs, producerParametersOf, producerSettings } from '../../src/sfu/codecs.ts';
import { fromWireRtpCapabilities, fromWireRtpParameters } from '../../src/sfu/rtp-wire.ts';
import { opusParameters, SfuWorld, vp8Parameters } from './sfu-fixture.ts';

test('[SFU10] routers offer Opus, VP8, VP9, H.264 and AV1 in that order', async () => {
  await using world = await SfuWorld.start();
  const offered = (world.room.rtpCapabilities.codecs ?? [])
    .map(({ mimeType }) => mimeType)
    .filter((mimeType) => !mimeType.endsWith('/rtx'));
  assert.deepEqual(offered, ['audio/opus', 'video/VP8', 'video/VP9', 'video/H264', 'video/AV1']);
  assert.deepEqual(mediaCodecs[0]?.parameters, { useinbandfec: 1, usedtx: 1 });
});

test('[SFU10] stereo is for screen audio alone', () => {
  const stereo = fromWireRtpParameters(opusParameters(1, { 'sprop-stereo': 1, stereo: 1, useinbandfec: 1 }));
  assert.deepEqual(producerParametersOf('microphone', stereo).codecs[0]?.parameters, { useinbandfec: 1 });
  assert.deepEqual(producerParametersOf('screenAudio', stereo).codecs[0]?.parameters, { 'sprop-stereo': 1, stereo: 1, useinbandfec: 1 });
  const stereoSources = Object.entries(producerSettings).filter(([, { codecOptions }]) => codecOptions.opusStereo === true);
  assert.deepEqual(
    stereoSources.map(([source]) => source),
    ['screenAudio'],
  );
});

test('[SFU10] cameras send three layers, screens one, which may stand still', () => {
  const layerCounts = Object.entries(producerSettings).map(([source, { encodings }]) => [source, encodings.length]);
  assert.deepEqual(layerCounts, [
    ['microphone', 1],
    ['camera', 3],
    ['screen', 1],
    ['screenAudio', 1],
  ]);
  const screen = producerParametersOf('screen', fromWireRtpParameters(vp8Parameters(1)));
  assert.deepEqual(screen.encodings, [{ ssrc: 1, dtx: true }]);
  const camera = producerParametersOf('camera', fromWireRtpParameters(vp8Parameters(1)));
  assert.deepEqual(camera.encodings, [{ ssrc: 1 }]);
});

test('[SFU10] the kind follows from the source', () => {
  assert.deepEqual((['microphone', 'camera', 'screen', 'screenAudio'] as const).map(kindOf), ['audio', 'video', 'video', 'audio']);
});

test('[SFU11] what the worker does not know is left out of what browsers say', () => {
  const unknown = 'urn:example:unknown';
  const known = 'urn:ietf:params:rtp-hdrext:sdes:mid';
  const parameters = fromWireRtpParameters({
    ...vp8Parameters(1),
    headerExtensions: [
      { uri: unknown, id: 1 },
      { uri: known, id: 2 },
    ],
    encodings: [
      { ssrc: 1, maxBitrate: 1.5 },
      { ssrc: 2, maxBitrate: 2_000 },
    ],
  });
  assert.deepEqual(parameters.headerExtensions, [{ uri: known, id: 2 }]);
  assert.deepEqual(parameters.encodings, [{ ssrc: 1 }, { ssrc: 2, maxBitrate: 2_000 }]);
  const capabilities = fromWireRtpCapabilities({
    codecs: [{ kind: 'video', mimeType: 'video/VP8', clockRate: 90_000 }],
    headerExtensions: [{ kind: 'video', uri: unknown, preferredId: 1 }],
  });
  assert.deepEqual(capabilities, { codecs: [], headerExtensions: [] });
});
