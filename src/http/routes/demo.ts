import { v7 as uuidv7 } from 'uuid';
import type { TokenService } from '../../auth/token.ts';
import { demoToken, demoTokenBody } from '../../protocol/user.ts';
import type { HttpServer } from '../http-server.ts';

const tokenHours = 12;

/** `/demo`: hands a token to whoever asks. Registered in demo mode only, in which the server listens on loopback only. */
export function registerDemoRoutes(server: HttpServer, { tokens }: { tokens: TokenService }): void {
  server.post(
    '/api/v1/demo/token',
    { schema: { tags: ['demo'], security: [], body: demoTokenBody, response: { 200: demoToken } } },
    (request) => {
      const { name, role } = request.body;
      const userId = `demo-${uuidv7()}`;
      const expiresAt = new Date(Date.now() + tokenHours * 60 * 60 * 1000);
      return { token: tokens.sign({ userId, displayName: name, role }, expiresAt), userId, expiresAt: expiresAt.toISOString() };
    },
  );
}
