import type { Invocation } from '../command.js'
import { demoOptions, type DemoOptions } from '../demo/options.js'
import { makePresenter, type Presenter } from '../demo/presenter.js'
import { openServers, type DemoServers } from '../demo/servers.js'
import { show, type Outcome } from '../demo/show.js'
import { summaryLines } from '../demo/summary.js'
import { EXIT } from '../exit.js'
import { interruptible } from '../interrupt.js'
import { print, type Output } from '../output.js'
import { plural, seconds } from '../text.js'

/**
 * `sluice demo`: real servers, mixed load through one `Database`, a replica that is killed and comes back, and what the
 * servers say about it afterwards. Exit code 0 only when every claim held.
 */
export async function demo(invocation: Invocation, output: Output): Promise<number> {
  const options = demoOptions(invocation)
  const presenter = makePresenter(options, output)
  return interruptible((signal) => perform(options, output, presenter, signal), () => {
    presenter.end()
    presenter.progress('interrupted: clearing away (Ctrl-C again to leave at once)')
  })
}

async function perform(options: DemoOptions, output: Output, presenter: Presenter, signal: AbortSignal): Promise<number> {
  const startedAt = performance.now()
  const servers = await openServers(options, output.env, (message) => { presenter.progress(message) })
  let outcome: Outcome | undefined
  try {
    signal.throwIfAborted()
    presenter.progress(`${plural(servers.all.length, 'server')} ready after ${seconds(performance.now() - startedAt)}`)
    outcome = await show(options, servers, presenter, signal)
  } finally {
    presenter.end()
    await servers.destroy()
  }
  report(outcome, servers, options, output)
  return outcome.claims.every(({ held }) => held) ? EXIT.ok : EXIT.failed
}

function report(outcome: Outcome, { origin }: DemoServers, options: DemoOptions, output: Output): void {
  const { findings, claims, events, serverVersion, failover } = outcome
  if (!options.json) {
    print(output.out, ...summaryLines(findings, claims, output.style, output.out.columns))
    return
  }
  print(output.out, JSON.stringify({
    held: claims.every(({ held }) => held), engine: options.engine.label, serverVersion, origin,
    seconds: options.durationMs / 1_000, claims, servers: findings.servers, kill: findings.kill,
    failover: failover && { ...failover, acknowledged: failover.acknowledged.length, failed: failover.failed.length, unknown: failover.unknown.length },
    events,
  }, null, 2))
}
