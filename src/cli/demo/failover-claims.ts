import { count, millis, plural } from '../text.js'
import type { Claim } from './claims.js'
import type { FailoverReport } from './failover.js'

/** What the failover is judged by, and the ids that the new primary holds of those written meanwhile, each as often as it is there. */
export function failoverClaims(report: FailoverReport, stored: readonly number[]): Claim[] {
  return [goesOn(report), losesNothing(report, stored), keepsReading(report)]
}

function goesOn({ promoted, gapMs, afterPromotionMs, failed, unknown, firstFailure }: FailoverReport): Claim {
  const held = failed.length === 0 && unknown.length === 0
  return {
    claim: 'writes go on at the new primary', held,
    evidence: held
      ? `${millis(gapMs)} ms without a write, the last ${millis(afterPromotionMs)} ms of them after ${promoted} took writes; none failed, none is unknown`
      : `${plural(failed.length, 'write')} failed and ${plural(unknown.length, 'write')} became unknown, the first with: ${String(firstFailure)}`,
  }
}

function losesNothing({ promoted, acknowledged, failed }: FailoverReport, stored: readonly number[]): Claim {
  const found = new Set(stored)
  const lost = acknowledged.filter((id) => !found.has(id))
  const doubled = stored.length - found.size
  const uninvited = failed.filter((id) => found.has(id))
  const held = lost.length === 0 && doubled === 0 && uninvited.length === 0
  return {
    claim: 'the failover lost and doubled no write', held,
    evidence: held ? `all ${plural(acknowledged.length, 'acknowledged write')} are on ${promoted}, each of them once`
      : `of ${plural(acknowledged.length, 'acknowledged write')} ${count(lost.length)} are not on ${promoted}, ${count(doubled)} are there twice, ${count(uninvited.length)} that failed are there`,
  }
}

function keepsReading({ reads, failedReads, firstFailure }: FailoverReport): Claim {
  const held = failedReads === 0 && reads > 0
  return {
    claim: 'reads went on without a primary', held,
    evidence: held ? `${plural(reads, 'read')} before, during and after, none failed` : `${plural(failedReads, 'read')} failed, the first with: ${String(firstFailure)}`,
  }
}
