import { useCallback, useMemo, useState } from 'react';
import type { ParleyClient, Room, RoomView } from '../../../src/client/index.ts';
import { CallDialogs } from '../calls/call-dialogs.tsx';
import { type CallInRoom, useCallInRoom } from '../calls/use-call-in-room.ts';
import { ChatPanel } from '../chat/chat-panel.tsx';
import { useRoomChat } from '../chat/use-room-chat.ts';
import { errorText } from '../error-text.ts';
import { RemoteSounds } from '../media/remote-sound.tsx';
import { ConsentCard } from '../recording/consent-card.tsx';
import { RecordingControls } from '../recording/recording-controls.tsx';
import { RecordingMark } from '../recording/recording-mark.tsx';
import { nameIn, useRoomRecording } from '../recording/use-room-recording.ts';
import { strings } from '../strings.ts';
import { useTabTitle } from '../ui/use-tab-title.ts';
import { useAnnouncements } from './announcements.ts';
import { Announcements } from './announcements-list.tsx';
import { Banners } from './banners.tsx';
import { CallBar } from './call-bar.tsx';
import { CallHeader } from './call-header.tsx';
import { DevicesPanel } from './devices-panel.tsx';
import { PeoplePanel } from './people-panel.tsx';
import { ShortcutsDialog } from './shortcuts-dialog.tsx';
import { Stage } from './stage.tsx';
import { useCallControls } from './use-call-controls.ts';
import { useConnection } from './use-room.ts';
import { useShortcuts } from './use-shortcuts.ts';
import { WaitingCard } from './waiting-card.tsx';

interface CallPageProps {
  client: ParleyClient;
  room: Room;
  view: RoomView;
  /** The call that this room belongs to, when somebody was rung into it. */
  call?: CallInRoom;
}

export type PanelName = 'people' | 'chat' | 'devices';

/** The call itself. */
export function CallPage({ client, room, view, call }: CallPageProps) {
  const connection = useConnection(client);
  const { announcements, say } = useAnnouncements(room);
  const controls = useCallControls(room, view, say);
  const [panel, setPanel] = useState<PanelName>();
  const { conversationId } = view;
  const { unreadCount } = useRoomChat(client, view, panel === 'chat', say);
  const { view: recorded, spoken } = useRoomRecording(client, say);
  const { recording, question, standing } = recorded;
  const [help, setHelp] = useState(false);
  const inCall = useCallInRoom(room, call, say);
  const roomName = call?.title ?? view.info?.roomName ?? strings.preview.untitledRoom;
  useTabTitle(view.waiting.length > 0 ? `(${view.waiting.length}) ${roomName}` : roomName);

  const toggle = useCallback((name: PanelName) => setPanel((open) => (open === name ? undefined : name)), []);
  const closePanel = useCallback(() => setPanel(undefined), []);
  const act = useCallback(
    (action: Promise<unknown>) => {
      action.catch((error: unknown) => say(errorText(error), 'bad'));
    },
    [say],
  );

  useShortcuts(
    useMemo(
      () => ({
        m: controls.toggleMicrophone,
        ...(inCall?.actions.askForVideo === undefined && { v: controls.toggleCamera }),
        ...(controls.canShare && { s: controls.toggleScreen }),
        ...(inCall === undefined && { h: controls.toggleHand }),
        p: () => toggle('people'),
        ...(conversationId !== null && { c: () => toggle('chat') }),
        d: () => toggle('devices'),
        '?': () => setHelp(true),
        escape: closePanel,
      }),
      [controls, toggle, closePanel, conversationId, inCall],
    ),
  );

  return (
    <div className={panel === undefined ? 'call' : 'call with-panel'}>
      <CallHeader
        roomName={roomName}
        locked={view.info?.locked ?? false}
        startedMs={call?.startedMs}
        state={inCall?.state}
        mark={<RecordingMark recordings={client.recordings} view={recorded} />}
        actions={
          <RecordingControls
            recordings={client.recordings}
            view={recorded}
            isModerator={view.me?.isModerator ?? false}
            myId={view.me?.userId}
            act={act}
          />
        }
        onHelp={() => setHelp(true)}
      />
      <main className="call-main">
        <Banners room={room} view={view} connection={connection} sharing={controls.sharing} isLeftOut={standing === 'left_out'} />
        <p className="unseen" aria-live="assertive">
          {spoken}
        </p>
        <div className="over-stage" aria-live="polite">
          {view.me?.isModerator && view.waiting.length > 0 && <WaitingCard room={room} waiting={view.waiting} act={act} />}
        </div>
        {question !== undefined && (
          <div className="over-stage">
            <ConsentCard
              key={question.recordingId}
              recordings={client.recordings}
              question={question}
              asker={nameOf(view, question.requestedBy) ?? nameIn(recording, question.requestedBy)}
            />
          </div>
        )}
        <Stage view={view} isCall={call !== undefined} />
        <Announcements announcements={announcements} />
      </main>
      {panel === 'people' && <PeoplePanel room={room} view={view} isCall={call !== undefined} act={act} onClose={closePanel} />}
      {panel === 'chat' && conversationId !== null && (
        <ChatPanel client={client} conversationId={conversationId} connection={connection} onClose={closePanel} />
      )}
      {panel === 'devices' && <DevicesPanel room={room} view={view} act={act} onClose={closePanel} />}
      <CallBar
        controls={controls}
        peopleCount={view.participants.length}
        unreadCount={conversationId === null ? undefined : unreadCount}
        panel={panel}
        call={inCall?.actions}
        onPanel={toggle}
      />
      {inCall !== undefined && <CallDialogs inCall={inCall} act={act} />}
      <RemoteSounds subscriptions={view.subscriptions} />
      {help && <ShortcutsDialog onClose={() => setHelp(false)} />}
    </div>
  );
}

function nameOf({ participants }: RoomView, userId: string): string | undefined {
  return participants.find((one) => one.userId === userId)?.displayName;
}
