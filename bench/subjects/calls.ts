import { z } from 'zod';

/** What the benchmark asks of a server in a process of its own, and what that answers: one message each over the IPC channel. */
export const callSchema = z.object({
  callId: z.number(),
  call: z.discriminatedUnion('method', [
    z.object({ method: z.literal('openRoom') }),
    z.object({ method: z.literal('addPublisher'), fingerprint: z.string() }),
    z.object({ method: z.literal('addSubscriber'), subscriberId: z.number(), fingerprint: z.string() }),
    z.object({ method: z.literal('resumeSubscriber'), subscriberId: z.number() }),
    z.object({ method: z.literal('closeRoom') }),
    z.object({ method: z.literal('close') }),
  ]),
});
export type Call = z.infer<typeof callSchema>['call'];

export const iceTargetSchema = z.object({ ip: z.string(), port: z.number(), usernameFragment: z.string(), password: z.string() });

export const answerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('started'), workerPid: z.number() }),
  z.object({ kind: z.literal('done'), callId: z.number(), result: z.unknown().optional() }),
  z.object({ kind: z.literal('failed'), callId: z.number(), message: z.string() }),
]);
export type Answer = z.infer<typeof answerSchema>;
