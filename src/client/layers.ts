/** The size of an element on the screen, in device pixels. */
export interface ShownSize {
  readonly width: number;
  readonly height: number;
}

/** What the app asks of a subscription; `auto` follows the element. */
export type VideoQuality = 'low' | 'medium' | 'high' | 'auto';

/** Layers from 0; leaving `temporalLayer` out means all of them. */
export interface PreferredLayers {
  readonly spatialLayer: number;
  readonly temporalLayer?: number;
}

const highestSpatialLayer = 2;

/**
 * The layers of a 720p camera in three layers (180, 360 and 720 lines) that are worth sending for an element: the lowest that is at most a third
 * smaller than what is shown, since scaling a picture up by less is hardly seen. Very small pictures get half the frames, too.
 */
export function layersFor(size: ShownSize): PreferredLayers {
  // A tall element shows the width of a picture, cut or with bars: the longer side counts, as 16:9.
  const lines = Math.max(size.height, (size.width * 9) / 16);
  if (lines <= 120) return { spatialLayer: 0, temporalLayer: 1 };
  if (lines <= 240) return { spatialLayer: 0 };
  if (lines <= 480) return { spatialLayer: 1 };
  return { spatialLayer: highestSpatialLayer };
}

/** The layers of a quality that the app has asked for. */
export function layersOfQuality(quality: Exclude<VideoQuality, 'auto'>): PreferredLayers {
  return { spatialLayer: { low: 0, medium: 1, high: highestSpatialLayer }[quality] };
}

/** mediasoup's priority (1–255) when bandwidth is short: larger pictures first, and screens, which are there to be read, before cameras. */
export function priorityFor(size: ShownSize, isScreen: boolean): number {
  const share = Math.min((size.width * size.height) / (1280 * 720), 1);
  const priority = Math.round(1 + share * 126);
  return isScreen ? priority + 128 : priority;
}

/** The size that counts when a picture is shown several times: the largest that is visible; undefined when none is. */
export function largest(sizes: Iterable<ShownSize>): ShownSize | undefined {
  let best: ShownSize | undefined;
  for (const size of sizes) {
    if (size.width <= 0 || size.height <= 0) continue;
    if (best === undefined || size.width * size.height > best.width * best.height) best = size;
  }
  return best;
}
