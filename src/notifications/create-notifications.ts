import type { Database } from '../db/database.ts';
import type { FactMap, Facts } from '../facts.ts';
import type { JobHandlers } from '../jobs/job-queue.ts';
import type { Logger } from '../log.ts';
import type { Notifier } from '../notifier.ts';
import type { KeyRing } from '../storage/key-ring.ts';
import { createCallNotifications } from './call-notifications.ts';
import { createDeliveryJobs } from './delivery-jobs.ts';
import { createMailer } from './email.ts';
import { createMessageNotifications } from './message-notifications.ts';
import { createNotificationSeal } from './notification-seal.ts';
import { createNotificationService } from './notification-service.ts';
import { createNotificationWriter } from './notification-writer.ts';
import type { PushOutlet } from './push-address.ts';
import { createPushService } from './push-service.ts';
import { createRecordingNotifications } from './recording-notifications.ts';
import { createReminders, type Reminded } from './reminders.ts';
import { createSettingsService } from './settings-service.ts';
import { createWebPush } from './web-push.ts';

export type NotificationJobs = Pick<JobHandlers, Extract<keyof JobHandlers, `notifications:${string}`>>;

/** Puts the parts of notifications together, and listens to what has happened. */
export function createNotifications(parts: {
  db: Database;
  facts: Facts;
  notifier: Notifier;
  log: Logger;
  keyRing: KeyRing;
  /** 32 random bytes that all servers share. */
  pushSecret: Buffer;
  pushOutlet: PushOutlet;
  smtp: { url: string | undefined; from: string };
  publicUrl: () => string;
  ringSeconds: number;
  findAttentive: (userIds: readonly string[]) => Promise<Set<string>>;
  findAppointment: (appointmentId: string) => Promise<Reminded | undefined>;
  textOfMessage: (messageId: string) => Promise<string | undefined>;
}) {
  const { db, facts, notifier, log, keyRing, pushOutlet, smtp, publicUrl } = parts;
  const seal = createNotificationSeal(keyRing, log);
  const writer = createNotificationWriter({ db, notifier, seal });
  const notifications = createNotificationService({ db, notifier, seal, writer });
  const webPush = createWebPush({ secret: parts.pushSecret, subject: () => complaintsTo(publicUrl(), smtp.from), outlet: pushOutlet });
  const mailer = smtp.url === undefined ? undefined : createMailer({ url: smtp.url, from: smtp.from });
  const delivery = createDeliveryJobs({ db, log, seal, webPush, mailer, publicUrl, textOfMessage: parts.textOfMessage });
  const calls = createCallNotifications({ db, log, notifications, webPush, ringSeconds: parts.ringSeconds });
  const messages = createMessageNotifications({ db, notifications, writer, findAttentive: parts.findAttentive });
  const reminders = createReminders({ db, notifications, findAppointment: parts.findAppointment });

  const recordings = createRecordingNotifications({ db, notifications });

  const underWay = new Set<Promise<void>>();
  let closed = false;
  /** A listener that works on facts of its kind one after another, unless `work` gathers them itself; it never throws. */
  function listener<F>(name: keyof FactMap, work: (fact: F) => Promise<void>, { gathers = false } = {}): (fact: F) => void {
    let last = Promise.resolve();
    return (fact) => {
      if (closed) return;
      const done = (gathers ? work(fact) : last.then(() => work(fact)))
        .catch((error: unknown) => log.error({ err: error, fact: name }, 'users were not notified'))
        .finally(() => underWay.delete(done));
      underWay.add(done);
      last = done;
    };
  }
  facts.on('message.created', listener('message.created', messages.created, { gathers: true }));
  facts.on('conversation.read', listener('conversation.read', messages.read, { gathers: true }));
  facts.on('call.rang', listener('call.rang', calls.rang));
  facts.on('call.changed', listener('call.changed', calls.changed));
  facts.on('recording.requested', listener('recording.requested', recordings.requested));
  facts.on('appointment.declared', listener('appointment.declared', reminders.declared));
  facts.on('appointment.removed', listener('appointment.removed', reminders.removed));

  const jobs: NotificationJobs = {
    ...delivery,
    ...calls.jobs,
    ...reminders.jobs,
    'notifications:removeOld': async () => {
      const removed = await notifications.removeOld();
      if (removed > 0) log.info({ removed }, 'old notifications were removed');
    },
    'notifications:reseal': async () => {
      const looked = await notifications.reseal(keyRing.formerKeyIds);
      if (looked > 0) log.info({ notifications: looked, keyId: keyRing.currentKeyId }, 'notifications sealed by the current key');
    },
  };

  return {
    notifications,
    settings: createSettingsService({ db }),
    push: createPushService({ db, publicKey: webPush.publicKey, outlet: pushOutlet }),
    jobs,

    /** Hears no more facts and waits for those that were heard; idempotent. */
    async close(): Promise<void> {
      closed = true;
      while (underWay.size > 0) await Promise.all(underWay);
      webPush.close();
    },
  };
}

/** Whom a push service may complain to (RFC 8292, section 2.1): the server's address, else the sender of its e-mails. */
function complaintsTo(publicUrl: string, mailFrom: string): string {
  if (publicUrl.startsWith('https://')) return publicUrl;
  const [, address = mailFrom] = /<([^<>]+)>\s*$/.exec(mailFrom) ?? [];
  return `mailto:${address}`;
}
