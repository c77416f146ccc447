import { createPublicKey } from 'node:crypto';
import { statSync } from 'node:fs';
import proxyAddr from '@fastify/proxy-addr';
import { z } from 'zod';

/** A setting that may be left out or left empty. */
const optional = <T extends z.ZodType>(schema: T) => z.preprocess((value) => (isBlank(value) ? undefined : value), schema.optional());
const withDefault = <T extends z.ZodType>(schema: T, value: string | number) =>
  z.preprocess((given) => (isBlank(given) ? value : given), schema);
/** Whether a setting says nothing. */
export const isBlank = (value: unknown) => value === undefined || (typeof value === 'string' && value.trim() === '');

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

/** Every setting as the environment gives it: its form, and its default. */
export const environment = z.object({
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

/** The settings as they were read, each in its own form. */
export type Environment = z.infer<typeof environment>;

/** Every setting's name, in the order of `.env.example`. */
export const settingNames = Object.keys(environment.shape) as readonly (keyof Environment)[];

/** What each setting is when it is left out; undefined where nothing is. */
export const settingDefaults: Readonly<Environment> = environment.parse({});
