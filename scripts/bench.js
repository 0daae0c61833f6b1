// `npm run bench` compiles and runs every file of bench/, `npm run bench -- pool` the ones named. Benches that need a server
// find it in DATABASE_URL; where that is not set, a disposable one is started for the length of the run. With `--smoke` all of
// them do next to nothing: that proves that they run, and their figures mean nothing.
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

// As in bench/tsconfig.json: inside node_modules, so that packages are found.
const OUT = 'node_modules/.bench'

/** Rounds and calls of a run that only proves that everything runs. */
const SMOKE = { BENCH_ROUNDS: '1', BENCH_READS: '300', BENCH_CALLS: '300', BENCH_TRANSACTIONS: '5' }

const known = readdirSync('bench').filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -'.ts'.length))
const smoke = process.argv.includes('--smoke')
const wanted = process.argv.slice(2).filter((argument) => argument !== '--smoke')
const unknown = wanted.filter((name) => !known.includes(name))
if (unknown.length > 0) {
  console.error(`unknown bench: ${unknown.join(', ')}; known: ${known.join(' ')}`)
  process.exit(2)
}

execFileSync('node_modules/.bin/tsc', ['-p', 'bench'], { stdio: 'inherit' })

/** @returns {Promise<{ url: string, close(): Promise<void> }>} */
async function server() {
  const given = process.env.DATABASE_URL
  if (given) return { url: given, close: async () => {} }
  const { startCluster } = await import(pathToFileURL(resolve(OUT, 'src/testing/index.js')).href)
  const cluster = await startCluster({ engine: 'postgres' })
  return { url: cluster.url, close: () => cluster.destroy() }
}

const { url, close } = await server()
try {
  for (const name of wanted.length > 0 ? wanted : known) {
    console.log(`\n${name}`)
    execFileSync(process.execPath, [`${OUT}/bench/${name}.js`], { stdio: 'inherit', env: { ...process.env, DATABASE_URL: url, ...smoke && SMOKE } })
  }
} finally {
  await close()
}
