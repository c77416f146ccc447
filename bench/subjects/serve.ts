// The process a measured server lives in: `node serve.ts <parley|bare>`, answering calls over IPC until the channel closes.
import { type Answer, type Call, callSchema } from './calls.ts';
import { type Subject, subjectNameSchema } from './subject.ts';

const name = subjectNameSchema.parse(process.argv[2]);
// Only the one that is measured is loaded.
const subject =
  name === 'bare' ? await (await import('./bare.ts')).createBareSubject() : await (await import('./parley.ts')).createParleySubject();

function answer(message: Answer): void {
  process.send?.(message);
}

async function carryOut(target: Subject, call: Call): Promise<unknown> {
  switch (call.method) {
    case 'openRoom':
      return target.openRoom();
    case 'addPublisher':
      return target.addPublisher(call.fingerprint);
    case 'addSubscriber':
      return target.addSubscriber(call.subscriberId, call.fingerprint);
    case 'resumeSubscriber':
      return target.resumeSubscriber(call.subscriberId);
    case 'closeRoom':
      return target.closeRoom();
    case 'close':
      return target.close();
  }
}

process.on('message', async (message) => {
  const { callId, call } = callSchema.parse(message);
  try {
    answer({ kind: 'done', callId, result: await carryOut(subject, call) });
  } catch (error) {
    answer({ kind: 'failed', callId, message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
process.on('disconnect', () => process.exit(0));
answer({ kind: 'started', workerPid: subject.workerPid });
