import type { CallType } from '../protocol/call.ts';

/** What notifications say in one language. */
export interface Texts {
  readonly language: string;
  readonly callIncoming: (caller: string) => string;
  readonly callMissed: (caller: string) => string;
  readonly callOver: string;
  readonly callType: Readonly<Record<CallType, string>>;
  readonly newMessages: (count: number, sender: string) => string;
  readonly reminder: (minutes: number) => string;
  readonly recordingRequested: (asker: string) => string;
  readonly openPage: string;
  /** The last line of every e-mail. */
  readonly whyMailed: string;
}

const en: Texts = {
  language: 'en',
  callIncoming: (caller) => `${caller} is calling`,
  callMissed: (caller) => `Missed call from ${caller}`,
  callOver: 'The call is over',
  callType: { video: 'Video call', voice: 'Voice call' },
  newMessages: (count, sender) => (count === 1 ? `New message from ${sender}` : `${count} new messages, the last from ${sender}`),
  reminder: (minutes) => (minutes === 1 ? 'Your appointment begins in 1 minute' : `Your appointment begins in ${minutes} minutes`),
  recordingRequested: (asker) => `${asker} asks to record`,
  openPage: 'Open',
  whyMailed: 'You get this message because you were away. Your notification settings decide what is mailed to you.',
};

const de: Texts = {
  language: 'de',
  callIncoming: (caller) => `${caller} ruft an`,
  callMissed: (caller) => `Verpasster Anruf von ${caller}`,
  callOver: 'Der Anruf ist vorbei',
  callType: { video: 'Videoanruf', voice: 'Sprachanruf' },
  newMessages: (count, sender) => (count === 1 ? `Neue Nachricht von ${sender}` : `${count} neue Nachrichten, die letzte von ${sender}`),
  reminder: (minutes) => (minutes === 1 ? 'Ihr Termin beginnt in 1 Minute' : `Ihr Termin beginnt in ${minutes} Minuten`),
  recordingRequested: (asker) => `${asker} möchte aufzeichnen`,
  openPage: 'Öffnen',
  whyMailed: 'Sie erhalten diese Nachricht, weil Sie abwesend waren. Was per E-Mail kommt, bestimmen Ihre Einstellungen.',
};

const fr: Texts = {
  language: 'fr',
  callIncoming: (caller) => `${caller} vous appelle`,
  callMissed: (caller) => `Appel manqué de ${caller}`,
  callOver: 'L’appel est terminé',
  callType: { video: 'Appel vidéo', voice: 'Appel vocal' },
  newMessages: (count, sender) => (count === 1 ? `Nouveau message de ${sender}` : `${count} nouveaux messages, le dernier de ${sender}`),
  reminder: (minutes) =>
    minutes === 1 ? 'Votre rendez-vous commence dans 1 minute' : `Votre rendez-vous commence dans ${minutes} minutes`,
  recordingRequested: (asker) => `${asker} demande à enregistrer`,
  openPage: 'Ouvrir',
  whyMailed: 'Vous recevez ce message parce que vous étiez absent. Vos réglages décident de ce qui est envoyé par e-mail.',
};

/** The texts for a user's locale (BCP 47); English where there are none in their language. */
export function textsFor(locale: string): Texts {
  const language = locale.split('-', 1)[0]?.toLowerCase();
  return [en, de, fr].find((texts) => texts.language === language) ?? en;
}
