import { eventually } from '../support/eventually.js'
import type { Random } from './random.js'
import type { World } from './world.js'

/** Something that goes wrong, for a while. Settles when it is over and everything is as before. */
export interface Fault {
  readonly name: string
  run(world: World, random: Random): Promise<void>
}

/** How long a fault lasts at least: shorter and longer than what notices it. */
async function last(random: Random): Promise<void> {
  const ms = 100 + random.below(1_400)
  await new Promise((resolve) => { setTimeout(resolve, ms) })
}

/** A replica is promoted while the primary is gone, and the old primary becomes a replica of it. */
async function succeed({ cluster }: World): Promise<void> {
  const former = cluster.primary
  await cluster.promote()
  await cluster.rejoin(former)
}

const replica = ({ cluster }: World, random: Random): World['cluster']['primary'] => random.pick(cluster.replicas)
const anyNode = ({ cluster }: World, random: Random): World['cluster']['primary'] => random.pick(cluster.nodes)

/** Faults of replicas and of the network: nobody has to be promoted. */
const WITHOUT_PROMOTION: readonly Fault[] = [
  { name: 'a replica is killed', run: async (world, random) => {
    const node = replica(world, random)
    await node.kill()
    await last(random)
    await node.start()
  } },
  { name: 'a replica is frozen', run: async (world, random) => {
    const node = replica(world, random)
    await node.freeze()
    await last(random)
    await node.thaw()
  } },
  { name: 'a replica stops replaying', run: async (world, random) => {
    const node = replica(world, random)
    await node.pauseReplay()
    await last(random)
    await node.resumeReplay()
  } },
  { name: 'a replica replays late', run: async (world, random) => {
    const node = replica(world, random)
    await node.delayReplay(100 + random.below(400))
    await last(random)
    await node.delayReplay(0)
  } },
  { name: 'a host vanishes from the network', run: async (world, random) => {
    const proxy = world.proxyOf(anyNode(world, random))
    proxy.blackHole()
    await last(random)
    await proxy.restore()
  } },
  { name: 'answers of a host are held back', run: async (world, random) => {
    const proxy = world.proxyOf(anyNode(world, random))
    proxy.halfOpen('to-client')
    await last(random)
    await proxy.restore()
  } },
  { name: 'a link is slow', run: async (world, random) => {
    const proxy = world.proxyOf(anyNode(world, random))
    proxy.delay(10 + random.below(60))
    await last(random)
    await proxy.restore()
  } },
  { name: 'connections are reset', run: async (world, random) => {
    const proxy = world.proxyOf(anyNode(world, random))
    for (let times = 1 + random.below(4); times > 0; times--) {
      proxy.reset()
      await new Promise((resolve) => { setTimeout(resolve, random.below(200)) })
    }
  } },
  { name: 'answers to COMMIT are cut', run: async (world, random) => {
    const proxy = world.proxyOf(world.cluster.primary)
    if (world.engine.cutsCommitAnswers) proxy.cutBefore('commit-answer', { times: 1 + random.below(4) })
    else proxy.reset()
    await last(random)
    await proxy.restore()
  } },
  { name: 'both replicas refuse', run: async (world, random) => {
    const proxies = world.cluster.replicas.map((node) => world.proxyOf(node))
    for (const proxy of proxies) {
      await proxy.refuse()
      proxy.cut()
    }
    await last(random)
    for (const proxy of proxies) await proxy.restore()
  } },
  { name: 'the role may open few connections', run: async (world, random) => {
    const role = decodeURIComponent(new URL(world.cluster.url).username)
    await world.admin(world.cluster.primary, world.engine.limitConnections(role, 3))
    world.proxyOf(world.cluster.primary).cut()
    await last(random)
    await world.admin(world.cluster.primary, world.engine.limitConnections(role, undefined))
  } },
]

/** Faults after which another server is the primary. */
const WITH_PROMOTION: readonly Fault[] = [
  { name: 'the primary is killed', run: async (world, random) => {
    await world.cluster.primary.kill()
    if (random.below(2) === 0) await last(random)
    await succeed(world)
  } },
  { name: 'the primary is switched over', run: async (world) => {
    await world.cluster.primary.stop('fast')
    await succeed(world)
  } },
  { name: 'the primary is frozen, and wakes up after its successor', run: async (world, random) => {
    const former = world.cluster.primary
    await former.freeze()
    await last(random)
    await world.cluster.promote()
    await last(random)
    await former.thaw()
    await last(random)
    await world.cluster.rejoin(former)
  } },
  { name: 'the primary is killed while a replica does not replay', run: async (world, random) => {
    const paused = replica(world, random)
    await paused.pauseReplay()
    await last(random)
    await world.cluster.primary.kill()
    await eventually(() => world.cluster.primary.state !== 'running', 20_000)
    await paused.resumeReplay()
    await succeed(world)
  } },
]

/** Two of three leave the primary where it is. */
export function pickFault(random: Random): Fault {
  return random.pick(random.below(3) === 0 ? WITH_PROMOTION : WITHOUT_PROMOTION)
}
