import { createPublicKey } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { availableParallelism, networkInterfaces } from 'node:os';
import path from 'node:path';
import { createSecureContext } from 'node:tls';
import { fileURLToPath } from 'node:url';
import proxyAddr from '@fastify/proxy-addr';
import { z } from 'zod';

/** A setting that may be left out or left empty. */
const optional = <T extends z.ZodType>(schema: T) => z.preprocess((value) => (isBlank(value) ? undefined : value), schema.optional());
const withDefault = <T extends z.ZodType>(schema: T, value: string | number) =>
  z.preprocess((given) => (isBlank(given) ? value : given), schema);
const isBlank = (value: unknown) => value === undefined || (typeof value === 'string' && value.trim() === '');

const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);
const number = z.coerce.number({ error: (issue) => (issue.code === 'invalid_type' ? 'must be a number' : undefined) });
const port = number.int().min(0).max(65_535);
/** Longest time that a timer can wait, in seconds: 24 days. */
const maxSeconds = 2_000_000;
/** A limit on how many; 0 turns it off. */
const count = (value: number) => withDefault(number.int().nonnegative(), value);
/** A limit on a rate; 0 turns it off. */
const rate = (value: number) => withDefault(number.nonnegative(), value);
/** A limit on a time; 0 turns it off. */
const seconds = (value: number) => withDefault(number.nonnegative().max(maxSeconds), value);
const minutes = (value: number) => withDefault(number.nonnegative().max(maxSeconds / 60), value);
const existingFile = z.string().refine((file) => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false, 'there is no such file');
const proxies = list.refine((addresses) => {
  try {
    return proxyAddr.compile([...addresses]) !== undefined;
  } catch {
    return false;
  }
}, 'must be addresses, subnets such as 10.0.0.0/8, or loopback, linklocal, uniquelocal');
const origins = list.refine(
  (addresses) => addresses.every((address) => URL.canParse(address) && new URL(address).origin === address),
  'must be origins such as https://portal.example, without a path',
);
/** RFC 7518, section 3.3: a key of RS256 has 2048 bits at least. */
const minRsaBits = 2048;
const publicKey = z
  .string()
  .transform((pem) => pem.replaceAll('\\n', '\n'))
  .refine((pem) => {
    try {
      const { type, asymmetricKeyType, asymmetricKeyDetails } = createPublicKey(pem);
      if (type !== 'public') return false;
      if (asymmetricKeyType === 'rsa') return (asymmetricKeyDetails?.modulusLength ?? 0) >= minRsaBits;
      return asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1';
    } catch {
      return false;
    }
  }, `must be a P-256 public key or an RSA one of at least ${minRsaBits} bits, in PEM`);

/** `id:base64[,id:base64]`, 32 bytes each. */
const encryptionKeys = list.transform((items, context) =>
  items.map((item) => {
    const [, id, text = ''] = /^([A-Za-z0-9._-]{1,64}):([A-Za-z0-9+/_-]+=*)$/.exec(item) ?? [];
    const key = Buffer.from(text, 'base64');
    // The item itself is a secret and stays out of the message.
    if (id === undefined || key.length !== 32) context.addIssue({ code: 'custom', message: 'each must be id:base64 of 32 bytes' });
    return { id: id ?? '', key };
  }),
);

/** `days[,purpose=days]`: for every purpose, and for some of them. */
const retention = list.transform((items, context) => {
  const byPurpose = new Map<string, number>();
  let days = 0;
  for (const item of items) {
    const [, purpose, text = ''] = /^(?:(.+)=)?\s*(\d{1,5}(?:\.\d+)?)$/.exec(item) ?? [];
    if (text === '') context.addIssue({ code: 'custom', message: 'must be days, or days,purpose=days' });
    else if (purpose === undefined) days = Number(text);
    else byPurpose.set(purpose.trim().toLowerCase(), Number(text));
  }
  return { days, byPurpose: byPurpose as ReadonlyMap<string, number> };
});

