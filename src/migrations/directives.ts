import { nearest } from '../config/suggest.js'
import { parseDuration } from '../config/duration.js'
import { loadError } from './load-error.js'

/** What the first comment block of a file says. */
export interface Directives {
  /** Statement by statement, outside of a transaction. */
  readonly noTransaction: boolean
  readonly lockTimeoutMs: number | undefined
  readonly statementTimeoutMs: number | undefined
  /** A query that tells whether an interrupted statement has been done: one row with one true value. */
  readonly probe: string | undefined
  readonly requires: readonly { readonly service: string; readonly version: number }[]
  readonly irreversible: boolean
  /** It stands for all migrations of its service up to its version; see `MigrationManager.squash`. */
  readonly baseline: boolean
  /** Rules of linters that do not hold here, with the reason. */
  readonly nolint: ReadonlyMap<string, string>
}

interface Draft {
  noTransaction: boolean
  lockTimeoutMs: number | undefined
  statementTimeoutMs: number | undefined
  probe: string | undefined
  requires: { service: string; version: number }[]
  irreversible: boolean
  baseline: boolean
  nolint: Map<string, string>
}

type Reader = (draft: Draft, value: string, path: string) => void

const READERS: Readonly<Record<string, Reader>> = {
  'no-transaction': (draft) => { draft.noTransaction = true },
  'irreversible': (draft) => { draft.irreversible = true },
  'baseline': (draft) => { draft.baseline = true },
  'lock-timeout': (draft, value, path) => { draft.lockTimeoutMs = duration('lock-timeout', value, path) },
  'statement-timeout': (draft, value, path) => { draft.statementTimeoutMs = duration('statement-timeout', value, path) },
  'probe': (draft, value, path) => {
    if (value === '') throw loadError(path, '-- sluice:probe needs a query', 'write: -- sluice:probe select exists (…)')
    draft.probe = value.replace(/;\s*$/, '')
  },
  'requires': (draft, value, path) => {
    const found = /^([^\s:]+):([0-9]+)$/.exec(value)
    if (!found) throw loadError(path, `-- sluice:requires expects service:version, got '${value}'`, 'write: -- sluice:requires auth:12')
    draft.requires.push({ service: found[1] ?? '', version: Number(found[2]) })
  },
  'nolint': (draft, value, path) => {
    const found = /^([a-z][a-z0-9-]*)\s+reason=(\S.*)$/.exec(value)
    if (!found) throw loadError(path, `-- sluice:nolint needs a rule and a reason, got '${value}'`, 'write: -- sluice:nolint rule-name reason=why it is safe here')
    draft.nolint.set(found[1] ?? '', found[2] ?? '')
  },
}

/**
 * Reads `-- sluice:NAME value` out of the comments before the first statement.
 *
 * @throws ConfigError a directive is unknown or incomplete: one that is not understood must not be passed over
 */
export function directivesOf(text: string, path: string): Directives {
  const draft: Draft = {
    noTransaction: false, lockTimeoutMs: undefined, statementTimeoutMs: undefined, probe: undefined, requires: [], irreversible: false, baseline: false,
    nolint: new Map(),
  }
  for (const line of leadingComments(text)) {
    const found = /^--\s*sluice:\s*([a-z-]+)\s*[=:]?\s*(.*)$/.exec(line)
    if (!found) continue
    const [, name = '', value = ''] = found
    const reader = Object.hasOwn(READERS, name) ? READERS[name] : undefined
    if (!reader) {
      const near = nearest(name, Object.keys(READERS))
      throw loadError(path, `unknown directive '-- sluice:${name}'`, near === undefined ? `known: ${Object.keys(READERS).join(', ')}` : `did you mean '${near}'?`)
    }
    reader(draft, value.trim(), path)
  }
  return draft
}

function leadingComments(text: string): string[] {
  const lines: string[] = []
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const trimmed = line.trim()
    if (trimmed !== '' && !trimmed.startsWith('--')) break
    lines.push(trimmed)
  }
  return lines
}

function duration(name: string, value: string, path: string): number {
  const ms = parseDuration(value)
  if (ms === undefined) throw loadError(path, `-- sluice:${name} expects a duration such as 500ms, 2s or 1m, got '${value}'`, '0 means no limit')
  return ms
}
