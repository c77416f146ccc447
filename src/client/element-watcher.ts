import { largest, type ShownSize } from './layers.ts';

/** How long the size has to rest before it is told, milliseconds: dragging a window is one change. */
const debounceMs = 200;
/** How long a new element may stay unseen before that is told: some pages show a picture only when its first frame is there. */
const firstSightMs = 3000;

interface Watched {
  size: ShownSize;
  isVisible: boolean;
}

/**
 * Watches the elements that show one picture and tells the size of the largest one visible, in device pixels; undefined: none is visible.
 * Outside a browser nothing is watched and nothing told.
 */
export class ElementWatcher {
  readonly #onChange: (size: ShownSize | undefined) => void;
  readonly #elements = new Map<Element, Watched>();
  #resizeObserver: ResizeObserver | undefined;
  #intersectionObserver: IntersectionObserver | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #told: ShownSize | undefined | 'nothing' = 'nothing';
  #closed = false;

  constructor(onChange: (size: ShownSize | undefined) => void) {
    this.#onChange = onChange;
  }

  /** Begins to watch; the first news of it comes without delay. */
  add(element: Element): void {
    if (this.#closed || this.#elements.has(element) || typeof ResizeObserver !== 'function' || typeof IntersectionObserver !== 'function')
      return;
    this.#observe();
    this.#elements.set(element, { size: { width: 0, height: 0 }, isVisible: false });
    this.#resizeObserver?.observe(element);
    this.#intersectionObserver?.observe(element);
  }

  /** Stops watching an element. */
  remove(element: Element): void {
    if (!this.#elements.delete(element)) return;
    this.#resizeObserver?.unobserve(element);
    this.#intersectionObserver?.unobserve(element);
    this.#schedule();
  }

  /** Stops everything. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#resizeObserver?.disconnect();
    this.#intersectionObserver?.disconnect();
    if (this.#resizeObserver !== undefined) document.removeEventListener('visibilitychange', this.#onVisibility);
    this.#elements.clear();
  }

  #observe(): void {
    if (this.#resizeObserver !== undefined) return;
    this.#resizeObserver = new ResizeObserver((entries) => {
      for (const { target, contentRect } of entries) this.#update(target, { size: inDevicePixels(contentRect) });
    });
    this.#intersectionObserver = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) this.#update(target, { isVisible: isIntersecting });
    });
    document.addEventListener('visibilitychange', this.#onVisibility);
  }

  readonly #onVisibility = (): void => this.#schedule();

  #update(element: Element, change: Partial<Watched>): void {
    const watched = this.#elements.get(element);
    if (watched === undefined) return;
    Object.assign(watched, change);
    this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    // What becomes visible is wanted now; everything else may rest first.
    const isAppearing = this.#shown() !== undefined && (this.#told === undefined || this.#told === 'nothing');
    this.#timer = setTimeout(() => this.#tell(), isAppearing ? 0 : this.#told === 'nothing' ? firstSightMs : debounceMs);
  }

  #tell(): void {
    const shown = this.#shown();
    const told = this.#told;
    if (told !== 'nothing' && told?.width === shown?.width && told?.height === shown?.height) return;
    this.#told = shown;
    this.#onChange(shown);
  }

  #shown(): ShownSize | undefined {
    if (document.hidden && !isInPictureInPicture(this.#elements.keys())) return undefined;
    return largest([...this.#elements.values()].filter(({ isVisible }) => isVisible).map(({ size }) => size));
  }
}

function inDevicePixels({ width, height }: { width: number; height: number }): ShownSize {
  const ratio = globalThis.devicePixelRatio || 1;
  return { width: Math.round(width * ratio), height: Math.round(height * ratio) };
}

function isInPictureInPicture(elements: Iterable<Element>): boolean {
  const floating = document.pictureInPictureElement;
  return floating !== null && floating !== undefined && [...elements].includes(floating);
}
