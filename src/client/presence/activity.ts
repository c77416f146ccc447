import { Emitter, type Unsubscribe } from '../emitter.ts';

/** Tells whether somebody is at the device. */
export interface ActivitySource {
  /** Seconds since the user last touched the page. */
  idleSeconds(): number;
  /** Calls `listener` whenever the user touches it. */
  onActive(listener: () => void): Unsubscribe;
  /** Listens no more. */
  close(): void;
}

/** Events that come from a person. */
const touches = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const;

/** Pointer, keyboard, and the page coming into sight. Where there is no page somebody is always there. */
export function createPageActivity(): ActivitySource {
  const events = new Emitter<{ active: undefined }>();
  const page: Document | undefined = globalThis.document;
  let touchedAtMs = Date.now();
  const touched = (): void => {
    touchedAtMs = Date.now();
    events.emit('active', undefined);
  };
  const onVisibility = (): void => {
    if (page?.visibilityState === 'visible') touched();
  };
  for (const touch of touches) page?.addEventListener(touch, touched, { passive: true, capture: true });
  page?.addEventListener('visibilitychange', onVisibility);
  return {
    idleSeconds: () => (page === undefined ? 0 : Math.max(0, Math.floor((Date.now() - touchedAtMs) / 1000))),
    onActive: (listener) => events.on('active', listener),
    close() {
      for (const touch of touches) page?.removeEventListener(touch, touched, { capture: true });
      page?.removeEventListener('visibilitychange', onVisibility);
      events.clear();
    },
  };
}
