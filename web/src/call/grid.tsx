import { Children, type CSSProperties, type ReactNode, useLayoutEffect, useRef, useState } from 'react';
import { layOutGrid } from './grid-layout.ts';

const gapPx = 10;

/** Lays its children out in tiles as large as the box allows, the last row in the middle. */
export function Grid({ children }: { children: ReactNode }) {
  const box = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const count = Children.count(children);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = () => setSize({ width: element.clientWidth, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const { columns, tileWidth, tileHeight } = layOutGrid(count, size.width, size.height, gapPx);
  const style = {
    '--tile-width': `${tileWidth}px`,
    '--tile-height': `${tileHeight}px`,
    '--grid-width': `${columns * tileWidth + (columns - 1) * gapPx}px`,
    '--grid-gap': `${gapPx}px`,
  } as CSSProperties;
  return (
    <div ref={box} className="grid-box">
      <div className="grid" style={style}>
        {children}
      </div>
    </div>
  );
}
