const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1, s: 1_000, sec: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000,
}

const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|sec|s|min|m|h|d))+$/
const PART = /(\d+(?:\.\d+)?)(ms|sec|s|min|m|h|d)/g

/**
 * Milliseconds of a text such as `30s`, `100ms`, `5m`, `1h30m`; undefined when it is not one. A bare number has no
 * unit and is not a duration; `0` is, because it means the same in every unit.
 */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim()
  if (/^0+$/.test(trimmed)) return 0
  if (!DURATION.test(trimmed)) return undefined
  let total = 0
  for (const [, amount, unit] of trimmed.matchAll(PART)) total += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0)
  return Math.round(total)
}
