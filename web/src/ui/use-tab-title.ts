import { useEffect } from 'react';
import { strings } from '../strings.ts';

const flashMs = 1000;
let pageTitle = document.title;
let alertTitle: string | undefined;

/** Names the browser's tab while the caller is shown. */
export function useTabTitle(title: string): void {
  useEffect(() => {
    pageTitle = title === '' ? strings.product : `${title} – ${strings.product}`;
    document.title = alertTitle ?? pageTitle;
  }, [title]);
}

/** Lets the tab's name change to and fro for as long as something wants to be noticed from another tab; undefined: nothing does. */
export function useTabAlert(title: string | undefined): void {
  useEffect(() => {
    if (title === undefined) return;
    alertTitle = title;
    document.title = title;
    const timer = setInterval(() => {
      document.title = document.title === title ? pageTitle : title;
    }, flashMs);
    return () => {
      clearInterval(timer);
      alertTitle = undefined;
      document.title = pageTitle;
    };
  }, [title]);
}
