import { Database, sql } from '../../src/index.js'
import { startCluster, type Cluster, type ClusterEngine } from '../../src/testing/index.js'
import { optionsFor } from './options.js'
import { readCounter, ReaderProcess, type CounterRead } from './reader.js'

/** Where reads went, and how many did not see their write, or less than one before them. */
export interface Pairs {
  readonly engine: ClusterEngine
  readonly way: string
  readonly pairs: number
  readonly stale: number
  readonly backward: number
  /** Share of reads on the replica that replays, 0 to 1. */
  readonly onFreshReplica: number
}

const CONSISTENCY = { consistency: { causalReadsTimeoutMs: 1_000 } }

/**
 * Pairs of a write and a read of it, while one of two replicas does not replay: half of them in a session, half by a token that
 * another process is handed.
 */
export async function readYourWrites(engine: ClusterEngine, pairs: number): Promise<Pairs[]> {
  await using cluster = await startCluster({ engine, replicas: 2 })
  await using writer = await Database.open(optionsFor(cluster, CONSISTENCY))
  await writer.execute('create table counter (n int not null)')
  await writer.execute('insert into counter values (0)')
  await cluster.waitForReplay()
  const other = new ReaderProcess(optionsFor(cluster, CONSISTENCY))
  try {
    await other.read(writer.causalToken())
    await cluster.replicas[0]?.pauseReplay()
    const half = pairs / 2
    return [
      { engine, way: 'in a session', ...await turns(cluster, writer, 0, half, (token) => readCounter(writer, token)) },
      { engine, way: 'by a token, in another process', ...await turns(cluster, writer, half, half, (token) => other.read(token)) },
    ]
  } finally {
    other.close()
  }
}

type Counted = Omit<Pairs, 'engine' | 'way'>

async function turns({ replicas }: Cluster, writer: Database, from: number, pairs: number, read: (token: string) => Promise<CounterRead>): Promise<Counted> {
  const fresh = replicas[1]?.name
  let [stale, backward, onFresh, seen] = [0, 0, 0, 0]
  for (let wanted = from + 1; wanted <= from + pairs; wanted++) {
    const token = await writer.session(async () => {
      await writer.execute(sql`update counter set n = ${wanted}`)
      return writer.causalToken()
    })
    const { n, node } = await read(token)
    if (n < wanted) stale++
    if (n < seen) backward++
    if (node === fresh) onFresh++
    seen = Math.max(seen, n)
  }
  return { pairs, stale, backward, onFreshReplica: onFresh / pairs }
}
