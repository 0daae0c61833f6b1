import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { sleep } from '../core/deadline.js'
import { TestClusterError } from './errors.js'
import { runProgram, signalPid } from './process.js'

interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  /** Dead, waiting for its parent to take notice; holds no memory and no file any more. */
  readonly zombie: boolean
}

const GONE_TIMEOUT_MS = 10_000
const hasProc = existsSync('/proc/self/stat')

/** Processes of the system, without zombies. */
async function processes(): Promise<readonly ProcessEntry[]> {
  return (hasProc ? fromProc() : fromPs(await runProgram('ps', ['-A', '-o', 'pid=,ppid=,stat=']))).filter((entry) => !entry.zombie)
}

function fromProc(): ProcessEntry[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      // The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
      const [state = '', parent = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return [{ pid: Number(name), parent: Number(parent), zombie: state === 'Z' || state === 'X' }]
    } catch {
      return []
    }
  })
}

function fromPs(listing: string): ProcessEntry[] {
  return listing.split('\n').flatMap((line) => {
    const [pid, parent, state = ''] = line.trim().split(/\s+/)
    return pid ? [{ pid: Number(pid), parent: Number(parent), zombie: state.startsWith('Z') }] : []
  })
}

function worksIn(pid: number, folder: string): boolean {
  try {
    const cwd = readlinkSync(`/proc/${pid}/cwd`)
    return cwd === folder || cwd.startsWith(`${folder}/`)
  } catch {
    return false
  }
}

/**
 * Living processes of a server: the main one, its descendants, and (on Linux) those whose working directory is the data
 * folder, which finds the orphans of a main process that has died.
 */
async function processTree(mainPid: number | undefined, dataFolder: string): Promise<readonly number[]> {
  const all = await processes()
  const found = new Set<number>()
  const visit = (pid: number): void => {
    if (found.has(pid)) return
    found.add(pid)
    for (const entry of all) if (entry.parent === pid) visit(entry.pid)
  }
  if (mainPid !== undefined && all.some((entry) => entry.pid === mainPid)) visit(mainPid)
  if (hasProc) for (const entry of all) if (worksIn(entry.pid, dataFolder)) visit(entry.pid)
  found.delete(process.pid)
  return [...found]
}

/** Signals the whole tree until a look finds no process that was not signalled yet. The main process comes first: it makes new ones. */
export async function signalTree(mainPid: number | undefined, dataFolder: string, signal: NodeJS.Signals): Promise<void> {
  const signalled = new Set<number>()
  for (;;) {
    const fresh = (await processTree(mainPid, dataFolder)).filter((pid) => !signalled.has(pid))
    if (fresh.length === 0) return
    for (const pid of fresh) {
      signalPid(pid, signal)
      signalled.add(pid)
    }
  }
}

/** Kills the whole tree and waits until nothing of it lives. */
export async function killTree(mainPid: number | undefined, dataFolder: string): Promise<void> {
  await signalTree(mainPid, dataFolder, 'SIGSTOP')
  const expiresAt = performance.now() + GONE_TIMEOUT_MS
  for (;;) {
    const left = await processTree(mainPid, dataFolder)
    if (left.length === 0) return
    if (performance.now() > expiresAt) throw new TestClusterError(`processes survive SIGKILL for 10 s: ${left.join(', ')}`)
    for (const pid of left) signalPid(pid, 'SIGKILL')
    await sleep(10)
  }
}
