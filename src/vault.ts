import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import type { Vault } from "./domain/context.ts";

const NONCE = 12;
const TAG = 16;

/** Seals with AES-256-GCM: nonce, ciphertext, tag. The key is derived from the hub's secret (HKDF, RFC 5869). */
export function createVault(secret: string): Vault {
  const key = Buffer.from(hkdfSync("sha256", secret, "", "ayni vault", 32));
  return {
    seal(plain) {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv("aes-256-gcm", key, nonce);
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed) {
      const box = Buffer.from(sealed);
      const decipher = createDecipheriv("aes-256-gcm", key, box.subarray(0, NONCE));
      decipher.setAuthTag(box.subarray(-TAG));
      try {
        return Buffer.concat([decipher.update(box.subarray(NONCE, -TAG)), decipher.final()]);
      } catch (cause) {
        throw new Error("A sealed value cannot be opened: AYNI_SECRET is not the one it was sealed with.", {
          cause,
        });
      }
    },
  };
}
