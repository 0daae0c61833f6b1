// Starts a cluster in a process of its own and tells where it is: for tests that kill that process.
import { setInterval } from 'node:timers'
import { createViteServer } from 'vitest/node'

const root = new URL('../..', import.meta.url).pathname
const vite = await createViteServer({
  root, configFile: false, logLevel: 'error', optimizeDeps: { noDiscovery: true },
  server: { middlewareMode: true, hmr: false, watch: null, ws: false },
})
const { startCluster } = await vite.ssrLoadModule('/src/testing/index.ts')
const cluster = await startCluster({ engine: 'postgres', replicas: 1, provider: process.argv[3] })
if (process.argv[2] === 'freeze') await cluster.replicas[0].freeze()
if (process.argv[2] === 'kill') await cluster.primary.kill()
const told = { url: cluster.superuserUrl, folder: cluster.primary.server.folder }
process.stdout.write(`${JSON.stringify(told)}\n`)
if (process.argv[2] === 'end') {
  await vite.close()
} else {
  setInterval(() => {}, 60_000)
}
