import { useEffect, useRef, useState } from 'react';
import type { TimelineMessage } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { useChatContext } from './chat-context.ts';

/** Reads out what others write while the chat is open. */
export function NewMessageSpeaker({ messages }: { messages: readonly TimelineMessage[] }) {
  const { userId, nameOf, brief } = useChatContext();
  const [said, setSaid] = useState('');
  const heardSeq = useRef<number | undefined>(undefined);
  const last = messages.findLast((message) => message.state === 'sent');

  useEffect(() => {
    if (last === undefined) return;
    const isNew = heardSeq.current !== undefined && last.seq > heardSeq.current;
    heardSeq.current = Math.max(last.seq, heardSeq.current ?? 0);
    if (isNew && last.senderId !== userId) setSaid(strings.chat.said(nameOf(last.senderId), brief(last)));
  }, [last, userId, nameOf, brief]);

  return (
    <p className="unseen" role="status">
      {said}
    </p>
  );
}
