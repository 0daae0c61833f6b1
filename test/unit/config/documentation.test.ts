import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DEFAULTS } from '../../../src/config/defaults.js'
import { loadSchemas } from '../../../src/config/schema.js'

const root = join(import.meta.dirname, '../../..')
const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8')

/** First and second cell of every table row of a section; several names in a cell are several rows. */
function rows(heading: string): Map<string, string> {
  const section = page.split(/^## /m).find((one) => one.startsWith(`${heading}\n`)) ?? ''
  const cells = [...section.matchAll(/^\| (`[^|]*) \| ([^|]*?) \|/gm)]
  return new Map(cells.flatMap(([, names = '', second = '']) => [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => [name, second] as const)))
}

function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  const { shape, def } = schema as { shape?: Record<string, unknown>; def?: { innerType?: unknown } }
  return shape ?? (def?.innerType === undefined ? undefined : shapeOf(def.innerType))
}

/** `pool.max`, `readOnly`, …; the inside of the options that are documented as one is left out. */
const WHOLE = new Set(['routing.fallbackToPrimary', 'backup.encryption', 'backup.schedule', 'migrations.sources'])
function optionNames(schema: unknown, prefix = ''): string[] {
  return Object.entries(shapeOf(schema) ?? {}).flatMap(([name, inner]) => {
    const path = prefix + name
    return shapeOf(inner) === undefined || WHOLE.has(path) ? [path] : optionNames(inner, `${path}.`)
  })
}

function defaultText(path: string): string {
  const special: Record<string, string> = {
    'primary': '–', 'replicas': '`[]`', 'directUrl': '–', 'driverOptions': '`{}`', 'cache.enabled': '`true`', 'routing.fallbackToPrimary': '`true`',
  }
  if (special[path] !== undefined) return special[path]
  const value = path.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], DEFAULTS)
  if (value === undefined) return '–'
  return `\`${typeof value === 'string' ? `'${value}'` : JSON.stringify(value)}\``
}

describe('docs/configuration.md', () => {
  const documented = new Map([...rows('Essential'), ...rows('Common'), ...rows('Rare')])

  it('lists every option exactly once, and none that does not exist', () => {
    const listed = ['Essential', 'Common', 'Rare'].flatMap((heading) => [...rows(heading).keys()])
    expect(listed.toSorted()).toEqual(optionNames(loadSchemas().database).toSorted())
  })

  it('gives every option its true default', () => {
    const wrong = [...documented].filter(([name, text]) => text !== defaultText(name)).map(([name, text]) => `${name}: ${text}, not ${defaultText(name)}`)
    expect(wrong).toEqual([])
  })

  it('lists every field of a server', () => {
    expect([...rows('A server as an object').keys()].toSorted()).toEqual(Object.keys(loadSchemas().node.shape).toSorted())
  })

  it('lists every environment variable that is read', () => {
    const source = readFileSync(join(root, 'src/config/env.ts'), 'utf8')
    const read = new Set([...source.matchAll(/reader\.\w+\('([A-Z_]+)'/g)].map(([, name = '']) => name))
    expect(read.size).toBeGreaterThan(15)
    expect([...rows('Environment').keys()].toSorted()).toEqual([...read].toSorted())
  })
})
