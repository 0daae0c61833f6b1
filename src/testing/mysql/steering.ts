import { sleep } from '../../core/deadline.js'
import { TestClusterError } from '../errors.js'
import type { RigServer, Steering } from '../rig.js'
import { adminQuery, withAdmin, type AdminQuery, type MysqlAdmin } from './admin.js'
import type { Flavour, ReplicaStatus } from './flavour.js'

const POLL_MS = 20
const STREAMING_TIMEOUT_MS = 30_000
const PROMOTION_TIMEOUT_S = 30

/** A server of this family, as its rig hands it over. */
export interface MysqlServer extends RigServer {
  mysqlAdmin(): MysqlAdmin
}

/** What the servers of one engine are told and asked, through its words. */
export function steeringOf(flavour: Flavour): Steering {
  return {
    position: (server) => on(server, async (query) => {
      const status = await flavour.status(query)
      const executed = await flavour.executed(query)
      const rank = [executed, status?.received ?? ''].map((text) => flavour.count(text))
      // a replica that has replayed all it received may have received nothing since it was started
      return { text: executed, rank: [rank.reduce((most, value) => value > most ? value : most, 0n)] }
    }),
    waitUntilReplayed: (server, text, timeoutMs) => on(server, async (query) => {
      if (text === '' || await flavour.waitFor(query, text, timeoutMs / 1_000)) return
      const status = await flavour.status(query)
      const paused = status?.applying === false ? ` (its replay is paused${status.error === '' ? '' : `: ${status.error}`})` : ''
      throw new TestClusterError(`${server.name} has not replayed ${text} after ${timeoutMs} ms${paused}`)
    }),
    waitUntilStreaming: (server) => waitForStatus(server, flavour, (status) => status.receiving, 'does not stream from its primary'),
    isWritable: async (server) => {
      const [row] = await adminQuery(adminOf(server), 'select @@global.read_only as read_only')
      return Number(row?.['read_only']) === 0
    },
    promote: (server) => on(server, (query) => promote(query, server, flavour)),
    pauseReplay: (server) => on(server, (query) => flavour.stopApplier(query)),
    resumeReplay: (server) => on(server, (query) => flavour.startApplier(query)),
    setReplayDelay: (server, ms) => on(server, (query) => delay(query, flavour, Math.ceil(ms / 1_000))),
    makeDatabase: (server, name, owner) => on(server, async (query) => {
      await query(`create database ${quoted(name)}`)
      if (owner !== undefined) await query(`grant all on ${quoted(name)}.* to '${owner}'@'%'`)
    }),
    dropDatabase: (server, name) => on(server, (query) => drop(query, name)),
  }
}

function adminOf(server: RigServer): MysqlAdmin {
  return (server as MysqlServer).mysqlAdmin()
}

function on<T>(server: RigServer, work: (query: AdminQuery) => Promise<T>): Promise<T> {
  return withAdmin(adminOf(server), work)
}

/**
 * Applies everything that was received, then takes writes. Receiver and applier are never stopped together before that is
 * done: MariaDB, started again by GTID, forgets what it has received and asks its primary anew.
 */
async function promote(query: AdminQuery, server: RigServer, flavour: Flavour): Promise<void> {
  const following = await flavour.status(query)
  if (following) {
    if (following.delaySeconds > 0) {
      await flavour.stopReplica(query)
      await flavour.setDelaySeconds(query, 0)
    }
    await flavour.startApplier(query)
    await flavour.stopReceiver(query)
    const received = (await flavour.status(query))?.received ?? ''
    if (received !== '' && !await flavour.waitFor(query, received, PROMOTION_TIMEOUT_S - 5)) {
      throw new TestClusterError(`${server.name} has not applied what it received in ${PROMOTION_TIMEOUT_S - 5} s`)
    }
    await flavour.stopReplica(query)
    await flavour.forgetSource(query)
  }
  await query(`set global ${flavour.readOnly.replaceAll('-', '_')} = 0`)
  await query('set global read_only = 0')
}

/** A delay is counted in whole seconds; where replay was paused it stays so. */
async function delay(query: AdminQuery, flavour: Flavour, seconds: number): Promise<void> {
  const status = await flavour.status(query)
  await flavour.stopReplica(query)
  await flavour.setDelaySeconds(query, seconds)
  await flavour.startReplica(query)
  if (status?.applying === false) await flavour.stopApplier(query)
}

async function waitForStatus(server: RigServer, flavour: Flavour, fits: (status: ReplicaStatus) => boolean, otherwise: string): Promise<void> {
  await on(server, async (query) => {
    const expiresAt = performance.now() + STREAMING_TIMEOUT_MS
    for (;;) {
      const status = await flavour.status(query)
      if (status && fits(status)) return
      if (performance.now() > expiresAt) throw new TestClusterError(`${server.name} ${otherwise} after ${STREAMING_TIMEOUT_MS} ms: ${status?.error ?? 'it follows nobody'}`)
      await sleep(POLL_MS)
    }
  })
}

async function drop(query: AdminQuery, name: string): Promise<void> {
  const sessions = await query(`select id from information_schema.processlist where db = '${name}'`)
  for (const session of sessions) await query(`kill ${String(session['id'] ?? session['ID'])}`).catch(() => {})
  await query(`drop database if exists ${quoted(name)}`)
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}
