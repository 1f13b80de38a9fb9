import type sharpLibrary from "sharp";
import type { Sharp, SharpOptions } from "sharp";
import { DomainError } from "../errors.ts";
import { createGate } from "../gate.ts";

/** An image that was made anew: what was hidden in the file that came is not in it. */
export interface MadeImage {
  bytes: Buffer;
  thumbnail: Buffer;
  width: number;
  height: number;
}

type Library = typeof sharpLibrary;

const MAX_PIXELS = 40e6;
const MAX_SIDE = 20_000;
const SIDE = 1_600;
const THUMBNAIL_SIDE = 480;
const THUMBNAIL_BYTES = 40_000;
const OPTIONS: SharpOptions = { limitInputPixels: MAX_PIXELS, failOn: "error", pages: 1 };
const SECONDS = 10;

/** A decoded image takes up to 160 MB. */
const limited = createGate({ atOnce: 1, waiting: 50 });
let loaded: Promise<Library> | undefined;

/**
 * Decodes an image and makes a picture of at most 1600 pixels a side and a thumbnail under 40 kB of it, upright, in WebP,
 * without what cameras and programs write into files (place, owner, thumbnails).
 *
 * @throws DomainError not_an_image, busy
 */
export function makeImage(bytes: Uint8Array): Promise<MadeImage> {
  return limited(async () => {
    const sharp = await loadSharp();
    try {
      const { width, height } = await sharp(bytes, OPTIONS).metadata();
      if (Math.max(width, height) > MAX_SIDE) throw new Error(`${width} × ${height} pixels`);
      const { data, info } = await fitted(sharp(bytes, OPTIONS), SIDE)
        // Half the time of the default, and as small.
        .webp({ quality: 80, effort: 2 })
        .toBuffer({ resolveWithObject: true });
      return {
        bytes: data,
        thumbnail: await thumbnailOf(sharp, data),
        width: info.width,
        height: info.height,
      };
    } catch (cause) {
      if (/timeout/i.test(String(cause)))
        throw new DomainError("busy", "the image took too long to work on", { cause });
      throw new DomainError("not_an_image", "the image cannot be read, or is too large", { cause });
    }
  });
}

/** Coarser and coarser until it is light enough. */
async function thumbnailOf(sharp: Library, image: Buffer): Promise<Buffer> {
  let side = THUMBNAIL_SIDE;
  for (let quality = 75; ; quality -= 15) {
    const thumbnail = await fitted(sharp(image, OPTIONS), side).webp({ quality, effort: 2 }).toBuffer();
    if (thumbnail.length < THUMBNAIL_BYTES) return thumbnail;
    if (quality < 45) {
      side /= 2;
      quality = 75;
    }
  }
}

function fitted(image: Sharp, side: number): Sharp {
  return image
    .timeout({ seconds: SECONDS })
    .autoOrient()
    .resize({ width: side, height: side, fit: "inside", withoutEnlargement: true });
}

/** Native code that most commands of the hub never need; it reads the few kinds of images that are taken and no others. */
function loadSharp(): Promise<Library> {
  loaded ??= import("sharp").then(({ default: sharp }) => {
    sharp.concurrency(1);
    sharp.cache(false);
    sharp.block({ operation: ["VipsForeignLoad"] });
    sharp.unblock({
      operation: [
        "VipsForeignLoadJpegBuffer",
        "VipsForeignLoadPngBuffer",
        "VipsForeignLoadWebpBuffer",
        "VipsForeignLoadNsgifBuffer",
      ],
    });
    return sharp;
  });
  return loaded;
}
