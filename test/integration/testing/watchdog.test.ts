import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { ownServers, segmentOf, sharedMemorySegments } from '../../support/own-servers.js'

interface Told { readonly folder: string, readonly url: string }

const script = new URL('../../support/start-and-wait.js', import.meta.url).pathname
const children: ChildProcess[] = []

afterEach(() => { for (const child of children.splice(0)) child.kill('SIGKILL') })

/** Starts a cluster in a process of its own; answers where, once it is up. */
async function clusterIn(mode: string): Promise<{ child: ChildProcess, folder: string }> {
  const child = spawn(process.execPath, [script, mode, await ownServers()], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const told = await new Promise<Told>((resolve, reject) => {
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.endsWith('\n')) resolve(JSON.parse(said) as Told)
    })
    child.once('exit', (code) => reject(new Error(`exit code ${String(code)} before the cluster was up`)))
  })
  return { child, folder: dirname(told.folder) }
}

/** Processes, zombies excepted, that work inside a folder. */
function residents(folder: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(folder)
    } catch {
      return false
    }
  })
}

/** Ids of the System V segments that the servers in a folder use. */
function segmentsOf(folder: string): string[] {
  return readdirSync(folder).map((node) => segmentOf(`${folder}/${node}/data`))
}

async function expectNothingLeft(folder: string, segments: readonly string[]): Promise<void> {
  await eventually(() => residents(folder).length === 0 && !existsSync(folder), 60_000)
  await eventually(() => sharedMemorySegments().every((id) => !segments.includes(id)))
}

for (const mode of ['run', 'freeze', 'kill']) {
  test(`nothing is left after kill -9 of the test process (${mode})`, async () => {
    const { child, folder } = await clusterIn(mode)
    const segments = segmentsOf(folder)
    expect(residents(folder).length).toBeGreaterThan(3)
    expect(segments.length).toBe(2)
    expect(sharedMemorySegments()).toEqual(expect.arrayContaining(segments))
    child.kill('SIGKILL')
    await expectNothingLeft(folder, segments)
  })
}

test('a forgotten cluster neither keeps the process alive nor outlives it', async () => {
  const { child, folder } = await clusterIn('end')
  const segments = segmentsOf(folder)
  await new Promise((resolve) => child.once('exit', resolve))
  expect(child.exitCode).toBe(0)
  await expectNothingLeft(folder, segments)
})
