import type pg from 'pg';

const messagesPerConversation = 1_000;
const membersPerConversation = 4;
const rowsAtOnce = 500_000;
/** Words and prefixes of a message, and how many different ones a conversation knows. Frequent ones come often, as in any language. */
const tokensPerMessage = 20;
const tokensPerConversation = 3_000;

/**
 * Fills the database with what other people said: conversations of four with a thousand messages each, whose messages lie between one another as
 * time would have laid them. Contents and search tokens are random, since nobody reads them. Indexes are made at the end, which is ten times faster.
 */
export async function fillMessages(database: pg.Client, count: number, say: (text: string) => void): Promise<void> {
  const conversationCount = Math.max(1, Math.round(count / messagesPerConversation));
  // Foreign keys need no checking here, and nothing has to outlive a crash.
  await database.query(`set session_replication_role = replica; set synchronous_commit = off; set maintenance_work_mem = '1GB'`);
  await database.query(
    `create temporary table filler as
       select n, uuidv7() as conversation_id from generate_series(0, ${conversationCount - 1}) n`,
  );
  await database.query('create unique index on filler (n) include (conversation_id)');
  const perConversation = Math.ceil(count / conversationCount);
  await database.query(
    `insert into conversations (conversation_id, type, created_by, last_seq, message_count, last_activity_at)
       select conversation_id, 'group', 'filler-' || n * ${membersPerConversation}, ${perConversation}, ${perConversation}, now() from filler`,
  );
  await database.query(
    `insert into conversation_members (conversation_id, user_id, role, own_count)
       select conversation_id, 'filler-' || n * ${membersPerConversation} + m, 'member', ${Math.ceil(perConversation / membersPerConversation)}
       from filler, generate_series(0, ${membersPerConversation - 1}) m`,
  );

  const indexes = await withoutIndexes(database);
  for (let first = 0; first < count; first += rowsAtOnce) {
    const last = Math.min(count, first + rowsAtOnce) - 1;
    await database.query(
      `insert into messages (message_id, conversation_id, seq, ordinal, sender_ordinal, sender_id, client_id, type, key_id, sealed, search_tokens, sent_at)
         select uuidv7(), f.conversation_id, i / ${conversationCount} + 1, i / ${conversationCount} + 1, i / ${conversationCount * membersPerConversation} + 1,
           'filler-' || f.n * ${membersPerConversation} + i / ${conversationCount} % ${membersPerConversation}, i::text, 'text', 'filler',
           decode(repeat(md5(i::text), 6), 'hex'),
           array(select hashint8extended(f.n * ${tokensPerConversation} + floor(${tokensPerConversation} * random() ^ 3)::bigint, 0)
             from generate_series(1, ${tokensPerMessage}) where i >= 0),
           now() - (${count} - i) * interval '1 second'
         from generate_series(${first}::bigint, ${last}) i join filler f on f.n = i % ${conversationCount}`,
    );
    say(`  ${last + 1} of ${count} messages written`);
  }
  for (const index of indexes) {
    const beganAt = performance.now();
    await database.query(index.make);
    say(`  ${index.name} made in ${((performance.now() - beganAt) / 1000).toFixed(0)} s`);
  }
  await database.query('set session_replication_role = default; drop table filler');
}

/** Takes all indexes but the primary key's away; answers how each is made again. */
async function withoutIndexes(database: pg.Client): Promise<{ name: string; make: string }[]> {
  const { rows: constraints } = await database.query<{ name: string; definition: string }>(
    `select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint where conrelid = 'messages'::regclass and contype = 'u'`,
  );
  for (const { name } of constraints) await database.query(`alter table messages drop constraint ${name}`);
  const { rows: indexes } = await database.query<{ name: string; definition: string }>(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
       where indrelid = 'messages'::regclass and not indisprimary`,
  );
  for (const { name } of indexes) await database.query(`drop index ${name}`);
  return [
    ...constraints.map(({ name, definition }) => ({ name, make: `alter table messages add constraint ${name} ${definition}` })),
    ...indexes.map(({ name, definition }) => ({ name, make: definition })),
  ];
}
