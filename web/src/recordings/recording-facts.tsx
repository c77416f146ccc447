import type { Recording } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';

/** What is to be known of a recording at a glance. */
export function RecordingFacts({ recording }: { recording: Recording }) {
  const { kinds, policy, durationSeconds, bytes, gaps, deleteAt, startedAt, requestedAt, consents } = recording;
  const words = strings.recording.facts;
  const agreed = consents.filter(({ state }) => state === 'granted').map(({ displayName }) => displayName);
  const rows: readonly (readonly [string, string])[] = [
    [words.recorded, strings.formatTime(new Date(startedAt ?? requestedAt))],
    ...(durationSeconds === undefined ? [] : [[words.length, strings.calls.duration(durationSeconds)] as const]),
    ...(bytes === undefined ? [] : [[words.size, strings.chat.bytes(bytes)] as const]),
    [words.people, strings.recording.page.people(agreed)],
    [words.kinds, strings.recording.kindsOf(kinds)],
    [words.policy, words.policies[policy]],
    ...(gaps.length === 0 ? [] : [[words.pauses, String(gaps.length)] as const]),
    [words.kept, deleteAt === undefined ? words.keptForever : strings.formatTime(new Date(deleteAt))],
  ];
  return (
    <dl className="recording-facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
