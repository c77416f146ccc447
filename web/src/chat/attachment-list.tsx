import { useState } from 'react';
import type { Attachment } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { useChatContext } from './chat-context.ts';
import { useAttachmentUrl } from './use-chat.ts';

/** How long a downloaded file's address is kept for the browser to take it. */
const downloadMs = 30_000;

/** The files of a message: pictures as pictures, everything else to download. */
export function AttachmentList({ attachments }: { attachments: readonly Attachment[] }) {
  return (
    <ul className="attachments">
      {attachments.map((attachment) => (
        <li key={attachment.attachmentId}>
          {attachment.kind === 'image' && attachment.hasThumbnail ? (
            <Picture attachment={attachment} />
          ) : (
            <FileRow attachment={attachment} />
          )}
        </li>
      ))}
    </ul>
  );
}

function Picture({ attachment }: { attachment: Attachment }) {
  const { chat } = useChatContext();
  const { url, isLost } = useAttachmentUrl(chat, attachment.attachmentId, true);
  const [isOpen, setOpen] = useState(false);
  const { name, width = 4, height = 3 } = attachment;
  if (isLost) return <FileRow attachment={attachment} />;
  return (
    <>
      <button type="button" className="picture" aria-label={strings.chat.openPicture(name)} title={name} onClick={() => setOpen(true)}>
        {/* The place is kept from the beginning, so that nothing jumps when the picture comes. */}
        <span
          className="picture-frame"
          style={{ aspectRatio: `${width} / ${height}`, maxWidth: `min(15rem, ${Math.round((240 * width) / height)}px)` }}
        >
          {url !== undefined && <img src={url} alt="" />}
        </span>
      </button>
      {isOpen && <PictureDialog attachment={attachment} onClose={() => setOpen(false)} />}
    </>
  );
}

function PictureDialog({ attachment, onClose }: { attachment: Attachment; onClose: () => void }) {
  const { chat } = useChatContext();
  const { url, isLost } = useAttachmentUrl(chat, attachment.attachmentId, false);
  return (
    <Dialog title={attachment.name} onClose={onClose}>
      <div className="picture-full">
        {isLost && <p className="soft">{strings.chat.pictureLost}</p>}
        {!isLost && url === undefined && <p className="soft">{strings.loading}</p>}
        {url !== undefined && <img src={url} alt={attachment.name} />}
      </div>
      <div className="row end">
        <Download attachment={attachment} className="button" />
        <button type="button" className="button primary" onClick={onClose}>
          {strings.close}
        </button>
      </div>
    </Dialog>
  );
}

function FileRow({ attachment }: { attachment: Attachment }) {
  return (
    <div className="file-row">
      <Icon name="file" size={24} />
      <span className="file-name">
        <span title={attachment.name}>{attachment.name}</span>
        <small>{strings.chat.bytes(attachment.bytes)}</small>
      </span>
      <Download attachment={attachment} className="button quiet compact square" isShort />
    </div>
  );
}

function Download({ attachment, className, isShort = false }: { attachment: Attachment; className: string; isShort?: boolean }) {
  const { chat, act } = useChatContext();
  const [isBusy, setBusy] = useState(false);
  const label = strings.chat.download(attachment.name);

  async function download() {
    setBusy(true);
    try {
      const url = URL.createObjectURL(await chat.readAttachment(attachment.attachmentId));
      const link = document.createElement('a');
      link.href = url;
      link.download = attachment.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), downloadMs);
    } finally {
      setBusy(false);
    }
  }

  return (
    <button type="button" className={className} aria-label={label} title={label} disabled={isBusy} onClick={() => act(download())}>
      <Icon name="download" size={20} />
      {!isShort && strings.chat.downloadShort}
    </button>
  );
}
