import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { appErrorOfDatabase } from '../db/database-error.ts';
import type { Logger } from '../log.ts';
import { AppError } from '../protocol/errors.ts';

/** Turns whatever a route threw into `{error}` with its status; the only place of the REST edge that does. */
export function createErrorReply(log: Logger) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const appError = toAppError(error);
    if (appError.status >= 500) {
      const fields = { err: error, method: request.method, route: request.routeOptions?.url };
      if (appError.code === 'internal') log.error(fields, 'request failed');
      else log.warn(fields, 'request refused');
    }
    if (appError.status === 401) reply.header('WWW-Authenticate', 'Bearer');
    const { retryAfterMs } = appError.details ?? {};
    if (typeof retryAfterMs === 'number') reply.header('Retry-After', Math.ceil(retryAfterMs / 1000));
    return reply.status(appError.status).send({ error: appError.toWire() });
  };
}

function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const issues = error.validation.slice(0, 10).map(({ instancePath, params, message }) => {
      const unknown = 'keys' in params && Array.isArray(params.keys) ? params.keys.slice(0, 1) : [];
      const path = [...instancePath.split('/').filter((part) => part !== ''), ...unknown];
      return { field: path.join('.').slice(0, 200), message: message ?? 'is not valid' };
    });
    return new AppError('protocol.invalid_payload', { details: { field: issues[0]?.field ?? '', issues } });
  }
  const ofDatabase = appErrorOfDatabase(error);
  if (ofDatabase) return ofDatabase;
  const { code, statusCode } = error as Partial<FastifyError>;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new AppError('protocol.too_large');
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new AppError('protocol.unsupported_media_type');
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return new AppError('protocol.invalid_payload', { cause: error });
  return new AppError('internal', { cause: error });
}
