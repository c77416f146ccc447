// Chat at scale: what history, unread counts, the list of conversations and search cost in a small and in a large database: the very queries that the
// server sends, with PostgreSQL's plan for each. See README.md for what the columns mean.
import { parseArgs } from 'node:util';
import { measureScale, type QueryFigures } from './chat/scale.ts';
import { describeMachine } from './support/machine.ts';
import { formatTable } from './support/table.ts';

const { values: options } = parseArgs({
  options: { messages: { type: 'string', default: '10000,10000000' } },
});
const sizes = options.messages.split(',').map(Number);
if (sizes.length === 0 || !sizes.every((size) => Number.isInteger(size) && size >= 10_000)) {
  console.error('usage: npm run bench -- chat-scale [--messages 10000,10000000]');
  process.exit(1);
}

console.log(describeMachine([]));
const rows: QueryFigures[] = [];
for (const size of sizes) rows.push(...(await measureScale(size, (text) => console.log(text))));
rows.sort((a, b) => a.order - b.order || a.messages - b.messages);
console.log(
  `\n${formatTable(
    [
      { heading: 'what the server does', cell: ({ name }) => name, align: 'left' },
      { heading: 'messages', cell: ({ messages }) => String(messages) },
      { heading: 'p50 ms', cell: ({ p50Ms }) => p50Ms.toFixed(2) },
      { heading: 'p95 ms', cell: ({ p95Ms }) => p95Ms.toFixed(2) },
      { heading: 'queries', cell: ({ plans }) => String(plans.length) },
      { heading: 'pages read', cell: ({ plans }) => String(plans.reduce((sum, { pages }) => sum + pages, 0)) },
      { heading: 'rows', cell: ({ plans }) => String(plans.reduce((sum, plan) => sum + plan.rows, 0)) },
      { heading: 'whole tables read', cell: ({ plans }) => wholeTables(plans), align: 'left' },
    ],
    rows,
  )}`,
);
for (const { name, messages, plans } of rows) {
  console.log(`\n${name}, ${messages} messages`);
  for (const { text } of plans) console.log(text.replace(/^/gm, '  '));
}

function wholeTables(plans: QueryFigures['plans']): string {
  return (
    [...new Set(plans.flatMap(({ text }) => [...text.matchAll(/Seq Scan on (\w+)/g)].map(([, table = '']) => table)))].join(', ') || 'none'
  );
}
