import type { WireValue } from '../postgres/params.js'
import type { Serialize } from './engine.js'

/** COPY waits for data, which a statement has none of: waiting inside WebAssembly tears the engine down. Elsewhere it is passed over. */
function refusal(serialize: Serialize, text: string): Uint8Array[] {
  return /\bstdin\b/i.test(text) ? [serialize.copyFail('No source stream defined')] : []
}

/** One statement as protocol messages. Without values it may hold several, which only the simple protocol takes. */
export function requestOf(serialize: Serialize, text: string, values: WireValue[]): Uint8Array {
  const end = refusal(serialize, text)
  if (values.length === 0) return Buffer.concat([serialize.query(text), ...end])
  return Buffer.concat([...opened(serialize, text, values), serialize.execute({}), ...end, serialize.sync()])
}

/** Opens the unnamed portal and asks for its first rows; without a Sync it stays open. */
export function portalOf(serialize: Serialize, text: string, values: WireValue[], rows: number): Uint8Array {
  return Buffer.concat([...opened(serialize, text, values), serialize.execute({ rows }), ...refusal(serialize, text), serialize.flush()])
}

/** The portal's next rows. */
export function moreOf(serialize: Serialize, rows: number): Uint8Array {
  return Buffer.concat([serialize.execute({ rows }), serialize.flush()])
}

function opened(serialize: Serialize, text: string, values: WireValue[]): Uint8Array[] {
  return [serialize.parse({ text }), serialize.bind({ values }), serialize.describe({ type: 'P', name: '' })]
}
