import { randomBytes } from 'node:crypto'
import { ConfigError, QueryError } from '../../core/errors.js'
import { Notifier } from '../../core/notify.js'
import type { DumpTools } from '../../core/dump.js'
import { asError } from '../../core/deadline.js'
import { Session, type SessionTarget } from '../../backup/session.js'
import type { RunParts } from '../run.js'

/** A throw-away database on the server of the real one. */
export interface Scratch {
  readonly database: string
  /** The same settings, for this database. */
  readonly parts: RunParts
}

/** Where scratch databases are made, and how. */
export interface ScratchPlace {
  /** The method that wants one, for errors. */
  readonly call: 'squash' | 'plan'
  readonly parts: RunParts
  readonly tools: DumpTools
  readonly where: SessionTarget
}

/**
 * Runs `work` with an empty database, which is dropped on every path.
 *
 * @throws ConfigError the role may not create databases
 */
export async function withScratch<T>(place: ScratchPlace, signal: AbortSignal | undefined, work: (scratch: Scratch) => Promise<T>): Promise<T> {
  const { call, parts, tools, where } = place
  const { databases } = tools
  const database = `sluice_scratch_${randomBytes(6).toString('hex')}`
  return Session.with(where, databases.maintenance, signal, async (session) => {
    try {
      await session.run(databases.create(database, undefined))
    } catch (error) {
      if (!(error instanceof QueryError)) throw error
      throw new ConfigError(`migrations.${call}: a scratch database could not be made: ${error.message}; nothing was changed`, {
        option: 'migrations', cause: error, hint: 'use a role that has CREATEDB, on any server of this version: your data is not looked at',
      })
    }
    try {
      return await work({ database, parts: { ...parts, assembly: onlyThis(parts, where, database) } })
    } finally {
      await drop(place, database)
    }
  })
}

/** The assembly, but for where its sessions of maintenance go. */
function onlyThis({ assembly }: RunParts, { target, node }: SessionTarget, database: string): RunParts['assembly'] {
  const { options } = assembly
  // what is done here is nobody's migration: no observer and no metric hears of it
  const primary = { ...options.primary, name: node, target: { ...target, database } }
  return { ...assembly, notifier: new Notifier([]), options: { ...options, direct: undefined, replicas: [], primary } }
}

/** On a session of its own: the one that made it may have died. */
async function drop({ call, where, tools: { databases } }: ScratchPlace, database: string): Promise<void> {
  try {
    await Session.with(where, databases.maintenance, undefined, async (session) => {
      if (databases.endSessions) await session.run(databases.endSessions([database]))
      await session.run(databases.drop(database))
    })
  } catch (thrown) {
    const error = asError(thrown)
    throw new ConfigError(`migrations.${call}: the scratch database ${database} could not be dropped: ${error.message}`, {
      option: 'migrations', cause: error, hint: `drop it by hand: drop database ${database}`,
    })
  }
}
