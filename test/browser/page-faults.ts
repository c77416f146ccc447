import type { Page } from 'playwright-core';

/** What a person with a screen reader, a keyboard or a small screen would stumble over. */
export function findFaults(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const faults: string[] = [];
    if (document.documentElement.scrollWidth > window.innerWidth) faults.push('the page scrolls sideways');
    if (document.documentElement.lang === '') faults.push('no language');
    if (document.title === '') faults.push('no title');
    if (document.querySelectorAll('main').length !== 1) faults.push('not exactly one main');
    if (document.querySelectorAll('h1').length !== 1) faults.push('not exactly one h1');
    const controls = [...document.querySelectorAll<HTMLElement>('button, a[href], input:not(.unseen), select')];
    for (const control of controls.filter((one) => one.checkVisibility())) {
      const what = control.outerHTML.slice(0, 80);
      const labels = 'labels' in control ? [...((control.labels as NodeListOf<HTMLLabelElement> | null) ?? [])] : [];
      const name = control.getAttribute('aria-label') ?? [control, ...labels].map((one) => one.textContent).join('');
      if (name.trim() === '') faults.push(`no name: ${what}`);
      const { right } = control.getBoundingClientRect();
      const boxes = [control, ...labels].map((one) => one.getBoundingClientRect());
      if (!boxes.some(({ width, height }) => width >= 24 && height >= 24)) faults.push(`too small to hit: ${what}`);
      if (right > window.innerWidth + 1) faults.push(`out of the screen: ${what}`);
    }
    for (const video of document.querySelectorAll('video')) if (!video.ariaLabel) faults.push('a video has no name');
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    if (new Set(ids).size !== ids.length) faults.push('an id is there twice');
    return faults;
  });
}
