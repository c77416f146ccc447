import { createAppointmentService } from './appointments/appointment-service.ts';
import { findAppointment } from './appointments/appointment-store.ts';
import { iceServersFor } from './auth/ice-servers.ts';
import { readOrMakeSecret } from './auth/secret-file.ts';
import { createTokenService } from './auth/token.ts';
import { CallClock } from './calls/call-clock.ts';
import { createCallHistory } from './calls/call-history.ts';
import { createCallNotices } from './calls/call-notices.ts';
import { createCallService } from './calls/call-service.ts';
import { findCall } from './calls/call-store.ts';
import { createCallStory } from './calls/call-story.ts';
import { CallWatch } from './calls/call-watch.ts';
import { createAttachmentService } from './chat/attachment-service.ts';
import { createChat } from './chat/create-chat.ts';
import { readOrMakeDataKey } from './chat/data-key.ts';
import { createVirusScanner } from './chat/virus-scan.ts';
import { Cluster } from './cluster/cluster.ts';
import type { Config } from './config.ts';
import { serverActor } from './db/audit-log.ts';
import { openDatabase } from './db/database.ts';
import { startEmbeddedDatabase } from './db/embedded.ts';
import { createFacts, type Facts } from './facts.ts';
import { createAuthenticate } from './http/authenticate.ts';
import { createHttpServer, servePage } from './http/http-server.ts';
import { registerAppointmentRoutes } from './http/routes/appointments.ts';
import { registerAttachmentRoutes } from './http/routes/attachments.ts';
import { registerCallRoutes } from './http/routes/calls.ts';
import { registerConversationRoutes } from './http/routes/conversations.ts';
import { registerDemoRoutes } from './http/routes/demo.ts';
import { registerHealthRoutes } from './http/routes/health.ts';
import { registerMessageRoutes } from './http/routes/messages.ts';
import { registerNotificationRoutes } from './http/routes/notifications.ts';
import { registerPresenceRoutes } from './http/routes/presence.ts';
import { registerRecordingRoutes } from './http/routes/recordings.ts';
import { registerRoomRoutes } from './http/routes/rooms.ts';
import { registerUserRoutes } from './http/routes/users.ts';
import { startJobQueue } from './jobs/job-queue.ts';
import { createLog, type Logger } from './log.ts';
import { createNotifications } from './notifications/create-notifications.ts';
import { createPushOutlet, type PushOutlet } from './notifications/push-address.ts';
import { createPresence } from './presence/create-presence.ts';
import { createRecording } from './recording/create-recording.ts';
import { createFfmpeg } from './recording/ffmpeg.ts';
import { createEntryService } from './rooms/entry-service.ts';
import { createInTurn } from './rooms/in-turn.ts';
import { LiveRooms } from './rooms/live-rooms.ts';
import { flowingUserIds } from './rooms/media-flow.ts';
import { createMediaService } from './rooms/media-service.ts';
import { createModerationService } from './rooms/moderation-service.ts';
import { createRoomFollower } from './rooms/room-follower.ts';
import { createRoomService } from './rooms/room-service.ts';
import { markServerLeft } from './rooms/room-store.ts';
import { PortBlocks } from './sfu/port-blocks.ts';
import { WorkerPool } from './sfu/worker-pool.ts';
import { createDispatch } from './signaling/dispatch.ts';
import { createFanOut } from './signaling/fan-out.ts';
import { createAuthHandlers } from './signaling/handlers/auth.ts';
import { createCallHandlers } from './signaling/handlers/call.ts';
import { createChatHandlers } from './signaling/handlers/chat.ts';
import { createMediaHandlers } from './signaling/handlers/media.ts';
import { createNotificationHandlers } from './signaling/handlers/notification.ts';
import { createPresenceHandlers } from './signaling/handlers/presence.ts';
import { createRecordingHandlers } from './signaling/handlers/recording.ts';
import { createRoomHandlers } from './signaling/handlers/room.ts';
import { SocketServer } from './signaling/socket-server.ts';
import { createKeyRing } from './storage/key-ring.ts';
import { openBlobStore } from './storage/open-store.ts';
import { createSealedStore } from './storage/sealed.ts';
import { createAcquaintanceService } from './users/acquaintance-service.ts';
import { createContactService } from './users/contact-service.ts';
import { createUserService } from './users/user-service.ts';

