import { applyAll } from './apply.js'
import type { Steps } from './atomic.js'
import { withSnapshot } from './drift.js'
import type { DownResult, UpResult } from './results.js'
import type { Run } from './run.js'
import { applyTogether } from './together.js'

/**
 * Does what was chosen, in a transaction each or in one for all, and keeps what the catalog looks like afterwards.
 *
 * @param choose - looks at the history, throws what stands against the run, and says what is to be done
 */
export async function carryOut(run: Run, choose: () => Promise<Steps>): Promise<UpResult & DownResult> {
  return withSnapshot(run, async () => {
    if (run.config.atomic === 'all') return applyTogether(run, choose)
    const { down, up } = await choose()
    return { reverted: await applyAll(run, down, 'down'), applied: await applyAll(run, up, 'up') }
  })
}
