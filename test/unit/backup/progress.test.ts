import { expect, it } from 'vitest'
import { Progress, type BackupProgress } from '../../../src/backup/progress.js'

it('tells what a phase has taken when it ends, however quick it was', () => {
  const told: BackupProgress[] = []
  const progress = new Progress((each) => { told.push(each) })
  progress.phase('dumping')
  progress.counter()(100)
  progress.counter()(50)
  progress.phase('committing')
  expect(told.map(({ phase, bytes }) => [phase, bytes])).toEqual([['dumping', 0], ['dumping', 150], ['committing', 0]])
})

it('goes on when its listener throws', () => {
  const progress = new Progress(() => { throw new Error('listener') })
  expect(() => { progress.phase('dumping') }).not.toThrow()
})
