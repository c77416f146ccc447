import { readFileSync } from 'node:fs';
import { availableParallelism, networkInterfaces } from 'node:os';
import path from 'node:path';
import { createSecureContext } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { type Environment, environment, isBlank } from './environment.ts';

/** Everything that can be set, read once at start. */
export interface Config {
  readonly isProduction: boolean;
  /** Nobody configured a key for tokens: the server makes its own and hands out tokens to whoever asks, on loopback only. */
  readonly isDemo: boolean;
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** The address browsers know the server by; undefined: made from host and port once it listens. */
    readonly publicUrl: string | undefined;
    readonly corsOrigins: readonly string[];
    readonly trustedProxies: readonly string[];
    readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  };
  readonly dataDir: string;
  /** undefined: the embedded PostgreSQL under `dataDir`. */
  readonly databaseUrl: string | undefined;
  /** undefined: one server alone. */
  readonly redisUrl: string | undefined;
  /** Where browsers reach this very server, one of several; undefined: `http.publicUrl`. */
  readonly serverUrl: string | undefined;
  /** Keys for what is kept, 32 bytes each; the first one encrypts. Empty: one is made under `dataDir`. */
  readonly encryptionKeys: readonly { readonly id: string; readonly key: Buffer }[];
  /** Where files are kept. */
  readonly storage:
    | { readonly kind: 'local'; readonly folder: string }
    | {
        readonly kind: 's3';
        readonly bucket: string;
        /** Goes before every key: empty, or ending in `/`. */
        readonly prefix: string;
        /** undefined: AWS itself. */
        readonly endpoint: string | undefined;
        readonly region: string;
        /** undefined: what the SDK finds (instance role, shared files). */
        readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
      };
  /** ClamAV's daemon: a Unix socket's path or `host:port`; undefined: files are not scanned. */
  readonly clamavSocket: string | undefined;
  readonly auth: {
    readonly secret: string | undefined;
    readonly jwksUrl: string | undefined;
    readonly publicKey: string | undefined;
    readonly issuer: string | undefined;
    readonly audience: string | undefined;
  };
  readonly accessPolicy: 'appointment' | 'open';
  readonly media: {
    readonly listenIp: string;
    readonly announcedAddress: string | undefined;
    readonly basePort: number;
    readonly workerCount: number;
    readonly workerBin: string | undefined;
    /** UDP ports on loopback over which what is recorded goes to ffmpeg, six a track. */
    readonly recordingPorts: { readonly basePort: number; readonly count: number };
  };
  readonly ice: {
    readonly stunUrls: readonly string[];
    readonly turnUrls: readonly string[];
    readonly turnSecret: string | undefined;
    readonly credentialHours: number;
  };
  readonly recording: {
    /** undefined: `ffmpeg` on the PATH. One that is not there turns recording off. */
    readonly ffmpegPath: string | undefined;
    readonly policy: 'leave_out' | 'unanimous';
    /** Whether those who agreed may see the recording, besides admins and the one who asked. */
    readonly participantAccess: boolean;
    /** Days after which recordings are deleted, and those of some purposes (in lower case); 0: never. */
    readonly retention: { readonly days: number; readonly byPurpose: ReadonlyMap<string, number> };
    /** Recordings begin and go on only with so much of the disk free; 0: they always do. */
    readonly minFreeBytes: number;
    /** Jobs that wait for each core, over a minute, with which no recording begins; 0: it always does. */
    readonly maxLoad: number;
  };
  /** Where e-mail is handed in; an undefined `url`: none is sent. */
  readonly smtp: { readonly url: string | undefined; readonly from: string };
  readonly logLevel: string;
  /** What works but should not stay so, a sentence each, for the log. */
  readonly warnings: readonly string[];
  /** 0 turns a limit off. */
  readonly limits: {
    readonly messageCharacters: number;
    readonly messagesPerMinute: number;
    readonly typingSeconds: number;
    readonly roomsPerDay: number;
    readonly participants: number;
    readonly roomMinutes: number;
    readonly ringSeconds: number;
    readonly connectingSeconds: number;
    readonly idleCallSeconds: number;
    readonly reconnectSeconds: number;
    readonly pingIntervalSeconds: number;
    readonly pingTimeoutSeconds: number;
    readonly refusedConnectionsPerMinute: number;
    readonly requestsPerSecond: number;
    readonly attachmentBytes: number;
    readonly attachmentsPerMessage: number;
    readonly filesPerHour: number;
    readonly payloadBytes: number;
    readonly linkMinutes: number;
  };
}

/** All faults of the settings, a line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`Parley can't start with these settings:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.faults = faults;
  }
}

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);
/** Shorter secrets can be guessed from a token (RFC 7518, section 3.2: as long as the hash, 256 bits). */
const shortestSecret = 32;

