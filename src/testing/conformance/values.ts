import assert from 'node:assert/strict'
import type { ConformanceCase, ConformanceTarget, ValueKind, ValueRoundTrip } from './target.js'
import { benchCase, run, valueOf, type Bench } from './bench.js'

/** Parameters and the values they come back as. */
export function valueCases(target: ConformanceTarget): ConformanceCase[] {
  const dated = target.sql.values.filter(({ kind }) => DATED.has(kind))
  return [
    ...target.sql.values.map(({ name, type, sent, received }) =>
      benchCase(target, `a value travels as documented: ${name}`, async (bench) => { await roundTrip(bench, type, sent, received) })),
    ...texts(target.sql.textType).map(([name, text, type]) =>
      benchCase(target, `a value travels unchanged: ${name}`, async (bench) => { await roundTrip(bench, type, text, text) })),
    benchCase(target, 'every kind of value the engine has is covered', (bench) => { coversKinds(bench); return Promise.resolve() }),
    ...(dated.length > 0 ? [benchCase(target, 'dates and points in time do not depend on the zone of the process', async (bench) => {
      await inEveryZone(bench, dated)
    })] : []),
    ...(target.driver.dialect.features.arrays ? [] : [
      benchCase(target, 'a list travels as JSON text', async (bench) => {
        await roundTrip(bench, target.sql.textType, [1, 'two', null], '[1,"two",null]')
      }),
    ]),
    benchCase(target, 'a missing parameter value is NULL', async (bench) => {
      await roundTrip(bench, target.sql.textType, undefined, null)
    }),
    benchCase(target, 'a NUL character in a text is refused before anything is sent, without showing the value', refusesNul),
    benchCase(target, 'a parameter that cannot be converted does not poison the prepared statement', convertsFirst),
  ]
}

const DATED: ReadonlySet<ValueKind> = new Set<ValueKind>(['date', 'timestamp', 'instant'])

/** Whatever the features do not deny must have a value. */
function coversKinds(bench: Bench): void {
  const { features } = bench.target.driver.dialect
  const kinds: readonly ValueKind[] = [
    'integer', 'bigint', 'float', 'boolean', 'bytes', 'json',
    ...(features.exactNumeric ? ['numeric'] as const : []),
    ...(features.temporalTypes ? ['date', 'timestamp', 'instant'] as const : []),
    ...(features.arrays ? ['array'] as const : []),
  ]
  for (const kind of kinds) assert.ok(bench.target.sql.values.some((value) => value.kind === kind), `sql.values has no ${kind}`)
}

/** Half-hour zones east and west of Greenwich, one with summer time, and none. */
const ZONES = ['Asia/Kolkata', 'America/St_Johns', 'Australia/Lord_Howe', 'UTC']

async function inEveryZone(bench: Bench, values: readonly ValueRoundTrip[]): Promise<void> {
  const before = process.env['TZ']
  try {
    for (const zone of ZONES) {
      process.env['TZ'] = zone
      for (const { type, sent, received } of values) await roundTrip(bench, type, sent, received)
    }
  } finally {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  }
}

function texts(type: string): readonly (readonly [name: string, text: string | null, type: string])[] {
  return [
    ['NULL', null, type],
    ['an empty text', '', type],
    ['quotes, backslashes and line breaks', `'"\\\n\r\t\u2028;--$1?`, type],
    ['characters outside the first plane', 'grüße 日本語 \u{1F600} \u{10FFFF}', type],
    ['a text of two million characters', 'äx'.repeat(1_000_000), type],
  ]
}

async function roundTrip(bench: Bench, type: string, sent: unknown, received: unknown): Promise<void> {
  const connection = await bench.connect()
  const text = `select cast(${bench.placeholder()} as ${type}) as value`
  assert.deepStrictEqual(await valueOf(connection, text, [sent]), received)
  assert.deepStrictEqual(await valueOf(connection, text, [sent], true), received)
  assert.deepStrictEqual(await valueOf(connection, text, [sent], true), received)
}

async function refusesNul(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  const text = `select cast(${bench.placeholder(1)} as ${bench.target.sql.textType}) as a, cast(${bench.placeholder(2)} as ${bench.target.sql.textType}) as b`
  const facts = await bench.failure(run(connection, text, ['fine', 'hidden\0value']))
  assert.match(facts.message, /2/)
  assert.doesNotMatch(facts.message, /hidden/)
  assert.equal(facts.connectionLost, false)
  assert.equal(connection.inFlight, 0)
  assert.deepEqual((await run(connection, text, ['a', 'b'])).rows, [{ a: 'a', b: 'b' }])
}

async function convertsFirst(bench: Bench): Promise<void> {
  const connection = await bench.connect()
  const text = `select cast(${bench.placeholder()} as ${bench.target.sql.textType}) as value`
  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  await bench.failure(run(connection, text, [circular], true))
  assert.equal(await valueOf(connection, text, ['fine'], true), 'fine')
}
