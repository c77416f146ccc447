import type { FastifyBaseLogger } from 'fastify';
import { z } from 'zod';
import type { HttpServer } from '../http-server.ts';

/** One thing the server depends on. A needed one that fails makes the server unready, another one only degraded. */
export interface DependencyCheck {
  readonly isNeeded: boolean;
  /** Rejects when the dependency can't be used; why is for the log, because anybody may ask. */
  readonly check: () => Promise<void>;
}

const checkTimeoutMs = 3_000;
const checkResult = z.object({ ok: z.boolean() });
const readiness = z.object({ status: z.enum(['ready', 'degraded', 'unready']), checks: z.record(z.string(), checkResult) });

/** `/healthz`: the process is up. `/readyz`: each dependency; 503 when one that is needed is down. */
export function registerHealthRoutes(server: HttpServer, dependencies: Readonly<Record<string, DependencyCheck>>): void {
  const tags = ['health'];
  server.get('/healthz', { schema: { tags, security: [], response: { 200: z.object({ status: z.literal('ok') }) } } }, () => ({
    status: 'ok' as const,
  }));

  server.get('/readyz', { schema: { tags, security: [], response: { 200: readiness, 503: readiness } } }, async (request, reply) => {
    const results = await Promise.all(
      Object.entries(dependencies).map(async ([name, { isNeeded, check }]) => ({
        name,
        isNeeded,
        result: await run(name, check, request.log),
      })),
    );
    const failed = results.filter(({ result }) => !result.ok);
    const isUnready = failed.some(({ isNeeded }) => isNeeded);
    return reply.status(isUnready ? 503 : 200).send({
      status: isUnready ? 'unready' : failed.length > 0 ? 'degraded' : 'ready',
      checks: Object.fromEntries(results.map(({ name, result }) => [name, result])),
    });
  });
}

async function run(dependency: string, check: DependencyCheck['check'], log: FastifyBaseLogger): Promise<z.infer<typeof checkResult>> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('no answer in time')), checkTimeoutMs);
  try {
    await Promise.race([check(), timeout]);
    return { ok: true };
  } catch (error) {
    log.warn({ dependency, err: error }, 'dependency is down');
    return { ok: false };
  } finally {
    clearTimeout(timer);
  }
}
