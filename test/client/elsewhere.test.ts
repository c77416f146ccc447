import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import { ParleyError, type Role } from '../../src/client/index.ts';
import { elsewhereOf, RoomLink, type RoomLinkLimits, searchDelayMs } from '../../src/client/room-link.ts';
import { AppError } from '../../src/protocol/errors.ts';
import type { Participant } from '../../src/protocol/room.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { callOf } from './call-fixture.ts';
import { frames, Line, Person, until } from './sdk-fixture.ts';
import { connectionTo, StandIn } from './stand-in.ts';

const hasCode = (code: string) => (error: unknown) => error instanceof ParleyError && error.code === code;
const elsewhere = (url: unknown) => new AppError('room.elsewhere', { details: { url } });
/** Answers that somebody waits in the lobby: an answer to `room:join` like any other, and the shortest. */
const waiting = { waiting: true as const, me: { participantId: 'me', userId: 'me' } as Participant };
const capabilities = { rtpCapabilities: { codecs: [], headerExtensions: [] } };

/** A person whose own server sends everybody to the app. */
async function visitor(app: TestApp, home: StandIn, userId: string, role: Role = 'provider'): Promise<Person> {
  home.answer('room:join', () => {
    throw elsewhere(app.url);
  });
  return Person.create(app, userId, role, home.url);
}

/** A connected home, a link from it, and what a room hears of it. */
async function linkFrom(home: StandIn, limits: Partial<RoomLinkLimits> = {}) {
  const connection = home.connection();
  await connection.connect();
  const link = new RoomLink({ home: connection, homeUrl: home.url, open: (url) => connectionTo(url), limits });
  const heard: string[] = [];
  link.on('ready', ({ recovered }) => heard.push(recovered ? 'recovered' : 'lost'));
  link.on('stateChanged', ({ status }) => heard.push(status));
  const close = () => {
    link.close();
    connection.close();
  };
  return { link, connection, heard, [Symbol.dispose]: close };
}

/** An address at which nobody listens. */
async function deadUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

test('[CE1] a room on another server is joined there by itself; its media flows, and the rest stays on the first', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  await using home = await StandIn.start();
  using host = await visitor(app, home, 'host');
  using guest = await Person.create(app, 'guest', 'patient');
  const { roomId } = await app.createRoom({ guestIds: ['guest'] });

  const room = await host.join(roomId);
  assert.equal(room.view.status, 'joined');
  await guest.join(roomId);
  await host.speak();
  await frames((await guest.receives('microphone')).track, 3);
  await host.room.raiseHand(true);
  await until(guest.room, () => guest.room.view.participants.find(({ userId }) => userId === 'host')?.handRaised || undefined);

  home.answer('chat:conversations', () => ({ conversations: [], cursor: null }));
  await host.client.chat.loadConversations();
  assert.deepEqual(
    home.asked.map(({ name }) => name),
    ['room:join', 'chat:conversations'],
  );
});

test('[CE2] leaving the room closes its connection, and the first stays', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  await using home = await StandIn.start();
  using host = await visitor(app, home, 'host');
  const { roomId } = await app.createRoom();
  await host.join(roomId);
  await host.room.leave();
  await waitFor('the session to end', () => app.app.sockets.sessions.length === 0);
  assert.equal(home.socketCount, 1);
  assert.equal(host.client.state.status, 'connected');

  await host.join(roomId);
  host.client.close();
  await waitFor('both to end', () => app.app.sockets.sessions.length === 0 && home.socketCount === 0);
});

test('[CE3] losing the first connection does not touch a room elsewhere', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  await using home = await StandIn.start();
  using host = await visitor(app, home, 'host');
  const { roomId } = await app.createRoom();
  const room = await host.join(roomId);
  const before = room.view.me?.participantId;
  host.cut();
  await waitFor('the loss', () => host.client.state.status === 'reconnecting');
  await room.raiseHand(true);
  home.drop({ forget: true });
  host.mend();
  await waitFor('the connection', () => host.client.state.status === 'connected');
  assert.equal(room.view.status, 'joined');
  assert.equal(room.view.me?.participantId, before);
});

test('[CE4] a room of another server that dies is joined again through the first', async () => {
  await using home = await StandIn.start();
  await using other = await StandIn.start();
  using parts = await linkFrom(home, { patienceMs: 50 });
  const { link, heard } = parts;
  home.answer('room:join', () => {
    throw elsewhere(other.url);
  });
  other.answer('room:join', () => waiting);
  const notices: string[] = [];
  link.onNotice('room:locked', ({ roomId }) => notices.push(roomId));
  await link.join({ roomId: 'room', ...capabilities }, {});
  assert.equal(link.isAway, true);
  other.tell('room:locked', { roomId: 'away' });
  home.tell('room:locked', { roomId: 'home, and meant for nobody here' });
  await waitFor('the notice', () => notices.length > 0);

  await other.close();
  await waitFor('the room to come home', () => heard.includes('lost'));
  assert.equal(link.isAway, false);
  home.answer('room:join', () => waiting);
  await link.join({ roomId: 'room', ...capabilities }, {});
  home.tell('room:locked', { roomId: 'home' });
  await waitFor('the notice', () => notices.length > 1);
  assert.deepEqual(notices, ['away', 'home']);
});

