/** A rectangle of the picture, in pixels. All four are even, as 4:2:0 pictures need it. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** The picture of a composite. */
export const canvas: Box = { x: 0, y: 0, w: 1280, h: 720 };
const spacing = 8;

/** Equal boxes of 16:9, as large as can be, in rows; the last row stands in the middle. */
export function gridBoxes(count: number): Box[] {
  if (count <= 1) return count === 1 ? [canvas] : [];
  let best = { columns: 1, w: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const byWidth = (canvas.w - (columns + 1) * spacing) / columns;
    const byHeight = (canvas.h - (rows + 1) * spacing) / rows;
    const w = Math.min(byWidth, (byHeight * 16) / 9);
    if (w > best.w) best = { columns, w };
  }
  const w = even(best.w);
  const h = even((w * 9) / 16);
  const rows = Math.ceil(count / best.columns);
  const top = (canvas.h - rows * h - (rows - 1) * spacing) / 2;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / best.columns);
    const inRow = row === rows - 1 ? count - row * best.columns : best.columns;
    const left = (canvas.w - inRow * w - (inRow - 1) * spacing) / 2;
    return { x: even(left + (index % best.columns) * (w + spacing)), y: even(top + row * (h + spacing)), w, h };
  });
}

/** A large box, and small ones of 16:9 in a band of `bandWidth` to its right, more beside one another the more there are. */
export function stageBoxes(smallCount: number, bandWidth: number): { stage: Box; small: Box[] } {
  if (smallCount === 0) return { stage: canvas, small: [] };
  const fullHeight = (bandWidth * 9) / 16;
  let columns = 1;
  while (Math.floor((canvas.h * columns) / fullHeight) * columns < smallCount) columns++;
  const w = even(bandWidth / columns);
  const h = even((w * 9) / 16);
  const rows = Math.ceil(smallCount / columns);
  const top = (canvas.h - rows * h) / 2;
  const small = Array.from({ length: smallCount }, (_, index) => ({
    x: canvas.w - bandWidth + (index % columns) * w,
    y: even(top + Math.floor(index / columns) * h),
    w,
    h,
  }));
  return { stage: { x: 0, y: 0, w: canvas.w - bandWidth, h: canvas.h }, small };
}

/** Equal boxes that fill an area, whatever their shape: side by side while they stay broad enough. */
export function fillingBoxes(count: number, area: Box): Box[] {
  if (count === 0) return [];
  let best = { columns: 1, cost: Number.POSITIVE_INFINITY };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const shape = area.w / columns / (area.h / rows);
    // An empty place is as bad as boxes a third broader or higher than a square.
    const cost = Math.abs(Math.log(shape)) + (columns * rows - count) * 0.3;
    if (cost < best.cost) best = { columns, cost };
  }
  const rows = Math.ceil(count / best.columns);
  const w = even(area.w / best.columns);
  const h = even(area.h / rows);
  return Array.from({ length: count }, (_, index) => ({
    x: area.x + (index % best.columns) * w,
    y: area.y + Math.floor(index / best.columns) * h,
    w,
    h,
  }));
}

const even = (size: number) => 2 * Math.floor(size / 2);