const environment = z.object({
  NODE_ENV: optional(z.string()),
  PORT: withDefault(port, 3000),
  HOST: optional(z.string()),
  PUBLIC_URL: optional(z.url({ protocol: /^https?$/ })),
  DATA_DIR: withDefault(z.string(), '.data'),
  // Not z.url(): a PostgreSQL address may name a Unix socket's folder in the place of a host.
  DATABASE_URL: optional(z.string().regex(/^postgres(ql)?:\/\//, 'must begin with postgresql://')),
  REDIS_URL: optional(z.string().regex(/^rediss?:\/\//, 'must begin with redis:// or rediss://')),
  SERVER_URL: optional(z.url({ protocol: /^https?$/ })),
  ENCRYPTION_KEYS: withDefault(encryptionKeys, ''),
  STORAGE_URL: optional(
    z.string().regex(/^(file:.|s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/|$))/, 'must be file:path or s3://bucket/prefix'),
  ),
  S3_ENDPOINT: optional(z.url({ protocol: /^https?$/ })),
  S3_REGION: withDefault(z.string(), 'us-east-1'),
  S3_ACCESS_KEY_ID: optional(z.string()),
  S3_SECRET_ACCESS_KEY: optional(z.string()),
  CLAMAV_SOCKET: optional(z.string().regex(/^(\/.+|[^/\s]+:\d{1,5})$/, 'must be the path of a Unix socket or host:port')),
  AUTH_SECRET: optional(z.string()),
  AUTH_JWKS_URL: optional(z.url({ protocol: /^https?$/ })),
  AUTH_PUBLIC_KEY: optional(publicKey),
  AUTH_ISSUER: optional(z.string()),
  AUTH_AUDIENCE: optional(z.string()),
  ACCESS_POLICY: withDefault(z.enum(['appointment', 'open']), 'appointment'),
  CORS_ORIGINS: withDefault(origins, ''),
  TRUSTED_PROXIES: withDefault(proxies, 'loopback'),
  TLS_CERT_FILE: optional(existingFile),
  TLS_KEY_FILE: optional(existingFile),
  MEDIA_LISTEN_IP: optional(z.union([z.ipv4(), z.ipv6()])),
  MEDIA_ANNOUNCED_ADDRESS: optional(z.string()),
  MEDIA_BASE_PORT: withDefault(port, 44_000),
  MEDIA_WORKERS: optional(number.int().min(1).max(256)),
  MEDIASOUP_WORKER_BIN: optional(existingFile),
  RECORDING_BASE_PORT: withDefault(number.int().min(1_024).max(65_535), 22_000),
  RECORDING_PORTS: withDefault(number.int().min(6).max(64_512), 1_200),
  STUN_URLS: withDefault(list, ''),
  TURN_URLS: withDefault(list, ''),
  TURN_SECRET: optional(z.string()),
  FFMPEG_PATH: optional(z.string()),
  RECORDING_POLICY: withDefault(z.enum(['leave_out', 'unanimous']), 'leave_out'),
  RECORDING_PARTICIPANT_ACCESS: withDefault(z.stringbool(), 'false'),
  RECORDING_RETENTION_DAYS: optional(retention),
  RECORDING_MIN_FREE_BYTES: count(1_073_741_824),
  RECORDING_MAX_LOAD: rate(16),
  SMTP_URL: optional(z.url({ protocol: /^smtps?$/ })),
  SMTP_FROM: withDefault(z.string().max(320), 'Parley <parley@localhost>'),
  LOG_LEVEL: withDefault(z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']), 'info'),
  LIMIT_MESSAGE_CHARACTERS: count(10_000),
  LIMIT_MESSAGES_PER_MINUTE: count(30),
  LIMIT_TYPING_SECONDS: seconds(10),
  LIMIT_ROOMS_PER_DAY: count(10),
  LIMIT_PARTICIPANTS: count(16),
  LIMIT_ROOM_MINUTES: minutes(60),
  LIMIT_RING_SECONDS: seconds(60),
  LIMIT_CONNECTING_SECONDS: seconds(30),
  LIMIT_IDLE_CALL_SECONDS: seconds(30),
  LIMIT_RECONNECT_SECONDS: seconds(30),
  LIMIT_PING_INTERVAL_SECONDS: withDefault(number.positive().max(maxSeconds), 25),
  LIMIT_PING_TIMEOUT_SECONDS: withDefault(number.positive().max(maxSeconds), 60),
  LIMIT_REFUSED_CONNECTIONS_PER_MINUTE: count(10),
  LIMIT_REQUESTS_PER_SECOND: rate(50),
  LIMIT_ATTACHMENT_BYTES: count(104_857_600),
  LIMIT_ATTACHMENTS_PER_MESSAGE: count(10),
  LIMIT_FILES_PER_HOUR: count(20),
  LIMIT_PAYLOAD_BYTES: count(1_048_576),
  LIMIT_LINK_MINUTES: minutes(15),
  LIMIT_ICE_HOURS: withDefault(number.positive(), 4),
});

type Environment = z.infer<typeof environment>;

/** Every setting's name, in the order of `.env.example`. */
export const settingNames = Object.keys(environment.shape) as readonly (keyof Environment)[];

/** What each setting is when it is left out; undefined where nothing is. */
export const settingDefaults: Readonly<Environment> = environment.parse({});

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
