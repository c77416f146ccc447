import { z } from 'zod';
import type { AppointmentService } from '../../appointments/appointment-service.ts';
import { appointment, appointmentBody } from '../../protocol/appointment.ts';
import { plainText } from '../../protocol/ids.ts';
import type { Authenticate } from '../authenticate.ts';
import type { HttpServer } from '../http-server.ts';

/** `/appointments`. */
export function registerAppointmentRoutes(
  server: HttpServer,
  { authenticate, appointments }: { authenticate: Authenticate; appointments: AppointmentService },
): void {
  const tags = ['appointments'];
  const params = z.object({ appointmentId: plainText(1, 128) });
  const url = '/api/v1/appointments/:appointmentId';

  server.put(
    url,
    { schema: { tags, params, body: appointmentBody, response: { 200: appointment, 201: appointment } } },
    async (request, reply) => {
      const caller = await authenticate(request);
      const { appointment: declared, isNew } = await appointments.put(caller, request.params.appointmentId, request.body);
      return reply.status(isNew ? 201 : 200).send(declared);
    },
  );

  server.get(url, { schema: { tags, params, response: { 200: appointment } } }, async (request) =>
    appointments.get(await authenticate(request), request.params.appointmentId),
  );

  server.delete(url, { schema: { tags, params, response: { 204: z.null() } } }, async (request, reply) => {
    await appointments.remove(await authenticate(request), request.params.appointmentId);
    return reply.status(204).send(null);
  });
}