/** What is wrong with the ports of recordings, beside those of the media workers. */
function recordingPortFaults(e: Environment, workerCount: number): string[] {
  const [first, behind] = [e.RECORDING_BASE_PORT, e.RECORDING_BASE_PORT + e.RECORDING_PORTS];
  if (behind > 65_536) return [`RECORDING_PORTS: ${e.RECORDING_PORTS} ports don't fit below port 65536`];
  const isShared = e.MEDIA_BASE_PORT > 0 && e.MEDIA_BASE_PORT < behind && first < e.MEDIA_BASE_PORT + workerCount;
  return isShared ? ['RECORDING_BASE_PORT: media workers have some of these ports'] : [];
}

/**
 * Reads the settings from environment variables.
 * @throws ConfigError with every fault at once.
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  const issues = environment.safeParse(env).error?.issues ?? [];
  const faults = issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  const faulty = new Set(issues.map((issue) => issue.path[0]));
  // Every setting may be left out, so the rest can be looked at as if the faulty ones had been: one run tells of every fault.
  const e = environment.parse(Object.fromEntries(Object.entries(env).filter(([name]) => !faulty.has(name))));
  const has = (name: keyof Environment) => !isBlank(env[name]);

  const isProduction = e.NODE_ENV === 'production';
  const isDemo = !has('AUTH_SECRET') && !has('AUTH_JWKS_URL') && !has('AUTH_PUBLIC_KEY');
  if (isDemo && isProduction) faults.push('AUTH_SECRET, AUTH_JWKS_URL or AUTH_PUBLIC_KEY: one is needed with NODE_ENV=production');
  if (isDemo && e.HOST !== undefined && !loopback.has(e.HOST)) {
    faults.push(`HOST: without a key for tokens the server listens on loopback only, not on ${e.HOST}`);
  }
  if (has('TLS_CERT_FILE') !== has('TLS_KEY_FILE')) faults.push('TLS_CERT_FILE, TLS_KEY_FILE: set both or none');
  const tls = readTls(e, faults);
  if (has('TURN_URLS') && !has('TURN_SECRET')) faults.push('TURN_SECRET: is needed with TURN_URLS');
  if (new Set(e.ENCRYPTION_KEYS.map(({ id }) => id)).size < e.ENCRYPTION_KEYS.length) faults.push('ENCRYPTION_KEYS: an id comes twice');
  if (has('S3_ACCESS_KEY_ID') !== has('S3_SECRET_ACCESS_KEY')) faults.push('S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY: set both or none');
  if (has('REDIS_URL') && !has('DATABASE_URL'))
    faults.push('DATABASE_URL: is needed with REDIS_URL, as several servers share one database');
  const workerCount = e.MEDIA_WORKERS ?? availableParallelism();
  if (e.MEDIA_BASE_PORT > 0 && e.MEDIA_BASE_PORT + workerCount > 65_536) {
    faults.push(`MEDIA_BASE_PORT: ${workerCount} workers don't fit below port 65536`);
  }
  faults.push(...recordingPortFaults(e, workerCount));
  if (faults.length > 0) throw new ConfigError(faults);

  const warnings: string[] = [];
  if (e.AUTH_SECRET !== undefined && e.AUTH_SECRET.length < shortestSecret) {
    warnings.push(`AUTH_SECRET is shorter than ${shortestSecret} characters; a longer one is harder to guess`);
  }

  if (e.REDIS_URL !== undefined && storageOf(e).kind === 'local') {
    warnings.push('STORAGE_URL is a folder; with REDIS_URL every server must reach the same one');
  }
  if (e.REDIS_URL !== undefined && e.SERVER_URL === undefined && e.PUBLIC_URL !== undefined) {
    warnings.push(
      'SERVER_URL is not set; with REDIS_URL browsers are sent to it when a room is on this server, so it must differ from the others',
    );
  }

  const listenIp = e.MEDIA_LISTEN_IP ?? (isDemo ? '127.0.0.1' : '0.0.0.0');
  const announcedAddress = e.MEDIA_ANNOUNCED_ADDRESS ?? addressBehind(listenIp);
  if (announcedAddress !== e.MEDIA_ANNOUNCED_ADDRESS) {
    warnings.push(`MEDIA_ANNOUNCED_ADDRESS is not set; browsers are told to send their media to ${announcedAddress}`);
  }

  return {
    isProduction,
    isDemo,
    http: {
      host: e.HOST ?? (isDemo ? '127.0.0.1' : '0.0.0.0'),
      port: e.PORT,
      publicUrl: e.PUBLIC_URL?.replace(/\/+$/, ''),
      corsOrigins: e.CORS_ORIGINS,
      trustedProxies: e.TRUSTED_PROXIES,
      tls,
    },
    dataDir: path.resolve(e.DATA_DIR),
    databaseUrl: e.DATABASE_URL,
    redisUrl: e.REDIS_URL,
    serverUrl: e.SERVER_URL?.replace(/\/+$/, ''),
    encryptionKeys: e.ENCRYPTION_KEYS,
    storage: storageOf(e),
    clamavSocket: e.CLAMAV_SOCKET,
    auth: {
      secret: e.AUTH_SECRET,
      jwksUrl: e.AUTH_JWKS_URL,
      publicKey: e.AUTH_PUBLIC_KEY,
      issuer: e.AUTH_ISSUER,
      audience: e.AUTH_AUDIENCE,
    },
    accessPolicy: e.ACCESS_POLICY,
    media: {
      listenIp,
      announcedAddress,
      basePort: e.MEDIA_BASE_PORT,
      workerCount,
      workerBin: e.MEDIASOUP_WORKER_BIN,
      recordingPorts: { basePort: e.RECORDING_BASE_PORT, count: e.RECORDING_PORTS },
    },
    ice: { stunUrls: e.STUN_URLS, turnUrls: e.TURN_URLS, turnSecret: e.TURN_SECRET, credentialHours: e.LIMIT_ICE_HOURS },
    recording: {
      ffmpegPath: e.FFMPEG_PATH,
      policy: e.RECORDING_POLICY,
      participantAccess: e.RECORDING_PARTICIPANT_ACCESS,
      retention: e.RECORDING_RETENTION_DAYS ?? { days: 0, byPurpose: new Map() },
      minFreeBytes: e.RECORDING_MIN_FREE_BYTES,
      maxLoad: e.RECORDING_MAX_LOAD,
    },
    smtp: { url: e.SMTP_URL, from: e.SMTP_FROM },
    logLevel: e.LOG_LEVEL,
    warnings,
    limits: {
      messageCharacters: e.LIMIT_MESSAGE_CHARACTERS,
      messagesPerMinute: e.LIMIT_MESSAGES_PER_MINUTE,
      typingSeconds: e.LIMIT_TYPING_SECONDS,
      roomsPerDay: e.LIMIT_ROOMS_PER_DAY,
      participants: e.LIMIT_PARTICIPANTS,
      roomMinutes: e.LIMIT_ROOM_MINUTES,
      ringSeconds: e.LIMIT_RING_SECONDS,
      connectingSeconds: e.LIMIT_CONNECTING_SECONDS,
      idleCallSeconds: e.LIMIT_IDLE_CALL_SECONDS,
      reconnectSeconds: e.LIMIT_RECONNECT_SECONDS,
      pingIntervalSeconds: e.LIMIT_PING_INTERVAL_SECONDS,
      pingTimeoutSeconds: e.LIMIT_PING_TIMEOUT_SECONDS,
      refusedConnectionsPerMinute: e.LIMIT_REFUSED_CONNECTIONS_PER_MINUTE,
      requestsPerSecond: e.LIMIT_REQUESTS_PER_SECOND,
      attachmentBytes: e.LIMIT_ATTACHMENT_BYTES,
      attachmentsPerMessage: e.LIMIT_ATTACHMENTS_PER_MESSAGE,
      filesPerHour: e.LIMIT_FILES_PER_HOUR,
      payloadBytes: e.LIMIT_PAYLOAD_BYTES,
      linkMinutes: e.LIMIT_LINK_MINUTES,
    },
  };
}

/** What a wildcard stands for to browsers: this machine's first address that others can reach, else loopback. Undefined for any other address. */
function addressBehind(listenIp: string): string | undefined {
  const family = { '0.0.0.0': 'IPv4', '::': 'IPv6' }[listenIp];
  if (family === undefined) return undefined;
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find((address) => !address.internal && address.family === family && !address.address.startsWith('fe80:'));
  return own?.address ?? (family === 'IPv4' ? '127.0.0.1' : '::1');
}

