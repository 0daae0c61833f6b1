import type { Invocation } from '../command.js'
import { EXIT } from '../exit.js'
import { withDatabase } from '../opened.js'
import { print, type Output } from '../output.js'
import { millis } from '../text.js'
import { flagOption, wholeOption } from '../values.js'

/** `sluice analyze <sql>`: the plan and what it suggests. With `--run` it is measured, and what it changes is rolled back. */
export async function analyze(invocation: Invocation, output: Output): Promise<number> {
  const timeoutMs = wholeOption(invocation, 'timeout', { min: 1, max: 3_600_000, otherwise: 30_000 })
  return withDatabase(invocation, output, undefined, async (db, failure) => {
    if (failure) throw failure
    const explanation = await db.explain(invocation.values[0] ?? '', [], { analyze: flagOption(invocation, 'run'), timeoutMs })
    if (flagOption(invocation, 'json')) {
      print(output.out, JSON.stringify(explanation, null, 2))
      return EXIT.ok
    }
    const { text, node, executionMs, advice } = explanation
    const ran = executionMs === undefined ? 'not run: --run measures it' : `ran in ${millis(executionMs)} ms`
    print(output.out, text, '', output.style.dim(`on ${node}, ${ran}`))
    print(output.out, ...advice.map((each) => `${output.style.yellow('advice:')} ${each}`))
    return EXIT.ok
  })
}
