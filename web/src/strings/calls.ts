import type { CallEndReason, CallStatus, CallType } from '../../../src/protocol/call.ts';

const type: Record<CallType, string> = { video: 'Video call', voice: 'Voice call' };

/** How long something took, in at most two units. */
function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Several names as one speaks them. */
function names(all: readonly string[]): string {
  return new Intl.ListFormat('en', { style: 'long', type: 'conjunction' }).format(all);
}

/** What the page says of calls. */
export const callStrings = {
  type,
  duration,
  names,
  someone: 'Someone',
  voiceCall: 'Voice call',
  videoCall: 'Video call',
  voiceCallTo: (name: string) => `Voice call to ${name}`,
  videoCallTo: (name: string) => `Video call to ${name}`,

  incoming: {
    title: (name: string) => `${name} is calling`,
    text: (callType: CallType, others: number) =>
      others === 0 ? `Incoming ${type[callType].toLowerCase()}` : `Incoming ${type[callType].toLowerCase()} with ${others} more`,
    tabTitle: (count: number, name: string) => `(${count}) ${name} is calling`,
    accept: 'Accept',
    acceptWithoutVideo: 'Accept without video',
    decline: 'Decline',
    endAndAccept: 'End and accept',
    waiting: 'A second call',
    waitingText: (callType: CallType) => `${type[callType]}. Accepting it ends the one you are in.`,
    silence: 'Silence',
    taken: 'Answered on another device',
  },

  elsewhere: {
    title: 'You are in a call in another window or on another device.',
    goOn: 'Continue here',
  },

  outgoing: {
    title: (name: string) => `Calling ${name}`,
    starting: 'Calling…',
    ringing: 'Ringing…',
    waitingBusy: 'Ringing beside their other call…',
    connecting: 'Connecting…',
    cancel: 'Cancel',
    busy: (name: string) => `${name} is in another call`,
    busyText: 'Let it wait and it rings beside that call, or leave a message.',
    undisturbed: (name: string) => `${name} does not want to be disturbed`,
    undisturbedText: 'They will see that you called. Leave a message, or try again later.',
    letItWait: 'Let it wait',
    leaveMessage: 'Leave a message',
    callAgain: 'Call again',
    close: 'Close',
    ended: {
      missed: ['No answer', (name: string) => `${name} did not answer. They will see that you called.`],
      declined: ['Call declined', (name: string) => `${name} cannot talk right now.`],
      failed: ['Could not connect', () => 'The call was answered, but no picture or sound came through. Try again.'],
      cancelled: ['Call cancelled', (name: string) => `You hung up before ${name} answered.`],
      ended: ['Call ended', () => 'It is over.'],
    },
    refused: 'The call could not be started',
  } as const,

  inCall: {
    hangUp: 'Hang up',
    connecting: 'Connecting…',
    askForVideo: 'Ask for video',
    asked: (name: string) => `${name} has been asked for video`,
    wantsVideo: (name: string) => `${name} would like to switch to video`,
    wantsVideoText: 'Your camera starts if you agree. You can go on without it.',
    agree: 'Switch to video',
    refuse: 'Stay with voice',
    videoAgreed: 'This is a video call now',
    videoRefused: (name: string) => `${name} would rather stay with voice`,
    addPerson: 'Add person',
    addTitle: 'Ring somebody into this call',
    add: (name: string) => `Ring ${name}`,
    addNobody: 'There is nobody else whom you can reach.',
    added: (name: string) => `Ringing ${name}…`,
    deviceFailed: { microphone: 'Nobody hears you yet.', camera: 'Nobody sees you yet.' },
    party: {
      declined: (name: string) => `${name} declined`,
      missed: (name: string) => `${name} did not answer`,
      busy: (name: string) => `${name} is in another call`,
    },
    alone: 'The others are on their way.',
    stage: 'People in the call',
  },

  after: {
    title: 'Call ended',
    callAgain: 'Call again',
    message: 'Message',
    toHistory: 'Call history',
    lasted: (text: string) => `It lasted ${text}.`,
    neverConnected: 'It ended before picture and sound came through.',
  },

  history: {
    title: 'Call history',
    tabTitle: 'History',
    none: 'No calls yet. They are listed here from the first one on.',
    noneFiltered: 'No call fits these filters.',
    filters: 'Filters',
    kind: 'Type',
    outcome: 'Outcome',
    all: 'All',
    from: 'From',
    to: 'To',
    reset: 'Clear filters',
    download: 'Download CSV',
    downloading: 'Downloading…',
    csvName: 'calls.csv',
    incoming: 'Incoming',
    outgoing: 'Outgoing',
    newer: 'Newer',
    older: 'Older',
    page: (page: number, pages: number) => `Page ${page} of ${pages}`,
    pages: 'Pages',
    count: (total: number) => (total === 1 ? '1 call' : `${total} calls`),
    badDates: 'The first day is after the last one.',
    list: 'Calls',
  },

  stats: {
    title: 'The last 30 days',
    total: 'Calls',
    completed: 'Answered',
    missed: 'Missed',
    declined: 'Declined',
    average: 'Average length',
    kinds: 'Video / voice',
    kindCounts: (video: number, voice: number) => `${video} / ${voice}`,
    none: '–',
  },

  status: {
    initiated: 'Starting',
    ringing: 'Ringing',
    accepted: 'Connecting',
    connecting: 'Connecting',
    connected: 'Running',
    ended: 'Answered',
    missed: 'Missed',
    declined: 'Declined',
    cancelled: 'Cancelled',
    busy: 'Busy',
    failed: 'Failed',
  } satisfies Record<CallStatus, string>,

  /** What came of a call, to whoever placed it and to whoever was rung. */
  outcome: {
    running: 'Going on now',
    lasted: duration,
    notConnected: 'Not connected',
    noAnswer: 'No answer',
    missed: 'Missed',
    declined: 'Declined',
    youDeclined: 'You declined',
    youCancelled: 'You cancelled',
    callerGaveUp: 'Missed, they hung up',
    busy: 'They were in another call',
    missedWhileBusy: 'Missed while you were busy',
    failed: 'Could not connect',
  },

  endedBecause: {
    user_hangup: '',
    callee_declined: 'It was declined.',
    caller_cancelled: 'The caller hung up.',
    missed: 'Nobody answered.',
    busy: 'They were in another call.',
    network_error: 'The connection was lost.',
    timeout: 'Its time was up.',
    connection_failed: 'No picture or sound came through.',
    room_ended: 'The host ended it for everyone.',
  } satisfies Record<CallEndReason, string>,
  youHungUp: 'You hung up.',
  hungUp: (name: string) => `${name} hung up.`,
} as const;