/** Certificate and key, when they are set and belong together; else a fault. */
function readTls({ TLS_CERT_FILE, TLS_KEY_FILE }: Environment, faults: string[]): Config['http']['tls'] {
  if (TLS_CERT_FILE === undefined || TLS_KEY_FILE === undefined) return undefined;
  try {
    const tls = { cert: readFileSync(TLS_CERT_FILE), key: readFileSync(TLS_KEY_FILE) };
    createSecureContext(tls);
    return tls;
  } catch (error) {
    faults.push(`TLS_CERT_FILE, TLS_KEY_FILE: can't be used together: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** Where `STORAGE_URL` says that files are kept; a folder under `DATA_DIR` when it says nothing. */
function storageOf(e: Environment): Config['storage'] {
  const url = e.STORAGE_URL;
  if (url === undefined) return { kind: 'local', folder: path.resolve(e.DATA_DIR, 'blobs') };
  if (url.startsWith('file:')) {
    return { kind: 'local', folder: url.startsWith('file://') ? fileURLToPath(url) : path.resolve(url.slice('file:'.length)) };
  }
  const [bucket = '', ...folders] = url.slice('s3://'.length).split('/').filter(Boolean);
  return {
    kind: 's3',
    bucket,
    prefix: folders.map((folder) => `${folder}/`).join(''),
    endpoint: e.S3_ENDPOINT,
    region: e.S3_REGION,
    credentials:
      e.S3_ACCESS_KEY_ID && e.S3_SECRET_ACCESS_KEY
        ? { accessKeyId: e.S3_ACCESS_KEY_ID, secretAccessKey: e.S3_SECRET_ACCESS_KEY }
        : undefined,
  };
}
