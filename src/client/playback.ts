/** Elements that the browser does not let play before the user has clicked. */
export class Playback {
  readonly #blocked = new Set<HTMLMediaElement>();
  readonly #onChanged: (isBlocked: boolean) => void;

  constructor(onChanged: (isBlocked: boolean) => void) {
    this.#onChanged = onChanged;
  }

  get isBlocked(): boolean {
    return this.#blocked.size > 0;
  }

  /** Remembers an element that was refused. */
  block(element: HTMLMediaElement): void {
    const before = this.isBlocked;
    this.#blocked.add(element);
    if (!before) this.#onChanged(true);
  }

  /** Tries all of them again; to be called from a click. Those that are refused once more stay. */
  async start(): Promise<void> {
    const elements = [...this.#blocked];
    this.#blocked.clear();
    await Promise.all(
      elements.map((element) =>
        element.play().catch((error: unknown) => {
          if (error instanceof Error && error.name === 'NotAllowedError') this.#blocked.add(element);
        }),
      ),
    );
    this.#onChanged(this.isBlocked);
  }

  /** Forgets them. */
  clear(): void {
    this.#blocked.clear();
  }
}
