import { parser } from '@prometheus-io/lezer-promql'
import { parse as parseYaml } from 'yaml'
import { describe, expect, it } from 'vitest'
import { METRICS, type MetricDefinition } from '../../src/metrics/catalog.js'
import { read } from './repository.js'

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[] }[]
}
interface Rule { readonly alert: string; readonly expr: string; readonly annotations: Readonly<Record<string, string>> }
interface Rules { readonly groups: readonly { readonly rules: readonly Rule[] }[] }

const { panels } = JSON.parse(read('docs/monitoring/grafana-dashboard.json')) as Dashboard
const rules = (parseYaml(read('docs/monitoring/prometheus-alerts.yml')) as Rules).groups.flatMap(({ rules }) => rules)
/** Expressions, each with the texts that show its labels. */
const expressions = [
  ...panels.flatMap(({ title, targets }) => targets.map(({ expr, legendFormat }) => [title, expr, legendFormat] as const)),
  ...rules.map(({ alert, expr, annotations }) => [alert, expr, Object.values(annotations).join(' ')] as const),
]
const definitions = new Map<string, MetricDefinition>(Object.entries(METRICS))

interface Parsed { readonly metrics: string[]; readonly labels: string[]; readonly broken: boolean }

function parsed(expr: string): Parsed {
  const text = expr.replaceAll('$__rate_interval', '5m')
  const [metrics, labels]: [string[], string[]] = [[], []]
  let broken = false
  parser.parse(text).iterate({
    enter({ type, name, from, to }) {
      broken ||= type.isError
      if (name === 'Identifier') metrics.push(text.slice(from, to))
      if (name === 'LabelName') labels.push(text.slice(from, to))
    },
  })
  return { metrics, labels, broken }
}

/** The metric behind a name; of histograms only their three series have samples. */
function definitionOf(name: string): MetricDefinition | undefined {
  const series = /^(.*)_(bucket|sum|count)$/.exec(name)?.[1]
  const histogram = series === undefined ? undefined : definitions.get(series)
  if (histogram?.type === 'histogram') return histogram
  const plain = definitions.get(name)
  return plain?.type === 'histogram' ? undefined : plain
}

function labelsOf(names: readonly string[]): Set<string> {
  return new Set(['database', 'instance', ...names.flatMap((name) => [...definitionOf(name)?.labels ?? [], ...name.endsWith('_bucket') ? ['le'] : []])])
}

describe.each(expressions)('%s', (_, expr, shown) => {
  it(`asks only for what there is: ${expr}`, () => {
    const { metrics, labels, broken } = parsed(expr)
    expect(broken).toBe(false)
    expect(metrics.length).toBeGreaterThan(0)
    expect(metrics.filter((name) => !definitionOf(name))).toEqual([])
    const known = labelsOf(metrics)
    expect(labels.filter((label) => !known.has(label))).toEqual([])
    const inTexts = [...shown.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g)].map(([, label = '']) => label)
    expect(inTexts.filter((label) => !labels.includes(label))).toEqual([])
  })
})

it('alerts are about what must not go unseen', () => {
  const used = rules.flatMap(({ expr }) => parsed(expr).metrics)
  expect(used).toEqual(expect.arrayContaining([
    'sluice_primary_available', 'sluice_pool_connections', 'sluice_query_duration_seconds_bucket', 'sluice_replica_lag_seconds',
    'sluice_backup_last_success_timestamp_seconds',
  ]))
})

it('the guide lists every metric with its type and its labels, and no other', () => {
  const rows = [...read('docs/guides/observability.md').matchAll(/^\| `(sluice_\w+)` \| (\w+) \| ([^|]+) \|/gm)]
  expect(rows.map(([, name, type, labels = '']) => [name, type, [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label)]))
    .toEqual(Object.entries(METRICS).map(([name, { type, labels }]) => [name, type, [...labels]]))
})
