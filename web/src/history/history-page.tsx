import { useEffect, useState } from 'react';
import type { CallHistoryPage, CallHistoryQuery, CallStats, Calls } from '../../../src/client/index.ts';
import { otherIds, titleOf } from '../calls/call-words.ts';
import { useCallDesk } from '../calls/calls-context.tsx';
import { errorText } from '../error-text.ts';
import type { Identity } from '../sign-in/identity.ts';
import { strings } from '../strings.ts';
import { isBackwards } from '../ui/day-range.tsx';
import { Icon } from '../ui/icon.tsx';
import { Notice } from '../ui/notice.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { useTabTitle } from '../ui/use-tab-title.ts';
import { useTask } from '../ui/use-task.ts';
import { type HistoryFilter, HistoryFilters, noFilter } from './history-filters.tsx';
import { HistoryList } from './history-list.tsx';
import { queryOf } from './history-query.ts';
import { StatsCards } from './stats-cards.tsx';

/** One's calls: figures of the last 30 days, a list that can be narrowed, and the same as a file. */
export function HistoryPage({ identity }: { identity: Identity }) {
  const { calls, place, placed, view } = useCallDesk();
  const [filter, setFilter] = useState<HistoryFilter>(noFilter);
  const [page, setPage] = useState(1);
  const words = strings.calls.history;
  const hasBadDates = isBackwards(filter);
  // Anew when a call begins or is over.
  const revision = `${view.current?.callId ?? ''} ${view.incoming.length}`;
  const { found, problem } = useHistory(calls, filter, hasBadDates ? undefined : page, revision);
  const stats = useStats(calls, revision);
  const pages = found === undefined ? 1 : Math.max(1, Math.ceil(found.total / found.limit));
  useTabTitle(words.tabTitle);

  return (
    <div className="page">
      <PageHeader identity={identity} />
      <main className="listing">
        <div className="listing-head">
          <h1>{words.title}</h1>
          <DownloadCsv calls={calls} query={queryOf(filter)} isDisabled={hasBadDates || found?.total === 0} />
        </div>
        <StatsCards stats={stats} />
        <HistoryFilters
          filter={filter}
          onChange={(next) => {
            setFilter(next);
            setPage(1);
          }}
        />
        {hasBadDates && <Notice tone="bad">{words.badDates}</Notice>}
        {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
        {found === undefined && problem === undefined && !hasBadDates && <p className="soft">{strings.loading}</p>}
        {found?.calls.length === 0 && <p className="soft empty">{filter === noFilter ? words.none : words.noneFiltered}</p>}
        {found !== undefined && found.calls.length > 0 && (
          <HistoryList
            calls={found.calls}
            myId={identity.userId}
            isBusy={placed !== undefined || view.current !== undefined}
            onCallAgain={(call) =>
              place({ calleeIds: otherIds(call, identity.userId), type: call.type, name: titleOf(call, identity.userId) })
            }
          />
        )}
        {pages > 1 && (
          <nav className="pager" aria-label={words.pages}>
            <button type="button" className="button compact" disabled={page <= 1} onClick={() => setPage(page - 1)}>
              {words.newer}
            </button>
            <span className="soft small">{words.page(page, pages)}</span>
            <button type="button" className="button compact" disabled={page >= pages} onClick={() => setPage(page + 1)}>
              {words.older}
            </button>
          </nav>
        )}
        <p className="unseen" role="status">
          {found === undefined ? '' : words.count(found.total)}
        </p>
      </main>
    </div>
  );
}

interface DownloadCsvProps {
  calls: Calls;
  query: CallHistoryQuery;
  isDisabled: boolean;
}

/** The list as a file, narrowed as it is. */
function DownloadCsv({ calls, query, isDisabled }: DownloadCsvProps) {
  const { isBusy, problem, run } = useTask();

  const download = () =>
    run(async () => {
      const url = URL.createObjectURL(await calls.historyCsv(query));
      const link = document.createElement('a');
      link.href = url;
      link.download = strings.calls.history.csvName;
      link.click();
      URL.revokeObjectURL(url);
    });

  return (
    <>
      <button type="button" className="button compact" disabled={isBusy || isDisabled} onClick={() => void download()}>
        <Icon name="download" size={18} />
        {isBusy ? strings.calls.history.downloading : strings.calls.history.download}
      </button>
      {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
    </>
  );
}

/** A page of calls; `page` undefined: nothing is asked. What was found stays until the answer is there. */
function useHistory(calls: Calls, filter: HistoryFilter, page: number | undefined, revision: string) {
  const [found, setFound] = useState<CallHistoryPage>();
  const [problem, setProblem] = useState<string>();

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new revision asks anew.
  useEffect(() => {
    if (page === undefined) return;
    let wanted = true;
    calls.history({ ...queryOf(filter), page }).then(
      (answer) => {
        if (!wanted) return;
        setFound(answer);
        setProblem(undefined);
      },
      (error: unknown) => wanted && setProblem(errorText(error)),
    );
    return () => {
      wanted = false;
    };
  }, [calls, filter, page, revision]);

  return { found, problem };
}

function useStats(calls: Calls, revision: string): CallStats | undefined {
  const [stats, setStats] = useState<CallStats>();

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new revision asks anew.
  useEffect(() => {
    let wanted = true;
    calls.stats('30d').then(
      (answer) => wanted && setStats(answer),
      // The list below says what is wrong.
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [calls, revision]);

  return stats;
}
