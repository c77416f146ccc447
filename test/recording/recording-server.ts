// A process that records what it sends itself into the folder given, tells its parent the ids of its ffmpegs, and waits to be killed.
import { pino } from 'pino';
import { Recorder } from '../../src/recording/recorder.ts';
import { SfuWorld } from '../sfu/sfu-fixture.ts';
import { waitFor } from '../support/wait-for.ts';
import { findFfmpeg, testPorts } from './recording-fixture.ts';

const directory = process.argv[2] ?? '';
const world = await SfuWorld.start();
const recorder = await Recorder.start({
  recordingId: 'recording-1',
  directory,
  ffmpeg: await findFfmpeg(),
  ports: testPorts(),
  people: () => [{ userId: 'a', displayName: 'Person a' }],
  userIdOf: (peerId) => peerId,
  isRecorded: () => true,
  log: pino({ enabled: false }),
});
recorder.attach(world.room);
const { client } = await world.enter('a');
await client.publishVideo();
await client.publishAudio();
await waitFor('both ffmpegs to run', () => recorder.pids.length === 2);
process.send?.(recorder.pids);
