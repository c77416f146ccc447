import { existsSync } from 'node:fs';
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
import { AppError } from '../protocol/errors.ts';
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
    loggerInstance: log.child({ part: 'http' }, { level: 'warn' }),
    trustProxy: [...http.trustedProxies],
    bodyLimit: 1_048_576,
    forceCloseConnections: true,
  };
  const server = fastify(http.tls ? Object.assign(options, { https: { ...http.tls } }) : options).withTypeProvider<ZodTypeProvider>() as HttpServer;
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  server.setErrorHandler(createErrorReply(log));
  server.setNotFoundHandler(() => {
    throw new AppError('protocol.not_found', { message: 'There is no such address.' });
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
        upgradeInsecureRequests: http.tls ? [] : null,
      },
    },
    strictTransportSecurity: http.tls !== undefined,
  });
  await server.register(cors, { origin: http.corsOrigins.length > 0 ? [...http.corsOrigins] : false, credentials: true });
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Parley', description: 'Media server for consultations: REST.', version: '1' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
  });
  await server.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
  return server;
}

/** Serves the web app: its files, and its one page for every address that the page itself routes. */
export async function servePage(server: HttpServer): Promise<void> {
  if (!existsSync(pageFolder)) return;
  await server.register(fastifyStatic, { root: pageFolder, maxAge: '1y', immutable: true, wildcard: false, index: false });
  for (const url of ['/', '/r/:roomId']) {
    server.get(url, { schema: { hide: true } }, (_request, reply) =>
      reply.header('Cache-Control', 'no-cache').sendFile('index.html', { maxAge: 0, immutable: false }),
    );
  }
}
