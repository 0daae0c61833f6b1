import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** The binary as it is published: `npm run build` makes it. */
const BINARY = resolve('dist/cli/main.js')

/** Caches that clusters share and leave. */
const KEPT = ['sluice-postgres-template-', 'sluice-embedded-postgres-']

/** How a run of the binary ended. */
export interface Ended {
  readonly exitCode: number | null
  readonly out: string
  readonly err: string
}

/** A run of the binary. */
export interface Running {
  readonly child: ChildProcess
  /** What it has written to stdout so far. */
  out(): string
  readonly ended: Promise<Ended>
}

/** Starts the binary without a terminal and with an environment of its own. */
export function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(process.execPath, [BINARY, ...args], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], LC_ALL: 'C', ...env }, stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk) => { out += String(chunk) })
  child.stderr.on('data', (chunk) => { err += String(chunk) })
  const ended = new Promise<Ended>((done, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode) => { done({ exitCode, out, err }) })
  })
  return { child, out: () => out, ended }
}

/** A folder for temporary files that servers of another account can reach too. */
export class PrivateTemp {
  readonly folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'))

  constructor() { chmodSync(this.folder, 0o1777) }

  /** Folders of clusters in it; the templates and programs they are made from are kept on purpose. */
  clusters(): string[] {
    return readdirSync(this.folder).filter((name) => name.startsWith('sluice-') && !KEPT.some((prefix) => name.startsWith(prefix)))
  }

  /** Command lines of the servers that live in it, and of whoever watches over them. */
  processes(): string[] {
    const all = execFileSync('ps', ['-A', '-o', 'args='], { encoding: 'utf8' })
    return all.split('\n').filter((line) => line.includes(`${this.folder}/`))
  }

  remove(): void { rmSync(this.folder, { recursive: true, force: true }) }
}
