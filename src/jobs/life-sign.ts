import type pg from 'pg';
import type { Logger } from '../log.ts';

/** How often workers say that they are alive, in milliseconds. */
const sayEveryMs = 10_000;
/** Workers that have said nothing for so long are dead; longer than any pause of a living server's. */
const deadAfterSeconds = 40;

/**
 * The library keeps the jobs of a killed server for hours. Here workers say every few seconds that they are alive, and what those hold that say so no
 * more is free for others.
 */
export class LifeSign {
  readonly #pool: pg.Pool;
  readonly #log: Logger;
  readonly #poolIds: () => readonly string[];
  #timer: NodeJS.Timeout | undefined;
  #saying: Promise<void> | undefined;
  #closed = false;

  constructor({ pool, log, poolIds }: { pool: pg.Pool; log: Logger; poolIds: () => readonly string[] }) {
    this.#pool = pool;
    this.#log = log;
    this.#poolIds = poolIds;
    this.#say();
  }

  #say(): void {
    this.#saying = this.#tell()
      .catch((error: unknown) => this.#log.warn({ err: error }, 'dead workers could not be looked for; trying again'))
      .finally(() => {
        if (!this.#closed) this.#timer = setTimeout(() => this.#say(), sayEveryMs);
      });
  }

  async #tell(): Promise<void> {
    await this.#pool.query(
      'insert into job_pools (pool_id) select unnest($1::text[]) on conflict (pool_id) do update set seen_at = now()',
      [this.#poolIds()],
    );
    const { rows } = await this.#pool.query<{ pool_id: string }>(
      `with dead as (delete from job_pools where seen_at < now() - make_interval(secs => $1) returning pool_id)
       select pool_id from dead
       union select locked_by from graphile_worker.jobs
       where locked_at < now() - make_interval(secs => $1) and locked_by not in (select pool_id from job_pools)`,
      [deadAfterSeconds],
    );
    if (rows.length === 0) return;
    const ids = rows.map(({ pool_id }) => pool_id);
    await this.#pool.query('select graphile_worker.force_unlock_workers($1::text[])', [ids]);
    this.#log.warn({ workers: ids.length }, 'jobs of dead workers are free again');
  }

  /** Waits for what is under way; no timer runs after this. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#saying;
    clearTimeout(this.#timer);
  }
}
