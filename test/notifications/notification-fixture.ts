import assert from 'node:assert/strict';
import type { JobMap } from '../../src/jobs/job-queue.ts';
import type { Notification } from '../../src/protocol/notification.ts';
import type { Person } from '../chat/chat-fixture.ts';
import type { TestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

/** The host application's word to somebody; answers the notifications' ids. */
export async function post(app: TestApp, body: Record<string, unknown>): Promise<string[]> {
  const answer = await app.rest('POST', 'notifications', {
    token: app.tokenFor('portal', 'service'),
    body: { type: 'portal.news', title: 'News', ...body },
  });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body.notificationIds;
}

/** Somebody's newest notifications. */
export async function notificationsOf(somebody: Person): Promise<Notification[]> {
  const { status, body } = await somebody.rest('GET', 'notifications?limit=100');
  assert.equal(status, 200, JSON.stringify(body));
  return body.notifications;
}

/** Resolves when somebody has so many notifications; answers them. */
export async function waitForNotifications(somebody: Person, count: number): Promise<Notification[]> {
  await waitFor(`${count} notifications`, async () => (await notificationsOf(somebody)).length === count);
  return await notificationsOf(somebody);
}

/** Jobs of notifications that are waiting or under way, with their time. */
export function jobsOf(app: TestApp, name = '%') {
  return app.sql<{ task: string; key: string | null; run_at: Date; attempts: number }>(
    `select t.identifier as task, j.key, j.run_at, j.attempts from graphile_worker._private_jobs j
     join graphile_worker._private_tasks t on t.id = j.task_id where t.identifier like $1 order by j.id`,
    [`notifications:${name}`],
  );
}

/** Resolves when no job of notifications is due. */
export async function jobsDone(app: TestApp): Promise<void> {
  await waitFor('all jobs that are due', async () => (await jobsOf(app)).every(({ run_at }) => run_at > new Date()));
}

/** Says that a call was missed, as its part of the server does. */
export async function missCall(app: TestApp, call: JobMap['notifications:missedCall']): Promise<void> {
  await app.sql("select graphile_worker.add_job('notifications:missedCall', $1::json)", [JSON.stringify(call)]);
}

/** Makes waiting jobs due. */
export async function makeDue(app: TestApp, name = '%'): Promise<void> {
  await app.sql(
    `update graphile_worker._private_jobs set run_at = now() where locked_at is null
     and task_id in (select id from graphile_worker._private_tasks where identifier like $1)`,
    [`notifications:${name}`],
  );
  await app.sql("select pg_notify('jobs:insert', '{\"count\":1}')");
}

/** Changes somebody's settings. */
export async function set(somebody: Person, changes: Record<string, unknown>): Promise<void> {
  const { status, body } = await somebody.rest('PATCH', 'notifications/settings', changes);
  assert.equal(status, 200, JSON.stringify(body));
}

/** Quiet hours that have begun an hour ago and end in another, by UTC. */
export function quietNow() {
  const clock = (at: number) => new Date(at).toISOString().slice(11, 16);
  return { from: clock(Date.now() - 3_600_000), to: clock(Date.now() + 3_600_000), timeZone: 'UTC' };
}
