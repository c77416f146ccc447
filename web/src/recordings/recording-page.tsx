import { navigate, onLinkClick } from '../router.ts';
import { useClient } from '../shell/client-context.tsx';
import type { Identity } from '../sign-in/identity.ts';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';
import { MessagePage } from '../ui/message-page.tsx';
import { Notice } from '../ui/notice.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { useTabTitle } from '../ui/use-tab-title.ts';
import { ConsentsTable } from './consents-table.tsx';
import { ManageRecording } from './manage-recording.tsx';
import { OwnConsent } from './own-consent.tsx';
import { Player } from './player.tsx';
import { RecordingFacts } from './recording-facts.tsx';
import { StatusChip } from './status-chip.tsx';
import { TracksList } from './tracks-list.tsx';
import { useRecording } from './use-recordings.ts';

/** One recording: to watch, and what is known of it. */
export function RecordingPage({ recordingId, identity }: { recordingId: string; identity: Identity }) {
  const { recordings } = useClient();
  const { library } = recordings;
  const { recording, problem, put, markGone } = useRecording(recordings, recordingId);
  const words = strings.recording.page;
  useTabTitle(recording?.purpose ?? words.title);
  if (recording === null) return <MessagePage title={words.notThere[0]} text={words.notThere[1]} identity={identity} />;
  const isAdmin = identity.role === 'admin';
  const mayShare = isAdmin || recording?.requestedBy === identity.userId;
  const isOver = recording !== undefined && (recording.status === 'ready' || recording.tracks.length > 0);

  return (
    <div className="page">
      <PageHeader identity={identity} />
      <main className="listing recording-page">
        <div className="recording-title">
          <a className="row-icon small" href="/recordings" onClick={onLinkClick}>
            <Icon name="back" size={16} />
            {words.back}
          </a>
          <h1>{recording?.purpose ?? words.title}</h1>
          {recording !== undefined && (
            <div className="row">
              <StatusChip recording={recording} />
            </div>
          )}
        </div>
        {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
        {recording === undefined && problem === undefined && <p className="soft">{words.loading}</p>}
        {recording !== undefined && (
          <>
            <Player library={library} recording={recording} mayShare={mayShare} />
            <RecordingFacts recording={recording} />
            <ConsentsTable library={library} recording={recording} />
            {mayShare && isOver && <TracksList library={library} recording={recording} />}
            <OwnConsent recordings={recordings} recording={recording} myId={identity.userId} onChanged={put} />
            {isAdmin && (
              <ManageRecording
                library={library}
                recording={recording}
                onChanged={put}
                onRemoved={() => {
                  markGone();
                  navigate('/recordings');
                }}
              />
            )}
          </>
        )}
      </main>
    </div>
  );
}
