import type { ReactNode } from 'react';
import { Icon } from './icon.tsx';

interface NoticeProps {
  tone?: 'bad' | 'calm' | 'warn';
  children: ReactNode;
}

/** A short remark in the page; a bad one is read out at once. */
export function Notice({ tone = 'warn', children }: NoticeProps) {
  return (
    <div className={`notice ${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      <Icon name="info" size={20} />
      <div>{children}</div>
    </div>
  );
}
