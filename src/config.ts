import { createPublicKey } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { z } from 'zod';

/** A setting that may be left out or left empty. */
const optional = <T extends z.ZodType>(schema: T) => z.preprocess((value) => (value === '' ? undefined : value), schema.optional());
const withDefault = <T extends z.ZodType>(schema: T, value: string | number) =>
  z.preprocess((given) => (given === undefined || given === '' ? value : given), schema);

const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);
const port = z.coerce.number().int().min(0).max(65_535);
/** A limit; 0 turns it off. */
const limit = (value: number) => withDefault(z.coerce.number().nonnegative(), value);
const existingFile = z.string().refine((file) => existsSync(file), 'there is no such file');
const publicKey = z
  .string()
  .transform((pem) => pem.replaceAll('\\n', '\n'))
  .refine((pem) => {
    try {
      const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey(pem);
      return asymmetricKeyType === 'rsa' || (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1');
    } catch {
      return false;
    }
  }, 'must be an RSA or P-256 public key in PEM');

const environment = z.object({
  NODE_ENV: optional(z.string()),
  PORT: withDefault(port, 3000),
  HOST: optional(z.string()),
  PUBLIC_URL: optional(z.url({ protocol: /^https?$/ })),
  DATA_DIR: withDefault(z.string(), '.data'),
  // Not z.url(): a PostgreSQL address may name a Unix socket's folder in the place of a host.
  DATABASE_URL: optional(z.string().regex(/^postgres(ql)?:\/\//, 'must begin with postgresql://')),
  AUTH_SECRET: optional(z.string()),
  AUTH_JWKS_URL: optional(z.url({ protocol: /^https?$/ })),
  AUTH_PUBLIC_KEY: optional(publicKey),
  AUTH_ISSUER: optional(z.string()),
  AUTH_AUDIENCE: optional(z.string()),
  ACCESS_POLICY: withDefault(z.enum(['appointment', 'open']), 'appointment'),
  CORS_ORIGINS: withDefault(list, ''),
  TRUSTED_PROXIES: withDefault(list, 'loopback'),
  TLS_CERT_FILE: optional(existingFile),
  TLS_KEY_FILE: optional(existingFile),
  MEDIA_LISTEN_IP: optional(z.union([z.ipv4(), z.ipv6()])),
  MEDIA_ANNOUNCED_ADDRESS: optional(z.string()),
  MEDIA_BASE_PORT: withDefault(port, 44_000),
  MEDIA_WORKERS: optional(z.coerce.number().int().min(1).max(256)),
  MEDIASOUP_WORKER_BIN: optional(existingFile),
  STUN_URLS: withDefault(list, ''),
  TURN_URLS: withDefault(list, ''),
  TURN_SECRET: optional(z.string()),
  LOG_LEVEL: withDefault(z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']), 'info'),
  LIMIT_ROOMS_PER_DAY: limit(10),
  LIMIT_PARTICIPANTS: limit(16),
  LIMIT_ROOM_MINUTES: limit(60),
  LIMIT_RECONNECT_SECONDS: limit(30),
  LIMIT_PING_INTERVAL_SECONDS: withDefault(z.coerce.number().positive(), 25),
  LIMIT_PING_TIMEOUT_SECONDS: withDefault(z.coerce.number().positive(), 60),
  LIMIT_REFUSED_CONNECTIONS_PER_MINUTE: limit(10),
  LIMIT_REQUESTS_PER_SECOND: limit(50),
  LIMIT_PAYLOAD_BYTES: limit(1_048_576),
  LIMIT_ICE_HOURS: withDefault(z.coerce.number().positive(), 4),
});

/** Every setting's name, in the order of `.env.example`. */
export const settingNames = Object.keys(environment.shape);

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
  };
  readonly ice: {
    readonly stunUrls: readonly string[];
    readonly turnUrls: readonly string[];
    readonly turnSecret: string | undefined;
    readonly credentialHours: number;
  };
  readonly logLevel: string;
  /** 0 turns a limit off. */
  readonly limits: {
    readonly roomsPerDay: number;
    readonly participants: number;
    readonly roomMinutes: number;
    readonly reconnectSeconds: number;
    readonly pingIntervalSeconds: number;
    readonly pingTimeoutSeconds: number;
    readonly refusedConnectionsPerMinute: number;
    readonly requestsPerSecond: number;
    readonly payloadBytes: number;
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

/**
 * Reads the settings from environment variables.
 * @throws ConfigError with every fault at once.
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    throw new ConfigError(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
  }
  const e = parsed.data;
  const isProduction = e.NODE_ENV === 'production';
  const isDemo = e.AUTH_SECRET === undefined && e.AUTH_JWKS_URL === undefined && e.AUTH_PUBLIC_KEY === undefined;
  const faults: string[] = [];
  if (isDemo && isProduction) faults.push('AUTH_SECRET, AUTH_JWKS_URL or AUTH_PUBLIC_KEY: one is needed with NODE_ENV=production');
  if (isDemo && e.HOST !== undefined && !loopback.has(e.HOST)) {
    faults.push(`HOST: without a key for tokens the server listens on loopback only, not on ${e.HOST}`);
  }
  if ((e.TLS_CERT_FILE === undefined) !== (e.TLS_KEY_FILE === undefined)) faults.push('TLS_CERT_FILE, TLS_KEY_FILE: set both or none');
  if (e.TURN_URLS.length > 0 && e.TURN_SECRET === undefined) faults.push('TURN_SECRET: is needed with TURN_URLS');
  const workerCount = e.MEDIA_WORKERS ?? availableParallelism();
  if (e.MEDIA_BASE_PORT > 0 && e.MEDIA_BASE_PORT + workerCount > 65_536) {
    faults.push(`MEDIA_BASE_PORT: ${workerCount} workers don't fit below port 65536`);
  }
  if (faults.length > 0) throw new ConfigError(faults);

  return {
    isProduction,
    isDemo,
    http: {
      host: e.HOST ?? (isDemo ? '127.0.0.1' : '0.0.0.0'),
      port: e.PORT,
      publicUrl: e.PUBLIC_URL?.replace(/\/+$/, ''),
      corsOrigins: e.CORS_ORIGINS,
      trustedProxies: e.TRUSTED_PROXIES,
      tls: e.TLS_CERT_FILE && e.TLS_KEY_FILE ? { cert: readFileSync(e.TLS_CERT_FILE), key: readFileSync(e.TLS_KEY_FILE) } : undefined,
    },
    dataDir: path.resolve(e.DATA_DIR),
    databaseUrl: e.DATABASE_URL,
    auth: {
      secret: e.AUTH_SECRET,
      jwksUrl: e.AUTH_JWKS_URL,
      publicKey: e.AUTH_PUBLIC_KEY,
      issuer: e.AUTH_ISSUER,
      audience: e.AUTH_AUDIENCE,
    },
    accessPolicy: e.ACCESS_POLICY,
    media: {
      listenIp: e.MEDIA_LISTEN_IP ?? (isDemo ? '127.0.0.1' : '0.0.0.0'),
      announcedAddress: e.MEDIA_ANNOUNCED_ADDRESS,
      basePort: e.MEDIA_BASE_PORT,
      workerCount,
      workerBin: e.MEDIASOUP_WORKER_BIN,
    },
    ice: { stunUrls: e.STUN_URLS, turnUrls: e.TURN_URLS, turnSecret: e.TURN_SECRET, credentialHours: e.LIMIT_ICE_HOURS },
    logLevel: e.LOG_LEVEL,
    limits: {
      roomsPerDay: e.LIMIT_ROOMS_PER_DAY,
      participants: e.LIMIT_PARTICIPANTS,
      roomMinutes: e.LIMIT_ROOM_MINUTES,
      reconnectSeconds: e.LIMIT_RECONNECT_SECONDS,
      pingIntervalSeconds: e.LIMIT_PING_INTERVAL_SECONDS,
      pingTimeoutSeconds: e.LIMIT_PING_TIMEOUT_SECONDS,
      refusedConnectionsPerMinute: e.LIMIT_REFUSED_CONNECTIONS_PER_MINUTE,
      requestsPerSecond: e.LIMIT_REQUESTS_PER_SECOND,
      payloadBytes: e.LIMIT_PAYLOAD_BYTES,
    },
  };
}
