// `npm run check`: runs every `check:*` script of package.json in its order, one line each, and shows what failed.
// `npm run check -- lint floors` runs only those named.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter, resolve } from 'node:path'

const PREFIX = 'check:'
/** What comes after these steps looks at what they made. */
const FOUNDATIONS = new Set(['build', 'pack'])

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
const steps = Object.keys(scripts).filter((script) => script.startsWith(PREFIX)).map((script) => script.slice(PREFIX.length))
const env = { ...process.env, PATH: `${resolve('node_modules/.bin')}${delimiter}${process.env.PATH}`, FORCE_COLOR: '0', NO_COLOR: '1' }

/** Runs a command; its output is kept back and only shown when it fails. */
function run(command) {
  return new Promise((done) => {
    const child = spawn(command, { shell: true, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { output += chunk })
    child.on('error', (error) => { output += String(error) })
    child.on('close', (code) => { done({ ok: code === 0, output }) })
  })
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((step) => !steps.includes(step))
if (unknown.length > 0) {
  console.error(`unknown step: ${unknown.join(', ')}; known: ${steps.join(' ')}`)
  process.exit(2)
}

const failed = []
for (const step of steps) {
  if (wanted.length > 0 && !wanted.includes(step)) continue
  const broken = failed.find((name) => FOUNDATIONS.has(name))
  if (broken) {
    console.log(`-    ${step} (needs ${broken})`)
    continue
  }
  const startedAt = performance.now()
  const { ok, output } = await run(scripts[PREFIX + step])
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${step} ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  if (ok) continue
  failed.push(step)
  console.log(output.trimEnd().replaceAll(/^/gm, '     '))
}
console.log(failed.length > 0 ? `\nfailed: ${failed.join(', ')}` : '\nall checks passed')
process.exitCode = failed.length > 0 ? 1 : 0
