/** Plain bytes per chunk. */
export const CHUNK = 64 * 1024
export const TAG = 16

/** Nonce of a chunk: its number in 11 bytes, then 1 for the last one. The order and the end of a file are so sealed. */
export function chunkNonce(counter: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(counter, 5, 6)
  if (last) nonce[11] = 1
  return nonce
}
