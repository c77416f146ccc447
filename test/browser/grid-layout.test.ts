import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layOutGrid } from '../../web/src/call/grid-layout.ts';

const gap = 10;
const boxes = [
  { name: 'a desk', width: 1416, height: 752 },
  { name: 'a phone', width: 359, height: 680 },
  { name: 'a phone on its side', width: 700, height: 250 },
];

for (const { name, width, height } of boxes) {
  test(`[WEB19] on ${name} 1 to 16 tiles fit, keep a face’s proportions and cover half of the box or more`, () => {
    for (let count = 1; count <= 16; count++) {
      const { columns, tileWidth, tileHeight } = layOutGrid(count, width, height, gap);
      const rows = Math.ceil(count / columns);
      assert.ok(columns * tileWidth + (columns - 1) * gap <= width, `${count} tiles are too wide`);
      assert.ok(rows * tileHeight + (rows - 1) * gap <= height, `${count} tiles are too high`);
      const ratio = tileWidth / tileHeight;
      assert.ok(ratio > 0.74 && ratio < 1.79, `${count} tiles have the ratio ${ratio}`);
      assert.ok((count * tileWidth * tileHeight) / (width * height) >= 0.5, `${count} tiles leave too much empty`);
    }
  });
}

test('[WEB19] a box without room has tiles of no size', () => {
  assert.deepEqual(layOutGrid(4, 0, 0, gap), { columns: 1, tileWidth: 0, tileHeight: 0 });
});
