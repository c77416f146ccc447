/** How many users one request may name. */
const maxUserIds = 200;

/** What is to be asked of the server; each list is one request. */
export interface WatchChanges {
  readonly subscribe: readonly (readonly string[])[];
  readonly unsubscribe: readonly (readonly string[])[];
}

/** Counts who is watched by how many, and what of it the server does not know yet. */
export class WatchList {
  readonly #counts = new Map<string, number>();
  readonly #subscribed = new Set<string>();

  /** Whether anybody watches this user. */
  has(userId: string): boolean {
    return this.#counts.has(userId);
  }

  /** One more watches each of them. */
  add(userIds: Iterable<string>): void {
    for (const userId of userIds) this.#counts.set(userId, (this.#counts.get(userId) ?? 0) + 1);
  }

  /** One less does. */
  remove(userIds: Iterable<string>): void {
    for (const userId of userIds) {
      const count = this.#counts.get(userId) ?? 0;
      if (count > 1) this.#counts.set(userId, count - 1);
      else this.#counts.delete(userId);
    }
  }

  /** What the server is to be told; from now on it counts as told. */
  take(): WatchChanges {
    const wanted = [...this.#counts.keys()].filter((userId) => !this.#subscribed.has(userId));
    const unwanted = [...this.#subscribed].filter((userId) => !this.#counts.has(userId));
    for (const userId of wanted) this.#subscribed.add(userId);
    for (const userId of unwanted) this.#subscribed.delete(userId);
    return { subscribe: inParts(wanted), unsubscribe: inParts(unwanted) };
  }

  /** The server does not know of these, after all. */
  failed(userIds: Iterable<string>): void {
    for (const userId of userIds) this.#subscribed.delete(userId);
  }

  /** The server has forgotten everything. */
  reset(): void {
    this.#subscribed.clear();
  }
}

function inParts(userIds: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(userIds.length / maxUserIds) }, (_, part) =>
    userIds.slice(part * maxUserIds, (part + 1) * maxUserIds),
  );
}
