import type { Random } from '../../chaos/random.js'
import type { SimulatedWorld } from './world.js'

const sleep = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms) })

/** Something that goes wrong and is over when it settles. */
export type SimulatedFault = (world: SimulatedWorld, random: Random) => Promise<void>

const lasting = (random: Random): Promise<void> => sleep(200 + random.below(12_000))

/** By name, for the report of a failure. */
export const FAULTS: Readonly<Record<string, SimulatedFault>> = {
  'a replica dies': async (world, random) => {
    const server = random.pick(world.replicas)
    server.kill()
    await lasting(random)
    server.start()
  },
  'a server freezes': async (world, random) => {
    const server = random.pick(world.servers)
    server.freeze()
    await lasting(random)
    server.thaw()
  },
  'a replica lags': async (world, random) => {
    const server = random.pick(world.replicas)
    server.delayMs = random.pick([500, 5_000, 30_000])
    await lasting(random)
    server.delayMs = 5
  },
  'a server is slow': async (world, random) => {
    const server = random.pick(world.servers)
    server.latencyMs = random.pick([50, 300, 2_000])
    await lasting(random)
    server.latencyMs = 1
  },
  'connections are cut': async (world, random) => {
    for (let times = 1 + random.below(5); times > 0; times--) {
      random.pick(world.servers).fake.crash()
      await sleep(random.below(2_000))
    }
  },
  'answers to COMMIT are lost': async (world, random) => {
    const { primary } = world
    primary.losing = 1 + random.below(4)
    await lasting(random)
    primary.losing = 0
  },
  'both replicas are gone': async (world, random) => {
    const { replicas } = world
    for (const server of replicas) server.kill()
    await lasting(random)
    for (const server of replicas) server.start()
  },
  'the primary dies, and another one succeeds it': async (world, random) => {
    const former = world.primary
    former.kill()
    await lasting(random)
    former.role = 'replica'
    world.promote(random.pick(world.replicas.filter(({ alive }) => alive)))
    await lasting(random)
    world.rejoin(former)
    former.start()
  },
  'the primary is switched over': async (world, random) => {
    const former = world.primary
    world.rejoin(former)
    await sleep(random.below(500))
    world.promote(random.pick(world.replicas.filter((server) => server !== former)))
    world.rejoin(former)
  },
}
