import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { takeBrowserTurn } from './browser-turn.ts';

const quiet = ['--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
// Of Chromium's three fake cameras the second is a depth sensor, whose pictures WebRTC doesn't send.
const media = [
  '--use-fake-device-for-media-stream=device-count=3',
  '--allow-loopback-in-peer-connection',
  '--autoplay-policy=no-user-gesture-required',
];

export interface ChromiumOptions {
  /** Whether pages get camera and microphone (fake ones) without a question, the default, or are refused them. */
  devices?: 'allowed' | 'refused';
}

/** One person's window: a context of its own, so that storage and sign-in are theirs alone. */
export interface Person {
  readonly page: Page;
  /** Errors that the page has thrown or written to its console. */
  readonly faults: readonly string[];
}

/** Real Chromium with fake devices and a fresh profile. */
export class Chromium {
  readonly #browser: Browser;
  readonly #endTurn: () => Promise<void>;

  private constructor(browser: Browser, endTurn: () => Promise<void>) {
    this.#browser = browser;
    this.#endTurn = endTurn;
  }

  static async launch({ devices = 'allowed' }: ChromiumOptions = {}): Promise<Chromium> {
    const permission = devices === 'allowed' ? '--use-fake-ui-for-media-stream' : '--deny-permission-prompts';
    const executablePath = findChromium();
    const endTurn = await takeBrowserTurn();
    const browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', ...quiet, ...media, permission],
    });
    return new Chromium(browser, endTurn);
  }

  /** Opens an address in a window of its own. */
  async open(url: string, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    await context.addInitScript(rememberPeerConnections);
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    await page.goto(url);
    return { page, faults };
  }

  /** Ends the browser with all its processes and its profile. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    await this.#endTurn();
  }
}

/** Starts a browser for one test: `await using chromium = await launchChromium()`. */
export const launchChromium = (options?: ChromiumOptions): Promise<Chromium> => Chromium.launch(options);

/** One report of `RTCPeerConnection.getStats()`; the fields depend on its type (W3C webrtc-stats). */
export type StatsReport = Readonly<Record<string, unknown>> & { readonly type: string };

/** The statistics of every peer connection that a page has open. */
export function readStats(page: Page): Promise<StatsReport[]> {
  return page.evaluate(async () => {
    const remembered = (globalThis as { peerConnections?: Set<RTCPeerConnection> }).peerConnections ?? [];
    const open = [...remembered].filter(({ connectionState }) => connectionState !== 'closed');
    const reports = await Promise.all(open.map((connection) => connection.getStats()));
    return reports.flatMap((report) => [...report.values()]);
  });
}

/** How many frames of others' video a page has decoded so far. */
export async function readFramesDecoded(page: Page): Promise<number> {
  const reports = await readStats(page);
  return sum(reports, 'video', 'framesDecoded');
}

/** How many packets of others' sound a page has received so far. */
export async function readSoundPackets(page: Page): Promise<number> {
  const reports = await readStats(page);
  return sum(reports, 'audio', 'packetsReceived');
}

function sum(reports: readonly StatsReport[], kind: string, field: string): number {
  return reports
    .filter((report) => report.type === 'inbound-rtp' && report['kind'] === kind)
    .reduce((total, report) => total + Number(report[field] ?? 0), 0);
}

/** Runs in the page, before anything else does. */
function rememberPeerConnections(): void {
  const peerConnections = new Set<RTCPeerConnection>();
  class RememberedPeerConnection extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      peerConnections.add(this);
    }
  }
  Object.assign(globalThis, { RTCPeerConnection: RememberedPeerConnection, peerConnections });
}

function findChromium(): string {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  const candidates = [
    process.env['CHROMIUM_BIN'],
    ...folders.flatMap((folder) => ['chromium', 'chromium-browser'].map((name) => path.join(folder, name))),
  ];
  const found = candidates.find((file) => file !== undefined && file !== '' && existsSync(file));
  if (found === undefined) throw new Error('No Chromium on the PATH; install the Debian package "chromium" or set CHROMIUM_BIN.');
  return found;
}
