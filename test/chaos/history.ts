import type { Client } from './client.js'

/** A row of the table, and how often it is there. */
export interface StoredRow {
  readonly client: number
  readonly n: number
  readonly times: number
}

/** What is stored and must not be, or is not stored and must be. */
export function compare(clients: readonly Client[], stored: readonly StoredRow[]): string[] {
  const faults: string[] = []
  const times = new Map(stored.map((row) => [`${String(row.client)}/${String(row.n)}`, row.times]))
  for (const [id, client] of clients.entries()) {
    for (const [n, { what, way, error }] of client.heard) {
      const found = times.get(`${String(id)}/${String(n)}`) ?? 0
      times.delete(`${String(id)}/${String(n)}`)
      const fits = what === 'acknowledged' ? found === 1 : what === 'unknown' ? found <= 1 : found === 0
      if (!fits) faults.push(`client ${String(id)}, row ${String(n)}: ${way}, heard ${what} (${String(error)}), stored ${String(found)} times`)
    }
  }
  for (const [row, found] of times) faults.push(`${row} is stored ${String(found)} times and was never written`)
  return faults
}

/** How often each thing was heard. */
export function tally(clients: readonly Client[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = { acknowledged: 0, unknown: 0, refused: 0 }
  for (const client of clients) for (const { what } of client.heard.values()) counts[what] = (counts[what] ?? 0) + 1
  return counts
}