/** Parts that a caller may put in the place of the server's own. */
export interface AppOverrides {
  log?: Logger;
  /** Bytes that are free on the disk for recordings. */
  freeBytes?: () => Promise<number>;
  /** How push services are reached. */
  pushOutlet?: PushOutlet;
}

/** A running server. */
export interface App {
  /** Where browsers reach it. */
  readonly url: string;
  readonly workers: WorkerPool;
  readonly rooms: LiveRooms;
  readonly sockets: SocketServer;
  /** What happens in it. */
  readonly facts: Facts;
  readonly http: Awaited<ReturnType<typeof createHttpServer>>;
  /** Refuses what is new, ends what runs, and releases every part in the reverse order of its making; idempotent. */
  close(): Promise<void>;
}

/** Builds the server part by part, in order; what was built is released last in, first out, also when the start fails half way. */
export async function createApp(config: Config, overrides: AppOverrides = {}): Promise<App> {
  await using parts = new AsyncDisposableStack();
  const log = overrides.log ?? createLog(config.logLevel);
  const facts = createFacts();
  const { limits } = config;
  for (const warning of config.warnings) log.warn(warning);
  // Looked for while everything else is made: it takes its time, and never fails.
  const ffmpeg = createFfmpeg({ ffmpegPath: config.recording.ffmpegPath, log: log.child({ part: 'recording' }) });

  const databaseUrl =
    config.databaseUrl ?? parts.adopt(await startEmbeddedDatabase({ dataDir: config.dataDir, log }), (embedded) => embedded.close()).url;
  const db = parts.adopt(await openDatabase({ url: databaseUrl, log }), (database) => database.close());
  const { redisUrl, serverUrl } = config;
  const cluster = parts.adopt(
    await Cluster.open({
      db,
      log: log.child({ part: 'cluster' }),
      redisUrl,
      serverUrl,
      closeBooks: (tx, of) => markServerLeft(tx, of, 'server_restart'),
    }),
    (own) => own.close(),
  );

  const keyRing = createKeyRing(
    config.encryptionKeys.length > 0
      ? config.encryptionKeys
      : [{ id: 'own', key: Buffer.from(readOrMakeSecret(config.dataDir, 'encryption-key'), 'base64url') }],
  );
  if (config.encryptionKeys.length === 0) {
    log.warn(
      { dataDir: config.dataDir },
      'ENCRYPTION_KEYS is not set: what is kept is encrypted by a key in the data folder; back it up apart from the data',
    );
  }
  // Tokens of rooms open them on every server.
  const ownSecret = cluster.isAlone
    ? readOrMakeSecret(config.dataDir, 'token-secret')
    : (await readOrMakeDataKey(db, keyRing, 'token-secret')).toString('base64url');
  const tokens = createTokenService({ auth: config.auth, isDemo: config.isDemo, ownSecret });
  const users = createUserService({ db, facts });
  const acquaintances = createAcquaintanceService({ db, accessPolicy: config.accessPolicy });

  const { listenIp, announcedAddress, basePort, workerCount, workerBin } = config.media;
  const workers = parts.adopt(
    await WorkerPool.create({
      workerCount,
      listenIp,
      basePort,
      log: log.child({ part: 'sfu' }),
      ...(announcedAddress !== undefined && { announcedAddress }),
      ...(workerBin !== undefined && { workerBin }),
    }),
    (pool) => pool.close(),
  );

  const http = parts.adopt(await createHttpServer({ http: config.http, log }), (server) => server.close());
  const sockets = new SocketServer({
    httpServer: http.server,
    tokens,
    users,
    facts,
    log: log.child({ part: 'sockets' }),
    corsOrigins: config.http.corsOrigins,
    trustedProxies: config.http.trustedProxies,
    createLimiter: cluster.createLimiter,
    limits,
  });
  const notifier = createFanOut(sockets.io, (sessionId) => sockets.findSession(sessionId), cluster.tell);

  const rooms = new LiveRooms({
    notifier,
    createMedia: () => workers.createRoom(),
    limitMinutes: limits.roomMinutes,
    places: cluster.places,
    onTimeLimit: (roomId) => {
      roomService
        .end(serverActor, roomId, 'time_limit')
        .catch((error: unknown) => log.error({ err: error, roomId }, 'room did not end in time'));
    },
  });
  const blobStore = parts.adopt(await openBlobStore(config.storage), (store) => store.close());
  blobStore.removeLeftovers().catch((error: unknown) => log.warn({ err: error }, 'what cut uploads left was not removed'));
  const attachments = createAttachmentService({
    db,
    blobs: createSealedStore(blobStore, keyRing),
    log: log.child({ part: 'attachments' }),
    scanner: config.clamavSocket === undefined ? undefined : createVirusScanner(config.clamavSocket),
    limits,
    isMember: (conversationId, chatter) => chat.isMember(conversationId, chatter),
    createLimiter: cluster.createLimiter,
    conversationOfCall: async (callId) => (await findCall(db.sql, callId))?.conversationId ?? undefined,
  });
  const chat = await createChat({
    db,
    facts,
    notifier,
    log,
    keyRing,
    attachments,
    assertMayReach: acquaintances.assertMayReach,
    limits,
    createLimiter: cluster.createLimiter,
    showsTyping: users.showsTyping,
  });
  parts.defer(() => chat.close());
  const { conversations } = chat;
  const iceServers = (userId: string) => iceServersFor(config.ice, userId);
  const { accessPolicy } = config;
  let url = config.http.publicUrl ?? '';
  const roomFollower = createRoomFollower({ db, facts, log, notifier, rooms });
  const roomService = createRoomService({
    db,
    facts,
    rooms,
    follower: roomFollower,
    tokens,
    conversations,
    accessPolicy,
    limits,
    publicUrl: () => url,
    iceServersFor: iceServers,
    recordingOf: (roomId) => recording.library.findOfRoom(roomId),
  });
  const entry = createEntryService({
    db,
    serverId: cluster.serverId,
    facts,
    log,
    rooms,
    tokens,
    conversations,
    notifier,
    accessPolicy,
    iceServersFor: iceServers,
    recordingOf: (roomId, sessionId, userId) => recording.service.shownOnEntry(roomId, sessionId, userId),
  });
  parts.defer(() => entry.close('server_shutdown'));
  const moderation = createModerationService({ db, notifier, rooms, entry });
  const media = createMediaService({ rooms });

  const presence = createPresence({
    db,
    facts,
    notifier,
    log: log.child({ part: 'presence' }),
    acquaintances,
    redis: cluster.redis,
    serverId: cluster.serverId,
  });
  parts.defer(() => presence.close());
  const contacts = createContactService({ db, accessPolicy, presencesFor: presence.get });

  const notifying = createNotifications({
    db,
    facts,
    notifier,
    log: log.child({ part: 'notifications' }),
    keyRing,
    pushSecret: await readOrMakeDataKey(db, keyRing, 'web-push'),
    pushOutlet: overrides.pushOutlet ?? createPushOutlet(),
    smtp: config.smtp,
    publicUrl: () => url,
    ringSeconds: limits.ringSeconds,
    findAttentive: presence.findAttentive,
    findAppointment: (appointmentId) => findAppointment(db.sql, appointmentId),
    textOfMessage: (messageId) => chat.textOf(messageId),
  });
  parts.defer(() => notifying.close());

  const calls = createCallService({
    db,
    log: log.child({ part: 'calls' }),
    notices: createCallNotices({ notifier, facts }),
    people: {
      assertMayReach: acquaintances.assertMayReach,
      findOnline: presence.findOnline,
      findUndisturbed: presence.isDoNotDisturb,
    },
    conversations,
    rooms: roomService,
    limits,
  });
  const recording = await createRecording({
    ...{ db, facts, notifier, rooms },
    log: log.child({ part: 'recording' }),
    inTurn: createInTurn(),
    store: blobStore,
    dataKey: (name) => readOrMakeDataKey(db, keyRing, name),
    ffmpeg: await ffmpeg,
    ports: new PortBlocks(config.media.recordingPorts),
    settings: config.recording,
    dataDir: config.dataDir,
    linkMinutes: limits.linkMinutes,
    publicUrl: () => url,
    freeBytes: overrides.freeBytes,
  });
  parts.defer(() => recording.close());

  const callWatch = new CallWatch({
    db,
    facts,
    calls,
    log: log.child({ part: 'calls' }),
    sight: {
      flowingUserIds: async (roomId) => {
        const live = rooms.find(roomId);
        return live && flowingUserIds(live);
      },
    },
  });
  parts.defer(() => callWatch.close());
  const callClock = new CallClock({ endOverdue: () => calls.endOverdue(), log: log.child({ part: 'calls' }) });
  parts.defer(() => callClock.close());

  const jobs = await startJobQueue({
    pool: db.pool,
    log: log.child({ part: 'jobs' }),
    handlers: {
      'rooms:endOverdue': () => roomService.endOverdue(),
      'calls:tellStory': createCallStory({ db, sendSystem: chat.messages.sendSystem }),
      'chat:reseal': () => chat.reseal(),
      ...attachments.jobs,
      ...recording.jobs,
      ...notifying.jobs,
      ...presence.jobs,
    },
    folderId: recording.folderId,
  });
  parts.defer(() => jobs.close());
  parts.defer(() => recording.stopJobs());
  if (keyRing.formerKeyIds.length > 0) await jobs.add('chat:reseal', {}, { key: 'chat:reseal' });
  if (keyRing.formerKeyIds.length > 0) await jobs.add('notifications:reseal', {}, { key: 'notifications:reseal' });
  if (config.encryptionKeys.length > 1) await jobs.add('attachments:rewrapKeys', {}, { key: 'attachments:rewrapKeys' });

  const dispatch = createDispatch({
    handlers: {
      ...createAuthHandlers({ tokens, users }),
      ...createRoomHandlers({ entry, moderation, roomService, rooms }),
      ...createMediaHandlers({ media }),
      ...createCallHandlers(calls),
      ...createChatHandlers(chat),
      ...createRecordingHandlers(recording.service),
      ...createNotificationHandlers(notifying),
      ...createPresenceHandlers({ presence }),
    },
    limits,
    log: log.child({ part: 'sockets' }),
  });
  sockets.start({
    dispatch,
    onResumed: (session) => entry.resumed(session),
    onSocketLost: (session) => chat.typing.endOf(session.sessionId),
    onSessionClosed: (session, reason) => {
      entry
        .leave(session, reason)
        .catch((error: unknown) => log.error({ err: error, sessionId: session.sessionId }, 'leaving was not written down'));
    },
  });
  parts.defer(() => sockets.close());

  cluster.connect({
    facts,
    deliver: (notice) => notifier.deliver(notice),
    aliveHere: () => rooms.all.map(({ roomId }) => roomId),
    giveUp: (roomId) => entry.giveUp(roomId),
    usersHere: () => sockets.sessions.map(({ identity }) => identity.userId),
    findSuspended: (userIds) => users.findSuspended(userIds),
    followRooms: () => roomFollower.followAll(),
    tellResync: () => sockets.tellResync(),
    reopenBooks: () => entry.reopenBooks(),
  });

  const authenticate = createAuthenticate({ tokens, users });
  registerHealthRoutes(http, {
    database: { isNeeded: true, check: () => db.ping() },
    media: {
      isNeeded: true,
      check: async () => {
        if (!workers.workers().some((worker) => worker.alive)) throw new Error('no media worker is alive');
      },
    },
    ...(cluster.redisCheck && { redis: { isNeeded: false, check: cluster.redisCheck } }),
  });
  registerUserRoutes(http, { authenticate, users, contacts });
  registerAppointmentRoutes(http, { authenticate, appointments: createAppointmentService({ db, facts }) });
  registerCallRoutes(http, { authenticate, calls, history: createCallHistory({ db }) });
  registerConversationRoutes(http, { authenticate, ...chat });
  registerMessageRoutes(http, { authenticate, ...chat });
  await registerAttachmentRoutes(http, { authenticate, attachments, maxBytes: limits.attachmentBytes });
  registerRecordingRoutes(http, { authenticate, ...recording });
  registerNotificationRoutes(http, { authenticate, ...notifying });
  registerPresenceRoutes(http, { authenticate, presence });
  registerRoomRoutes(http, { authenticate, rooms: roomService });
  if (config.isDemo) registerDemoRoutes(http, { tokens });
  http.get('/api/v1/openapi.json', { schema: { hide: true } }, () => http.swagger());
  await servePage(http);

  const { host, port } = config.http;
  const listening = await http.listen({ host, port });
  url ||= listening.replace('0.0.0.0', 'localhost').replace('[::]', 'localhost');
  await cluster.start(serverUrl ?? url);
  log.info({ url, demo: config.isDemo }, 'Parley is ready');

  const running = parts.move();
  let closing: Promise<void> | undefined;
  return {
    url,
    workers,
    rooms,
    sockets,
    facts,
    http,
    close: () => {
      closing ??= running.disposeAsync();
      return closing;
    },
  };
}
