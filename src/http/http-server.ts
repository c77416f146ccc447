import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { type FastifyBaseLogger, type FastifyInstance, type FastifyServerOptions, fastify } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { AppError, errorStatus } from '../protocol/errors.ts';
import { createErrorReply } from './error-reply.ts';

const pageFolder = fileURLToPath(new URL('../../web/dist', import.meta.url));

/** The REST edge, typed by zod. */
export type HttpServer = FastifyInstance<
  import('node:http').Server,
  import('node:http').IncomingMessage,
  import('node:http').ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Builds the HTTP server with its error replies, headers and documents; routes are registered by the caller, and the page after them. */
export async function createHttpServer({ http, log }: { http: Config['http']; log: Logger }): Promise<HttpServer> {
  const options: FastifyServerOptions = {
    loggerInstance: log.child({ part: 'http' }, { level: log.isLevelEnabled('warn') ? 'warn' : log.level }),
    trustProxy: [...http.trustedProxies],
    bodyLimit: 1_048_576,
    forceCloseConnections: true,
    // The longest id of a host application's own, and room for escapes.
    routerOptions: { maxParamLength: 512 },
    // Addresses that can't be routed at all, such as with a malformed escape.
    frameworkErrors: createErrorReply(log),
  };
  const server = fastify(
    http.tls ? Object.assign(options, { https: { ...http.tls } }) : options,
  ).withTypeProvider<ZodTypeProvider>() as HttpServer;
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  server.setErrorHandler(createErrorReply(log));
  // Many clients name the type of a body that they do not send.
  const parseJson = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, null);
    else void parseJson(request, String(body), done);
  });
  const methodsAt = watchMethods(server);
  server.setNotFoundHandler((request, reply) => {
    const allowed = methodsAt(request.url);
    if (allowed.length === 0) throw new AppError('protocol.not_found', { message: 'There is no such address.' });
    reply.header('Allow', allowed.join(', '));
    throw new AppError('protocol.method_not_allowed', { message: 'This address does not take that method.' });
  });
  await server.register(helmet, {
    // The page talks to this server alone; styles are set on elements when the grid is laid out.
    contentSecurityPolicy: {
      directives: {
        defaultSrc: ["'self'"],
        connectSrc: ["'self'", 'ws:', 'wss:'],
        imgSrc: ["'self'", 'data:', 'blob:'],
        mediaSrc: ["'self'", 'blob:'],
        styleSrc: ["'self'", "'unsafe-inline'"],
        workerSrc: ["'self'"],
        upgradeInsecureRequests: http.tls ? [] : null,
      },
    },
    strictTransportSecurity: http.tls !== undefined,
  });
  await server.register(cors, {
    origin: http.corsOrigins.length > 0 ? [...http.corsOrigins] : false,
    credentials: true,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: ['Retry-After'],
  });
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Parley', description: 'Media server for consultations: REST.', version: '1' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
      security: [{ token: [] }],
    },
    transform: withErrorResponse,
  });
  await server.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
  return server;
}

const errorResponse = {
  description: 'Refused, or failed; the code says why.',
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message'],
      properties: { code: { type: 'string', enum: Object.keys(errorStatus) }, message: { type: 'string' }, details: { type: 'object' } },
    },
  },
};

/** A route's schemas for the document, with the error that each may answer. */
const withErrorResponse: typeof jsonSchemaTransform = (route) => {
  const { schema, url } = jsonSchemaTransform(route);
  return { schema: { ...schema, response: { ...(schema.response as object | undefined), default: errorResponse } }, url };
};

/** Notes every route that is registered from now on; the function answers the methods that an address takes. */
function watchMethods(server: HttpServer): (url: string) => string[] {
  const routes: { parts: string[]; methods: string[] }[] = [];
  server.addHook('onRoute', ({ url, method }) => {
    routes.push({ parts: url.split('/'), methods: [method].flat() });
  });
  return (url) => {
    const parts = (url.split('?', 1)[0] ?? '').split('/');
    const fits = (pattern: string[]) =>
      pattern.length === parts.length &&
      pattern.every((part, index) => part === parts[index] || (part.startsWith(':') && parts[index] !== ''));
    return [...new Set(routes.filter((route) => fits(route.parts)).flatMap((route) => route.methods))].sort();
  };
}

/** Serves the web app: its files, and its one page for every address that the page itself routes. */
export async function servePage(server: HttpServer): Promise<void> {
  if (!existsSync(pageFolder)) return;
  await server.register(fastifyStatic, {
    root: pageFolder,
    maxAge: '1y',
    immutable: true,
    // Names under /assets change with what they hold; the few others stay, and a service worker is to be renewed at once.
    setHeaders: (reply, file) => {
      if (path.basename(path.dirname(file)) !== 'assets') reply.header('Cache-Control', 'no-cache');
    },
    wildcard: false,
    index: false,
    globIgnore: ['index.html'],
  });
  for (const url of [
    '/',
    '/contacts',
    '/history',
    '/notifications',
    '/settings',
    '/recordings',
    '/recordings/:recordingId',
    '/r/:roomId',
    '/c/:conversationId',
  ]) {
    server.get(url, { schema: { hide: true } }, (_request, reply) =>
      reply.header('Cache-Control', 'no-cache').sendFile('index.html', { cacheControl: false }),
    );
  }
}
