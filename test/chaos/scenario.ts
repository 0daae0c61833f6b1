import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.js'
import { Client } from './client.js'
import { pickFault } from './faults.js'
import { compare, tally, type StoredRow } from './history.js'
import type { ChaosEngine } from './engine.js'
import { randomFrom } from './random.js'
import { makeWorld, type World } from './world.js'

/** `SLUICE_CHAOS_SEED` repeats a run's faults, `SLUICE_CHAOS_FAULTS` says how many there are. */
const seed = Number(process.env['SLUICE_CHAOS_SEED'] ?? Math.floor(Math.random() * 1_000_000_000))
const faults = Number(process.env['SLUICE_CHAOS_FAULTS'] ?? 8)
const CLIENTS = 6

const say = (text: string): void => { process.stderr.write(`chaos: ${text}\n`) }

/** Random faults on an engine's own cluster, under the work of several clients. */
export function chaos(engine: ChaosEngine): void {
  let world: World

  beforeAll(async () => {
    world = await makeWorld(engine, 2)
    await world.databases[0]?.execute('create table entry (client int not null, n int not null)')
    await world.settled()
  }, 180_000)
  afterAll(async () => { await world.close() }, 180_000)

  describe(`chaos on ${engine.title}, seed ${String(seed)}`, () => {
    it(`${String(faults)} faults, one after another: nothing acknowledged is lost, nothing is done twice, nothing older is read`, async () => {
      const random = randomFrom(seed)
      const clients = Array.from({ length: CLIENTS }, (_, id) => new Client(id, world.databases, randomFrom(seed + 1 + id)))
      const running = clients.map((client) => client.run())
      const complaints = (): string[] => clients.flatMap((client) => client.complaints)
      try {
        for (let index = 1; index <= faults && complaints().length === 0; index++) {
          const fault = pickFault(random)
          say(`seed ${String(seed)}, ${String(index)} of ${String(faults)}: ${fault.name}`)
          await fault.run(world, random)
          await world.settled()
          const before = clients.map(({ heard }) => heard.size)
          await eventually(() => clients.every(({ heard }, id) => heard.size > (before[id] ?? 0)), 60_000)
        }
      } finally {
        for (const client of clients) client.stop()
        await Promise.all(running)
      }
      const stored = await world.admin(world.cluster.primary, 'select client, n, count(*) as times from entry group by client, n')
      const reads = clients.reduce((sum, client) => sum + client.reads, 0)
      const onReplicas = clients.reduce((sum, client) => sum + client.readsOnReplicas, 0)
      say(`${JSON.stringify(tally(clients))}, ${String(reads)} reads, ${String(Math.round(100 * onReplicas / reads))} % of them on replicas`)
      expect([...complaints(), ...compare(clients, stored.map(({ client, n, times }): StoredRow => ({ client: Number(client), n: Number(n), times: Number(times) })))], `seed ${String(seed)}\n${world.log.slice(-40).join('\n')}`).toEqual([])
      expect(tally(clients)['acknowledged']).toBeGreaterThan(faults * CLIENTS)
      await eventually(() => world.databases.every((db) => db.stats().nodes.every(({ inUse, waiting }) => inUse === 0 && waiting === 0)))
      const open = await world.admin(world.cluster.primary, engine.sessions)
      expect(Number(open[0]?.['n'])).toBeLessThanOrEqual(world.databases.length * (6 + 2) + 1)
    }, 60_000 + faults * 90_000)
  })
}
