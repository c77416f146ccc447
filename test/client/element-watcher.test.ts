import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { ElementWatcher } from '../../src/client/element-watcher.ts';
import type { ShownSize } from '../../src/client/layers.ts';

type Callback = (entries: { target: object; contentRect?: ShownSize; isIntersecting?: boolean }[]) => void;

/** The browser's observers and document, moved by a test. */
function page(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const observed = { resize: new Set<object>(), intersection: new Set<object>(), visibility: new Set<() => void>() };
  const tell: { resize?: Callback; intersection?: Callback } = {};
  const observer = (kind: 'resize' | 'intersection') =>
    class {
      constructor(callback: Callback) {
        tell[kind] = callback;
      }
      observe(element: object) {
        observed[kind].add(element);
      }
      unobserve(element: object) {
        observed[kind].delete(element);
      }
      disconnect() {
        observed[kind].clear();
      }
    };
  const document = {
    hidden: false,
    pictureInPictureElement: null as object | null,
    addEventListener: (_event: string, listener: () => void) => observed.visibility.add(listener),
    removeEventListener: (_event: string, listener: () => void) => observed.visibility.delete(listener),
  };
  const globals = { ResizeObserver: observer('resize'), IntersectionObserver: observer('intersection'), document, devicePixelRatio: 2 };
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, configurable: true });
  t.after(() => {
    for (const name of Object.keys(globals)) Reflect.deleteProperty(globalThis, name);
  });
  const told: (ShownSize | undefined)[] = [];
  const watcher = new ElementWatcher((size) => told.push(size));
  const element = {} as Element;
  return {
    watcher,
    told,
    element,
    observed,
    document,
    resize: (width: number, height: number, target = element) => tell.resize?.([{ target, contentRect: { width, height } }]),
    show: (isIntersecting: boolean, target = element) => tell.intersection?.([{ target, isIntersecting }]),
    hidePage(hidden: boolean) {
      document.hidden = hidden;
      for (const listener of observed.visibility) listener();
    },
    pass: (ms: number) => t.mock.timers.tick(ms),
  };
}

/** A page with one element of 160 × 90 CSS pixels in sight. */
function seen(t: TestContext) {
  const subject = page(t);
  subject.watcher.add(subject.element);
  subject.resize(160, 90);
  subject.show(true);
  subject.pass(0);
  assert.deepEqual(subject.told.splice(0), [{ width: 320, height: 180 }]);
  return subject;
}

describe('[SDK27] the size and visibility of what is shown are followed', () => {
  test('what comes into sight is told at once, in device pixels', (t) => void seen(t));

  test('a size is told once it rests', (t) => {
    const { resize, pass, told } = seen(t);
    for (const width of [200, 240, 280]) {
      resize(width, 90);
      pass(199);
    }
    assert.deepEqual(told, []);
    pass(1);
    assert.deepEqual(told, [{ width: 560, height: 180 }]);
  });

  test('out of sight, and back', (t) => {
    const { show, pass, told } = seen(t);
    show(false);
    pass(200);
    show(true);
    pass(0);
    assert.deepEqual(told, [undefined, { width: 320, height: 180 }]);
  });

  test('a page in the background shows nothing, but for a floating picture', (t) => {
    const { hidePage, document, element, pass, told } = seen(t);
    hidePage(true);
    pass(200);
    assert.deepEqual(told, [undefined]);
    document.pictureInPictureElement = element;
    hidePage(true);
    pass(0);
    assert.deepEqual(told, [undefined, { width: 320, height: 180 }]);
  });

  test('a new element may stay unseen for three seconds, until its first frame is there', (t) => {
    const { watcher, element, show, resize, pass, told } = page(t);
    watcher.add(element);
    resize(0, 0);
    show(false);
    pass(2999);
    assert.deepEqual(told, []);
    pass(1);
    assert.deepEqual(told, [undefined]);
  });

  test('of two elements the larger counts, and when it goes the other', (t) => {
    const { watcher, resize, show, pass, told } = seen(t);
    const stage = {} as Element;
    watcher.add(stage);
    resize(640, 360, stage);
    show(true, stage);
    pass(200);
    watcher.remove(stage);
    pass(200);
    assert.deepEqual(told, [
      { width: 1280, height: 720 },
      { width: 320, height: 180 },
    ]);
  });

  test('closed, nothing is watched or told', (t) => {
    const { watcher, element, observed, resize, pass, told } = seen(t);
    resize(500, 500);
    watcher.close();
    watcher.close();
    watcher.add(element);
    pass(10_000);
    assert.deepEqual(told, []);
    assert.deepEqual([observed.resize.size, observed.intersection.size, observed.visibility.size], [0, 0, 0]);
  });
});
