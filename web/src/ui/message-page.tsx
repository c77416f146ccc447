import { type ReactNode, useEffect, useRef } from 'react';
import { navigate } from '../router.ts';
import type { Identity } from '../sign-in/identity.ts';
import { strings } from '../strings.ts';
import { PageHeader } from './page-header.tsx';
import { useTabTitle } from './use-tab-title.ts';

interface MessagePageProps {
  title: string;
  text: string;
  identity?: Identity;
  /** Further buttons, before "Go to start". */
  children?: ReactNode;
}

/** A page that says one thing and offers a way on. */
export function MessagePage({ title, text, identity, children }: MessagePageProps) {
  useTabTitle(title);
  const heading = useRef<HTMLHeadingElement>(null);

  // What one had the focus on is gone: screen readers go on here.
  useEffect(() => heading.current?.focus(), []);

  return (
    <div className="page">
      <PageHeader identity={identity} />
      <main className="message">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <p className="soft">{text}</p>
        <div className="row">
          {children}
          <button type="button" className="button" onClick={() => navigate('/')}>
            {strings.toStart}
          </button>
        </div>
      </main>
    </div>
  );
}
