import { createTransport } from 'nodemailer';

const timeouts = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 };
/** Answers of a mail server that will be the same next time (RFC 5321, section 4.2.1). */
const firstPermanent = 500;

/** An e-mail to one person. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  /** The same each time it is tried, so that a mail program shows it once. */
  readonly messageId: string;
  readonly language: string;
  readonly text: string;
  readonly html: string;
}

/** Hands e-mails in. */
export interface Mailer {
  /** Answers whether it was taken; `refused` when that will not change. Throws when it may be tried again. */
  send(mail: Mail): Promise<'sent' | 'refused'>;
}

/** Hands e-mails in at an SMTP server, a connection each. */
export function createMailer({ url, from }: { url: string; from: string }): Mailer {
  const transport = createTransport({ url, ...timeouts, disableFileAccess: true, disableUrlAccess: true });
  return {
    async send({ to, subject, messageId, language, text, html }) {
      try {
        await transport.sendMail({
          from,
          // As an object it is one address, whatever it looks like.
          to: { name: '', address: to },
          subject: inOneLine(subject),
          messageId,
          text,
          html,
          headers: { 'Auto-Submitted': 'auto-generated', 'Content-Language': language },
        });
        return 'sent';
      } catch (error) {
        const { code = 'unknown', responseCode, command } = error as { code?: string; responseCode?: number; command?: string };
        const isAboutThisOne = command === 'RCPT TO' || command === 'DATA';
        if (isAboutThisOne && responseCode !== undefined && responseCode >= firstPermanent) return 'refused';
        // What the mail server says names the address; that belongs into no log.
        throw new Error(`the mail server did not take it: ${code} ${responseCode ?? ''}`.trim());
      }
    },
  };
}

/** Text that cannot begin another header. */
export function inOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

/** Plain text as it looks in HTML. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** What an e-mail says, as text and as simple HTML. */
export function composeMail(parts: {
  language: string;
  title: string;
  body: string | null;
  link: string;
  linkText: string;
  footer: string;
}) {
  const { language, title, body, link, linkText, footer } = parts;
  const text = [title, ...(body === null ? [] : [body]), `${linkText}: ${link}`, `-- \n${footer}`].join('\n\n');
  const paragraphs = [
    `<p><strong>${escapeHtml(title)}</strong></p>`,
    ...(body === null ? [] : [`<p style="white-space: pre-wrap">${escapeHtml(body)}</p>`]),
    `<p><a href="${escapeHtml(link)}">${escapeHtml(linkText)}</a></p>`,
    `<p><small>${escapeHtml(footer)}</small></p>`,
  ];
  const html = `<!doctype html>\n<html lang="${escapeHtml(language)}"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head><body>\n${paragraphs.join('\n')}\n</body></html>\n`;
  return { subject: title, language, text, html };
}
