import { isSubject } from '@reactor/core';

/** Everything goes over one channel: a listener has one connection, however many subjects there are. */
export const EVENTS_CHANNEL = 'reactor_events';

/** PostgreSQL takes less than 8000 bytes. */
const MAX_NOTIFICATION_BYTES = 7_999;

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** An event as it travels: with its payload, or with the id under which that is kept. */
export type Notification =
  | { readonly subject: string; readonly payload: string }
  | { readonly subject: string; readonly id: string };

/** `<subject>`, `<subject> <payload>` or `<subject>#<id>`; undefined when it is too long for PostgreSQL. */
export function encodeNotification(notification: Notification): string | undefined {
  const { subject } = notification;
  if ('id' in notification) return `${subject}#${notification.id}`;
  const text = notification.payload === '' ? subject : `${subject} ${notification.payload}`;
  return Buffer.byteLength(text) > MAX_NOTIFICATION_BYTES ? undefined : text;
}

/** Undefined for what is not an event: anybody may NOTIFY. */
export function decodeNotification(text: string): Notification | undefined {
  const [, subject = '', separator, rest = ''] = /^([^ #]*)(?:([ #])(.*))?$/s.exec(text) ?? [];
  if (!isSubject(subject)) return undefined;
  if (separator !== '#') return { subject, payload: rest };
  return ID.test(rest) ? { subject, id: rest } : undefined;
}
