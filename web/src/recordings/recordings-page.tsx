import { useState } from 'react';
import { useClient } from '../shell/client-context.tsx';
import type { Identity } from '../sign-in/identity.ts';
import { strings } from '../strings.ts';
import { isBackwards } from '../ui/day-range.tsx';
import { Notice } from '../ui/notice.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { useTabTitle } from '../ui/use-tab-title.ts';
import { noFilter, type RecordingFilter, RecordingFilters } from './recording-filters.tsx';
import { RecordingRow } from './recording-row.tsx';
import { useRecordings } from './use-recordings.ts';

/** What has been recorded, as far as one may see it. */
export function RecordingsPage({ identity }: { identity: Identity }) {
  const { recordings } = useClient();
  const [filter, setFilter] = useState<RecordingFilter>(noFilter);
  const hasBadDates = isBackwards(filter);
  const { list, problem, hasMore, loadMore } = useRecordings(recordings, filter, !hasBadDates);
  const words = strings.recording.page;
  useTabTitle(words.title);

  return (
    <div className="page">
      <PageHeader identity={identity} />
      <main className="listing">
        <div className="listing-head">
          <h1>{words.title}</h1>
        </div>
        <RecordingFilters filter={filter} onChange={setFilter} />
        {hasBadDates && <Notice tone="bad">{words.badDates}</Notice>}
        {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
        {list === undefined && problem === undefined && !hasBadDates && <p className="soft">{words.loading}</p>}
        {list?.length === 0 && <p className="soft empty">{filter === noFilter ? words.none : words.noneFiltered}</p>}
        {list !== undefined && list.length > 0 && (
          <ul className="room-list" aria-label={words.list}>
            {list.map((recording) => (
              <RecordingRow key={recording.recordingId} recording={recording} />
            ))}
          </ul>
        )}
        {hasMore && (
          <button type="button" className="button" onClick={() => void loadMore()}>
            {words.more}
          </button>
        )}
      </main>
    </div>
  );
}
