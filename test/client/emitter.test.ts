import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Emitter } from '../../src/client/emitter.ts';

describe('[SDK17] events reach everybody who listens, and nobody who has stopped', () => {
  test('in order, until taken away', () => {
    const emitter = new Emitter<{ said: string }>();
    const heard: string[] = [];
    const off = emitter.on('said', (word) => heard.push(`a ${word}`));
    emitter.on('said', (word) => heard.push(`b ${word}`));
    emitter.emit('said', 'one');
    off();
    off();
    emitter.emit('said', 'two');
    assert.deepEqual(heard, ['a one', 'b one', 'b two']);
    assert.equal(emitter.listenerCount, 1);
    emitter.clear();
    assert.equal(emitter.listenerCount, 0);
  });
  test('one that throws keeps the others from nothing', (t) => {
    const report = t.mock.method(console, 'error', () => undefined);
    const emitter = new Emitter<{ said: string }>();
    let heard = 0;
    emitter.on('said', () => {
      throw new Error('broken');
    });
    emitter.on('said', () => heard++);
    emitter.emit('said', 'x');
    assert.equal(heard, 1);
    assert.equal(report.mock.callCount(), 1);
  });
});
