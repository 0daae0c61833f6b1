// Waits for the end of a server process with nothing else to do, and tells what it heard.
import { createViteServer } from 'vitest/node'

const root = new URL('../..', import.meta.url).pathname
const vite = await createViteServer({
  root, configFile: false, logLevel: 'error', optimizeDeps: { noDiscovery: true },
  server: { middlewareMode: true, hmr: false, watch: null, ws: false },
})
const { spawnServer } = await vite.ssrLoadModule('/src/testing/process.ts')
await vite.close()
const server = await spawnServer('/bin/sh', ['-c', 'sleep 0.5'], { account: undefined, logFile: '/dev/null' })
const early = await server.exit(10)
const late = await server.exit()
process.stdout.write(`${String(early)}, then ${late}\n`)
