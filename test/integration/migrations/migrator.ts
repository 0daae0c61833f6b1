import { spawn, type ChildProcess } from 'node:child_process'
import { resolve } from 'node:path'
import { afterAll } from 'vitest'
import type { MigrationOptions } from '../../../src/index.js'
import { eventually } from '../../support/eventually.js'

/** A line of `test/support/migrator.js`. */
export interface MigratorLine {
  readonly phase?: string
  readonly version?: number
  readonly statement?: { readonly number: number; readonly of: number }
  readonly blockers?: readonly { readonly id: number; readonly application?: string }[]
  readonly result?: { readonly applied: readonly { readonly version: number }[] }
  readonly failure?: { readonly kind?: string; readonly message: string; readonly hint?: string; readonly version?: number; readonly statement?: number }
}

/** What a process is to do. */
export interface MigratorJob {
  readonly url: string
  readonly options: MigrationOptions
  readonly work?: 'autoMigrate' | 'up' | 'down' | 'seed'
  /** `application_name` of its sessions. */
  readonly name?: string
  /** Event at which it kills itself. */
  readonly stopAt?: { readonly phase: string; readonly version?: number; readonly statement?: number }
}

/** How it ended. */
export interface MigratorEnd {
  /** Null when it was killed. */
  readonly exitCode: number | null
  readonly lines: readonly MigratorLine[]
  /** Versions it says it has applied. */
  readonly applied: readonly number[]
  readonly failure: MigratorLine['failure']
  readonly err: string
}

const running = new Set<ChildProcess>()

/** One process that migrates. */
export class Migrator {
  readonly ended: Promise<MigratorEnd>
  readonly #child: ChildProcess
  #out = ''

  constructor(job: MigratorJob) {
    const child = spawn(process.execPath, [resolve('test/support/migrator.js'), JSON.stringify(job)], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    running.add(child)
    let err = ''
    child.stdout.on('data', (chunk) => { this.#out += String(chunk) })
    child.stderr.on('data', (chunk) => { err += String(chunk) })
    this.ended = new Promise((done, reject) => {
      child.on('error', reject)
      child.on('close', (exitCode) => {
        running.delete(child)
        const lines = this.lines()
        const applied = lines.flatMap(({ result }) => result?.applied.map(({ version }) => version) ?? [])
        done({ exitCode, lines, applied, failure: lines.find(({ failure }) => failure)?.failure, err })
      })
    })
  }

  /** What it has said so far. */
  lines(): MigratorLine[] {
    return this.#out.split('\n').slice(0, -1).map((line) => JSON.parse(line) as MigratorLine)
  }

  /** Waits for an event. */
  async says(phase: string, version?: number): Promise<MigratorLine> {
    const found = (): MigratorLine | undefined => this.lines().find((line) => line.phase === phase && (version === undefined || line.version === version))
    await eventually(() => found() !== undefined, 60_000)
    return found()!
  }

  /** SIGKILL, and its end. */
  async kill(): Promise<MigratorEnd> {
    this.#child.kill('SIGKILL')
    return this.ended
  }
}

/** Registers the end of processes that a failed test has left. Call it at the top of a file. */
export function endMigrators(): void {
  afterAll(() => { for (const child of running) child.kill('SIGKILL') })
}
