import { nearest } from '../../config/suggest.js'
import { flagOption, textOption, wholeOption } from '../values.js'
import type { Invocation } from '../command.js'
import { UsageError } from '../exit.js'
import type { DemoEngine } from './engine.js'
import { mariadbDemo, mysqlDemo, sqliteDemo } from './without-schemas.js'
import { pgliteDemo } from './pglite.js'
import { postgresDemo } from './postgres.js'

/** What a demo is asked for. */
export interface DemoOptions {
  readonly engine: DemoEngine
  /** Milliseconds of load. */
  readonly durationMs: number
  readonly replicas: number
  readonly plain: boolean
  readonly json: boolean
}

const ENGINES: Readonly<Record<string, DemoEngine>> = {
  postgres: postgresDemo, postgresql: postgresDemo, mariadb: mariadbDemo, mysql: mysqlDemo, sqlite: sqliteDemo,
  pglite: pgliteDemo,
}
const SECONDS = { min: 1, max: 3_600, otherwise: 20 }
const REPLICAS = { min: 0, max: 8, otherwise: 2 }

/**
 * Reads the options of `sluice demo`.
 *
 * @throws {@link UsageError} an option is out of range, or the engine has no demo
 */
export function demoOptions(invocation: Invocation): DemoOptions {
  return {
    engine: engineNamed(textOption(invocation, 'engine', 'postgres')),
    durationMs: wholeOption(invocation, 'seconds', SECONDS) * 1_000,
    replicas: wholeOption(invocation, 'replicas', REPLICAS),
    plain: flagOption(invocation, 'plain'),
    json: flagOption(invocation, 'json'),
  }
}

function engineNamed(name: string): DemoEngine {
  const engine = Object.hasOwn(ENGINES, name) ? ENGINES[name] : undefined
  if (engine !== undefined) return engine
  const known = Object.keys(ENGINES)
  const near = nearest(name, known)
  throw new UsageError(`--engine: expected one of ${known.join(', ')}, got '${name}'`, near === undefined ? undefined : `did you mean '${near}'?`)
}