test('[CE4] whoever talks in such a room talks on, with the same tracks', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  await using home = await StandIn.start();
  using first = await Line.to(app.url);
  using second = await Line.to(app.url);
  using guest = await Person.create(app, 'guest', 'patient');
  using host = await Person.create(app, 'host', 'provider', home.url);
  const { roomId } = await app.createRoom({ guestIds: ['guest'] });
  home.answer('room:join', () => {
    throw elsewhere(first.url);
  });
  await guest.join(roomId);
  const room = await host.join(roomId);
  const track = await host.speak();
  const { producerId } = await guest.receives('microphone');
  home.answer('room:join', () => {
    throw elsewhere(second.url);
  });
  const recovered = new Promise((resolve) => room.on('mediaRecovered', resolve));
  first.cut();
  await recovered;
  const heard = await until(guest.room, () =>
    guest.room.view.subscriptions.find((subscription) => subscription.producerId !== producerId && subscription.isLive),
  );
  await frames(heard.track, 3);
  assert.equal(room.view.publications[0]?.track, track);
  assert.equal(host.client.state.status, 'connected');
});

test('[CE4] a short loss of the other server is waited for, and so is a network that is gone', async () => {
  await using home = await StandIn.start();
  await using other = await StandIn.start();
  using parts = await linkFrom(home);
  const { link, heard } = parts;
  home.answer('room:join', () => {
    throw elsewhere(other.url);
  });
  other.answer('room:join', () => waiting);
  await link.join({ roomId: 'room', ...capabilities }, {});
  other.drop();
  home.drop({ forget: true });
  await waitFor('it to come back', () => heard.length > 0);
  assert.deepEqual(heard, ['recovered']);
  assert.equal(link.isAway, true);
});

test('[CE4] a room that has moved while nobody looked is joined with new media', async () => {
  await using home = await StandIn.start();
  await using other = await StandIn.start();
  using parts = await linkFrom(home);
  const { link, heard } = parts;
  home.answer('room:join', () => waiting);
  await link.join({ roomId: 'room', ...capabilities }, {});
  home.answer('room:join', () => {
    throw elsewhere(other.url);
  });
  other.answer('room:join', () => waiting);
  await link.join({ roomId: 'room' }, {});
  await waitFor('the room to be told', () => heard.includes('lost'));
});

test('[CE5] while the other server cannot be reached the first is asked again, until it lets in', async () => {
  await using home = await StandIn.start();
  using parts = await linkFrom(home);
  const gone = await deadUrl();
  let asked = 0;
  home.answer('room:join', () => {
    if (++asked < 3) throw elsewhere(gone);
    return waiting;
  });
  await parts.link.join({ roomId: 'room', ...capabilities }, {});
  assert.equal(asked, 3);
  assert.equal(parts.link.isAway, false);
});

test('[CE5] the pauses are 0.5, 1, 2 and then 4 s', () => {
  assert.deepEqual([1, 2, 3, 4, 5].map(searchDelayMs), [500, 1000, 2000, 4000, 4000]);
});

test('[CE5] a dead server that is named to the end is given up', async () => {
  await using home = await StandIn.start();
  using parts = await linkFrom(home, { searchMs: 700 });
  const gone = await deadUrl();
  home.answer('room:join', () => {
    throw elsewhere(gone);
  });
  await assert.rejects(parts.link.join({ roomId: 'room' }, {}), hasCode('room.elsewhere'));
});

test('[CE6] servers that send each other the same browser get no rest, and no flood', async () => {
  await using home = await StandIn.start();
  await using other = await StandIn.start();
  using parts = await linkFrom(home, { searchMs: 1000 });
  home.answer('room:join', () => {
    throw elsewhere(other.url);
  });
  other.answer('room:join', () => {
    throw elsewhere(home.url);
  });
  await assert.rejects(parts.link.join({ roomId: 'room' }, {}), hasCode('room.elsewhere'));
  assert.ok(home.asked.length + other.asked.length <= 8, `${home.asked.length} and ${other.asked.length} requests`);
});

test('[CE6] a server that names itself is asked again, not opened anew', async () => {
  await using home = await StandIn.start();
  using parts = await linkFrom(home, { searchMs: 700 });
  home.answer('room:join', () => {
    throw elsewhere(`${home.url}/`);
  });
  await assert.rejects(parts.link.join({ roomId: 'room' }, {}), hasCode('room.elsewhere'));
  assert.equal(home.socketCount, 1);
});

