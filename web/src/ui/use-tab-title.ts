import { useEffect } from 'react';
import { strings } from '../strings.ts';

/** Names the browser's tab while the caller is shown. */
export function useTabTitle(title: string): void {
  useEffect(() => {
    document.title = title === '' ? strings.product : `${title} – ${strings.product}`;
  }, [title]);
}
