import type { Task } from './apply.js'
import { titleOfAssessed, type Assessed } from './assess.js'
import { MigrationError } from './errors.js'
import { titleOf, type MigrationSet } from './migration.js'

function isTask(assessed: Assessed): assessed is Task {
  return assessed.migration !== undefined
}

/** What is to be applied, in order. */
export function tasksUp(assessed: readonly Assessed[]): Task[] {
  return assessed.filter(isTask).filter(({ status, row }) => (status === 'pending' || status === 'interrupted') && row?.state !== 'reverting')
}

/**
 * The last `count` migrations applied, the last one first; a way down that was begun comes before all.
 *
 * @throws MigrationError `irreversible` or `missing`: before anything is run
 */
export function tasksDown(assessed: readonly Assessed[], { services }: MigrationSet, count: number, service?: string): Task[] {
  const rank = (each: Assessed): number => services.indexOf(each.row?.service ?? '')
  const finished = (each: Assessed): number => each.row?.finishedAt?.getTime() ?? 0
  const applied = assessed.filter(({ row }) => row?.kind === 'V' && (service === undefined || row.service === service)
    && (row.state === 'applied' || row.state === 'reverting'))
  const order = applied.toSorted((a, b) => Number(b.row?.state === 'reverting') - Number(a.row?.state === 'reverting')
    || finished(b) - finished(a) || rank(b) - rank(a) || (b.row?.version ?? 0) - (a.row?.version ?? 0))
  return checkedDown(order.slice(0, count))
}

/**
 * What leads to a version of one service.
 *
 * @throws MigrationError `missing`: there is no such version; `irreversible`: there is no way down to it
 */
export function tasksTo(assessed: readonly Assessed[], set: MigrationSet, service: string, version: number): { up: Task[]; down: Task[] } {
  const own = assessed.filter((each) => (each.migration ?? each.row)?.service === service && (each.migration ?? each.row)?.kind !== 'R')
  if (version !== 0 && !own.some((each) => (each.migration ?? each.row)?.version === version)) {
    throw new MigrationError('missing', `there is no version ${String(version)} of ${service}; nothing was changed`, {
      service, version, hint: `versions: ${set.migrations.filter((migration) => migration.service === service).map((migration) => migration.version).join(', ') || 'none'}`,
    })
  }
  const higher = own.filter(({ row }) => (row?.state === 'applied' || row?.state === 'reverting') && row.kind === 'V' && row.version > version)
  return {
    down: checkedDown(higher.toSorted((a, b) => (b.row?.version ?? 0) - (a.row?.version ?? 0))),
    up: tasksUp(own).filter(({ migration }) => migration.version <= version),
  }
}

function checkedDown(wanted: readonly Assessed[]): Task[] {
  return wanted.map((each) => {
    const { row, migration } = each
    const facts = { service: row?.service, version: row?.version }
    if (!isTask(each)) {
      throw new MigrationError('missing', `${titleOfAssessed(each)} cannot be reverted: its file is not there; nothing was changed`, { ...facts, hint: 'run the code that has it' })
    }
    if (each.migration.irreversible) {
      throw new MigrationError('irreversible', `${titleOf(each.migration)} says that it is irreversible; nothing was changed`, { ...facts, hint: 'make a new migration that goes forward' })
    }
    if (!each.migration.down) {
      throw new MigrationError('irreversible', `${titleOf(each.migration)} has no way down; nothing was changed`, {
        ...facts, hint: `add ${migration?.up.path.replace(/\.up\.sql$/, '.down.sql') ?? 'one'}, or go forward with a new migration`,
      })
    }
    return each
  })
}
