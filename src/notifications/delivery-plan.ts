import type { NotificationPriority, NotificationSettings } from '../protocol/notification.ts';
import { quietUntil } from './quiet-hours.ts';

const minuteMs = 60_000;
/** How long a message may stay unread before it is mailed. */
const messageMailDelayMs = 10 * minuteMs;
/** How long before an appointment its participants are reminded. */
export const reminderLeadMs = 15 * minuteMs;
/** After this nobody is told outside the page any more; longer than any quiet hours. */
const lifetimeMs = 48 * 60 * minuteMs;

/** What decides where a notification goes. */
export interface Deliverable {
  readonly type: string;
  readonly priority: NotificationPriority;
  readonly createdAt: Date;
}

/** When a notification is told outside the page; undefined: not by that channel. */
export interface DeliveryPlan {
  readonly pushAt: Date | undefined;
  readonly mailAt: Date | undefined;
}

/** When pushing or mailing it comes too late. */
export function expiryOf({ type, createdAt }: Deliverable): Date {
  return new Date(createdAt.getTime() + (type === 'appointment.reminder' ? reminderLeadMs : lifetimeMs));
}

/**
 * When to push and to mail: at once, messages after they were unread for a while, and in quiet hours at their end unless it is urgent. Mailed are
 * missed calls, reminders, messages, and otherwise what is of high priority.
 */
export function planDelivery(notification: Deliverable, settings: NotificationSettings, now: Date): DeliveryPlan {
  const expiresAt = expiryOf(notification);
  const later = (at: Date) => {
    const quietEnd = quietEndFor(notification, settings, at) ?? at;
    return quietEnd < expiresAt ? quietEnd : undefined;
  };
  return {
    pushAt: settings.push ? later(now) : undefined,
    mailAt: settings.email && isMailed(notification) ? later(notBefore(now, mailableAt(notification))) : undefined,
  };
}

/** When the quiet hours that hold a notification back at a moment end; undefined when none do. */
export function quietEndFor({ priority }: Pick<Deliverable, 'priority'>, { quietHours }: NotificationSettings, at: Date): Date | undefined {
  return quietHours === null || priority === 'urgent' ? undefined : quietUntil(at, quietHours);
}

function isMailed({ type, priority }: Deliverable): boolean {
  return type === 'message.received' || priority === 'high' || priority === 'urgent';
}

function mailableAt({ type, createdAt }: Deliverable): Date {
  return type === 'message.received' ? new Date(createdAt.getTime() + messageMailDelayMs) : createdAt;
}

const notBefore = (at: Date, earliest: Date) => (at < earliest ? earliest : at);
