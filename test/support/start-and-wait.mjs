// Starts a cluster in a process of its own and tells where it is: for tests that kill that process.
import { createViteServer } from 'vitest/node'

const root = new URL('../..', import.meta.url).pathname
const vite = await createViteServer({ root, configFile: false, logLevel: 'error', server: { middlewareMode: true, hmr: false, watch: null, ws: false }, optimizeDeps: { noDiscovery: true } })
const { startCluster } = await vite.ssrLoadModule('/src/testing/index.ts')
const cluster = await startCluster({ engine: 'postgres', replicas: 1, provider: 'local' })
if (process.argv[2] === 'freeze') await cluster.replicas[0].freeze()
if (process.argv[2] === 'kill') await cluster.primary.kill()
process.stdout.write(`${JSON.stringify({ url: cluster.superuserUrl, folder: cluster.primary.server.folder, ports: cluster.nodes.map(({ port }) => port) })}\n`)
if (process.argv[2] === 'end') {
  await vite.close()
} else {
  setInterval(() => {}, 60_000)
}
