/** A wait that may be cut short; one at a time. */
export class BreakableDelay {
  #end: (() => void) | undefined;

  /** Resolves after that time, or as soon as it is ended. */
  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#end = undefined;
        resolve();
      };
      const timer = setTimeout(finish, delayMs);
      this.#end = finish;
    });
  }

  /** Ends the wait under way, if there is one. */
  end(): void {
    this.#end?.();
  }
}