describe('[CE6] nothing but http and https is followed', () => {
  const rows: [unknown, string | undefined][] = [
    ['https://media.example', 'https://media.example'],
    ['http://10.0.0.1:3000', 'http://10.0.0.1:3000'],
    ['javascript:alert(1)', undefined],
    ['file:///etc/passwd', undefined],
    ['ws://media.example', undefined],
    ['/relative', undefined],
    [undefined, undefined],
    [7, undefined],
  ];
  for (const [url, expected] of rows) {
    test(String(url), () => assert.equal(elsewhereOf(ParleyError.fromWire(elsewhere(url).toWire())), expected));
  }

  test('it is refused at once', async () => {
    await using home = await StandIn.start();
    using parts = await linkFrom(home);
    home.answer('room:join', () => {
      throw elsewhere('file:///etc/passwd');
    });
    await assert.rejects(parts.link.join({ roomId: 'room' }, {}), hasCode('room.elsewhere'));
    assert.equal(home.asked.length, 1);
  });
});

test('[CE6] a refusal of the other server is the room’s', async () => {
  await using home = await StandIn.start();
  await using other = await StandIn.start();
  using client = closing(home.client('me', { mediaDevice: { handlerName: 'Chrome111' } }));
  home.answer('room:join', () => {
    throw elsewhere(other.url);
  });
  other.answer('room:join', () => {
    throw new AppError('room.full');
  });
  await assert.rejects(client.joinRoom('room'), hasCode('room.full'));
  await waitFor('its connection to end', () => other.socketCount === 0);
  assert.equal(client.room, undefined);
});

test('[CE2] a room that is closed while it is looked for leaves nothing', async () => {
  await using home = await StandIn.start();
  using parts = await linkFrom(home);
  const gone = await deadUrl();
  home.answer('room:join', () => {
    throw elsewhere(gone);
  });
  const joining = parts.link.join({ roomId: 'room' }, {});
  await home.heard('room:join');
  parts.link.close();
  await assert.rejects(joining, hasCode('client.closed'));
});

test('[CK14] a call’s room is entered with the devices that its type asks for; who leaves it hangs up, and the call’s end leaves it', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  await using home = await StandIn.start();
  using host = await visitor(app, home, 'caller');
  const { roomId } = await app.createRoom({}, 'caller');
  const callOfType = (type: 'voice' | 'video') => callOf('accepted', { callId: type, roomId, type });
  home.answer('call:initiate', ({ type }) => ({ callId: type, roomId, status: 'accepted', call: callOfType(type) }));
  home.answer('call:end', () => ({ call: callOfType('voice') }));
  const { calls } = host.client;
  // There are no devices where tests run: what was asked for is what has failed.
  const asked: string[] = [];
  calls.on('deviceFailed', ({ callId, source, error }) => asked.push(`${callId} ${source} ${error.code}`));
  await host.client.connect();

  await calls.start({ calleeIds: ['callee'], type: 'voice' });
  const [room, again] = await Promise.all([calls.join('voice'), calls.join('voice')]);
  assert.equal(room, again);
  assert.equal(calls.view.room, host.room);
  await waitFor('the microphone', () => asked.length > 0);
  await room.leave();
  await home.heard('call:end');
  assert.equal(calls.find('voice')?.phase, 'ended');
  assert.equal(calls.view.room, undefined);

  await calls.start({ calleeIds: ['callee'], type: 'video' });
  await calls.join('video', { microphone: false });
  await waitFor('the camera', () => asked.length > 1);
  assert.deepEqual(asked, ['voice microphone client.unsupported', 'video camera client.unsupported']);
  home.tell('call:ended', { call: callOf('ended', { callId: 'video', roomId }), reason: 'user_hangup', durationSeconds: 0 });
  await waitFor('the room to be left', () => host.client.room === undefined && app.app.sockets.sessions.length === 0);
  assert.equal(home.askedFor('call:end').length, 1);
});

test('[CK14] a room that is still being entered when the call ends is left', async () => {
  await using app = await startTestApp({ ACCESS_POLICY: 'open' });
  await using home = await StandIn.start();
  using host = await visitor(app, home, 'caller');
  const { roomId } = await app.createRoom({}, 'caller');
  home.answer('call:initiate', () => ({ callId: 'call', roomId, status: 'accepted', call: callOf('accepted', { roomId }) }));
  await host.client.connect();
  await host.client.calls.start({ calleeIds: ['callee'], type: 'voice' });
  const joining = host.client.calls.join('call');
  await home.heard('room:join');
  await host.client.calls.hangUp('call');
  const room = await joining;
  await waitFor('the room to be left', () => room.view.status === 'closed' && app.app.sockets.sessions.length === 0);
});

/** A client that ends with the block. */
function closing<T extends { close(): void }>(client: T): T & Disposable {
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}
