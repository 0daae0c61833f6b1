import { SESSION_PRAGMAS } from './pragmas.js'
import type { SqlitePart } from './split.js'

const SCHEMA: ReadonlySet<string> = new Set(['CREATE', 'DROP', 'ALTER', 'ATTACH', 'DETACH', 'VACUUM', 'REINDEX', 'ROLLBACK'])

/** Compiled statements may tell other columns afterwards. */
export function changesSchema({ verb }: SqlitePart): boolean {
  return SCHEMA.has(verb)
}

const SETTINGS: ReadonlySet<string> = new Set(SESSION_PRAGMAS)

/** Something that only this session has: it would be lost with the handle. */
export function changesSession({ verb, text }: SqlitePart): boolean {
  if (verb === 'CREATE') return /^\s*create\s+temp/i.test(text)
  if (verb === 'ATTACH') return true
  const setting = verb === 'PRAGMA' ? /^\s*pragma\s+(?:\w+\s*\.\s*)?(\w+)\s*[=(]/i.exec(text)?.[1] : undefined
  return setting !== undefined && SETTINGS.has(setting.toLowerCase())
}

/** `PRAGMA busy_timeout`, with the milliseconds it sets. */
export function readsBusyTimeout(text: string): { readonly ms: number | undefined } | undefined {
  const match = /^\s*pragma\s+busy_timeout\s*(?:[=(]\s*(\d{1,9})\s*\)?)?\s*;?\s*$/i.exec(text)
  return match ? { ms: match[1] === undefined ? undefined : Number(match[1]) } : undefined
}
