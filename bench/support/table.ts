/** One column: its heading, and what of a row stands under it. */
export interface Column<Row> {
  heading: string;
  cell: (row: Row) => string;
  align?: 'left' | 'right';
}

/** Lays rows out under headings; numbers to the right unless a column says otherwise. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const texts = columns.map((column) => [column.heading, ...rows.map((row) => column.cell(row))]);
  const padded = texts.map((cells, index) => {
    const width = Math.max(...cells.map((cell) => cell.length));
    return cells.map((cell) => (columns[index]?.align === 'left' ? cell.padEnd(width) : cell.padStart(width)));
  });
  const lineCount = rows.length + 1;
  return Array.from({ length: lineCount }, (_, line) =>
    padded
      .map((cells) => cells[line] ?? '')
      .join('  ')
      .trimEnd(),
  ).join('\n');
}
