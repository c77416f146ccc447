import type { Source } from '../../../src/protocol/ids.ts';
import type {
  ConsentState,
  PauseReason,
  RecordingFailure,
  RecordingKind,
  RecordingLayout,
  RecordingStatus,
} from '../../../src/protocol/recording.ts';

const kinds: Record<RecordingKind, string> = { audio: 'Voice', video: 'Camera', screen: 'Shared screen' };

/** Several words as one speaks them. */
function list(all: readonly string[]): string {
  return new Intl.ListFormat('en', { style: 'long', type: 'conjunction' }).format(all);
}

/** What the page says of recording, in the room and afterwards. */
export const recordingStrings = {
  kinds,
  kindsOf: (all: readonly RecordingKind[]) => list(all.map((kind, index) => (index === 0 ? kinds[kind] : kinds[kind].toLowerCase()))),

  control: {
    record: 'Record',
    pause: 'Pause recording',
    resume: 'Resume recording',
    stop: 'Stop recording',
    stopAsking: 'Stop asking',
  },

  ask: {
    title: 'Record this consultation?',
    text: 'Everybody here is asked first. Nobody who has not agreed is recorded.',
    purpose: 'Purpose',
    purposePlaceholder: 'For example: Second opinion',
    purposeHint: 'Everybody reads this before they answer.',
    what: 'What is recorded',
    submit: 'Ask everybody',
    cancel: 'Cancel',
    noKind: 'Choose at least one.',
  },

  question: {
    title: (name: string) => `${name} asks to record this consultation`,
    someone: 'Somebody',
    purpose: 'Purpose',
    kinds: 'What is recorded',
    text: 'What you agree to',
    agree: 'Agree',
    refuse: 'Refuse',
    spoken: (name: string) => `${name} asks to record this consultation. You can agree or refuse.`,
    meanwhile: 'You can go on talking. Nothing of you is recorded before you agree.',
  },

  indicator: {
    asking: 'Asking to record',
    recording: 'Recording',
    paused: 'Recording paused',
    /** The name of the button that tells more. */
    more: (state: string) => `${state}: details`,
    leftOut: 'You are not being recorded',
    leftOutText: 'Others here are.',
    answers: 'Who is recorded',
    consents: {
      asked: 'Not answered yet',
      granted: 'Agreed',
      refused: 'Not recorded: refused',
      withdrawn: 'Not recorded: took consent back',
    } satisfies Record<ConsentState, string>,
    withdraw: 'Withdraw my consent',
    withdrawTitle: 'Withdraw your consent?',
    withdrawText: 'You are not recorded from here on. The consultation goes on.',
    erase: 'Also remove what was recorded of me',
    withdrawConfirm: 'Withdraw',
    cancel: 'Cancel',
  },

  announce: {
    started: 'Recording has started',
    paused: {
      by_moderator: 'Recording is paused',
      disk_low: 'Recording is paused: the server’s disk is almost full',
    } satisfies Record<PauseReason, string>,
    resumed: 'Recording goes on',
    stopped: 'Recording has stopped',
    refused: 'There is no recording: not everybody agreed',
    notAsked: 'Nobody is asked any more',
    agreed: (name: string) => `${name} agreed to be recorded`,
    declined: (name: string) => `${name} does not want to be recorded`,
    withdrew: (name: string) => `${name} is not recorded any more`,
    ready: 'The recording is ready',
    failed: (why: string) => `The recording failed. ${why}`,
    textChanged: 'The text has changed meanwhile. Please read the new one.',
  },

  /** Read out loud, also by the device itself. */
  spoken: {
    recorded: 'This consultation is being recorded.',
    leftOut: 'This consultation is being recorded. You are not.',
    paused: 'The recording is paused.',
    stopped: 'The recording has stopped.',
  },

  page: {
    title: 'Recordings',
    loading: 'Loading recordings…',
    none: 'No recordings yet. They are listed here once somebody in a room has asked for one.',
    noneFiltered: 'No recording fits these filters.',
    list: 'Recordings',
    filters: 'Filters',
    status: 'Status',
    all: 'All',
    from: 'From',
    to: 'To',
    reset: 'Clear filters',
    badDates: 'The first day is after the last one.',
    more: 'Show older ones',
    open: (purpose: string) => `Open recording: ${purpose}`,
    people: (names: readonly string[]) => (names.length === 0 ? 'Nobody' : list(names)),
    back: 'All recordings',
    askedBy: (name: string) => `Asked for by ${name}`,
    progress: 'Being put together',
    percent: (share: number) => `${Math.round(share * 100)}%`,
    held: 'Legal hold',
    deletedOn: (when: string) => `Deleted on ${when}`,
    notThere: ['There is no such recording', 'It may have been deleted, or you may not see it.'],
  } as const,

  status: {
    requested: 'Being asked',
    recording: 'Recording',
    paused: 'Paused',
    processing: 'Processing',
    ready: 'Ready',
    refused: 'Refused',
    failed: 'Failed',
  } satisfies Record<RecordingStatus, string>,

  failures: {
    room_ended: 'The room ended while people were being asked.',
    nothing_recorded: 'Nothing was recorded: nobody who agreed sent anything.',
    capture_failed: 'The server could not record.',
    composition_failed: 'The recording could not be put together.',
    storage_failed: 'The recording could not be stored.',
    server_lost: 'The server that recorded did not come back.',
  } satisfies Record<RecordingFailure, string>,

  player: {
    title: 'Player',
    video: (purpose: string) => `Recording: ${purpose}`,
    chapters: 'Chapters',
    speakers: 'Who speaks',
    noSpeakers: 'Nobody spoke.',
    beginning: 'Beginning',
    shares: (name: string) => `${name} shares the screen`,
    resumed: 'Resumed after a pause',
    goTo: (time: string, title: string) => `${time} ${title}`,
    loading: 'Loading the recording…',
    cannotPlay: 'The recording could not be played.',
    waiting: 'The recording is being put together. It can be played as soon as it is ready.',
    running: 'The recording is still running.',
    asking: 'People are still being asked.',
    refused: 'Nothing was recorded: not everybody agreed.',
    download: 'Download MP4',
    copyLink: 'Copy a link',
    copied: 'Link copied',
    linkUntil: (when: string) => `Whoever has this link can play the recording until ${when}.`,
  },

  consents: {
    title: 'Consents',
    person: 'Person',
    answer: 'Answer',
    version: 'Text',
    time: 'Time',
    textVersion: (language: string, version: number) => `version ${version} (${language})`,
    states: {
      asked: 'No answer',
      granted: 'Agreed',
      refused: 'Refused',
      withdrawn: 'Withdrew',
    } satisfies Record<ConsentState, string>,
    download: 'Download receipts',
    receiptsName: (recordingId: string) => `consents-${recordingId}.json`,
  },

  tracks: {
    title: 'Tracks',
    none: 'There are no tracks.',
    sources: { microphone: 'Voice', camera: 'Camera', screen: 'Screen', screenAudio: 'Sound of the screen' } satisfies Record<
      Source,
      string
    >,
    name: (source: string, person: string) => `${source} of ${person}`,
    part: (part: number, parts: number) => (parts === 1 ? 'Download' : `Part ${part + 1}`),
    download: (name: string, part: number, parts: number) => (parts === 1 ? `Download: ${name}` : `Part ${part + 1} of ${parts}: ${name}`),
    all: 'Download all (ZIP)',
    downloading: 'Downloading…',
  },

  manage: {
    title: 'Administration',
    layout: 'Layout',
    layouts: {
      grid: 'Grid',
      speaker: 'Speaker',
      sideBySide: 'Side by side',
      screen: 'Screen with faces',
    } satisfies Record<RecordingLayout, string>,
    gaps: 'Show pauses as a card',
    names: 'Write names onto the pictures',
    clock: 'Write the time of day into the picture',
    compose: 'Put together again',
    retry: 'Try again',
    hold: 'Legal hold',
    holdHint: 'Keeps it from being deleted, by anybody and by time.',
    remove: 'Delete recording',
    removeTitle: 'Delete this recording?',
    removeText: 'Its key is destroyed, and with it every copy, track and link. This cannot be undone. The audit log keeps a certificate.',
    removeConfirm: 'Delete',
    removed: 'The recording was deleted.',
    composing: 'It is being put together again. Until then the one before can be played.',
  },

  own: {
    title: 'You agreed to this recording',
    text: 'You may take that back. What was recorded of you is removed, and the rest is put together anew.',
    remove: 'Remove what was recorded of me',
    removeTitle: 'Remove what was recorded of you?',
    removeText: 'Your voice and picture are destroyed. This cannot be undone.',
    confirm: 'Remove',
  },

  facts: {
    recorded: 'Recorded',
    length: 'Length',
    size: 'Size',
    kinds: 'What',
    people: 'People',
    policy: 'Rule',
    policies: { leave_out: 'Those who refuse are left out', unanimous: 'All must agree' },
    pauses: 'Pauses',
    kept: 'Kept until',
    keptForever: 'Deleted by hand only',
  },
} as const;
