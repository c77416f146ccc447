import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { type RecordingStatus, recordingStatus } from '../../src/protocol/recording.ts';
import { drawRecordingTable, isLive, next, type RecordingEvent } from '../../src/recording/recording-state.ts';

const events: RecordingEvent[] = ['start', 'refuse', 'pause', 'resume', 'stop', 'complete', 'fail', 'retry'];

test('[RX9] a recording goes from requested by recording, paused and processing to ready', () => {
  const path: [RecordingEvent, RecordingStatus][] = [
    ['start', 'recording'],
    ['pause', 'paused'],
    ['resume', 'recording'],
    ['stop', 'processing'],
    ['complete', 'ready'],
  ];
  let status: RecordingStatus = 'requested';
  for (const [event, to] of path) {
    assert.equal(next(status, event), to);
    status = to;
  }
});

test('[RX9] whatever happens: nothing is recorded before the start or after the stop, and what is refused stays so', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...events), { maxLength: 30 }), (happened) => {
      let status: RecordingStatus = 'requested';
      let isStarted = false;
      let isStopped = false;
      for (const event of happened) {
        const after = next(status, event);
        if (after === undefined) continue;
        if (event === 'start') isStarted = true;
        if (['stop', 'refuse', 'fail'].includes(event)) isStopped = true;
        if (after === 'recording' || after === 'paused') assert.ok(isStarted && !isStopped);
        if (after === 'ready') assert.ok(isStopped);
        assert.notEqual(status, 'refused');
        assert.ok(!isLive(after) || !isStopped);
        status = after;
      }
    }),
  );
  for (const status of recordingStatus.options) for (const event of events) assert.notEqual(next(status, event), 'requested');
});

test('[RX9] the documented table is the table', () => {
  const page = readFileSync(new URL('../../docs/recording.md', import.meta.url), 'utf8');
  assert.ok(page.includes(drawRecordingTable()));
});
