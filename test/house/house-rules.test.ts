import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const script = resolve('scripts/house-rules.js')
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-house-'))
  execFileSync('git', ['init', '--quiet', folder])
})
afterEach(() => { rmSync(folder, { recursive: true, force: true }) })

/** Runs the script over a repository with these files; `path:line rule` of each finding. */
function findings(files: Record<string, string>): string[] {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  try {
    execFileSync(process.execPath, [script], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })
    return []
  } catch (error) {
    return (error as { stderr: string }).stderr.trim().split('\n').map((line) => line.split(': ')[0]!)
  }
}

// The offending texts are put together here, so that this file keeps the rules itself.
const glue = (...parts: string[]): string => parts.join('')

describe('the house rules', () => {
  it('say nothing about a house in order', () => {
    expect(findings({
      'src/pool/pool.ts': "export const many: string = 'anyone may say postgres'\n",
      'README.md': 'See https://www.postgresql.org/docs and ./work.\n',
    })).toEqual([])
  })

  it.each([
    ['src/router/a.ts', "if (engine === 'postgres') x()", 'no-engine-names'],
    ['src/router/b.ts', "switch (e) { case 'mysql': break }", 'no-engine-names'],
    ['test/e.ts', glue('// @ts-', 'ignore'), 'no-silenced-checks'],
    ['src/f.ts', glue('// eslint-', 'disable-next-line'), 'no-silenced-checks'],
    ['src/g.ts', glue('// TO', 'DO later'), 'nothing-left-for-later'],
    ['test/h.test.ts', glue('it.', "skip('x', () => {})"), 'no-skipped-tests'],
    ['test/i.test.ts', glue('await sl', 'eep(5_000)'), 'no-long-sleeps-in-tests'],
    ['docs/j.md', glue('see https://regis', 'try.npmjs.org/sluice'), 'no-registry-hosts'],
    ['package-lock.json', glue('{ "resolved": "ht', 'tps://example.org/a.tgz" }'), 'no-registry-hosts-in-the-lock'],
    ['docs/k.md', glue('run it in /ro', 'ot/project'), 'no-machine-paths'],
  ])('find the fault in %s', (path, text, rule) => {
    expect(findings({ [path]: `\n${text}\n` })).toEqual([`${path}:2 ${rule}`])
  })

  it('let drivers, the configuration and the test servers name engines', () => {
    const text = "export const is = (engine: string): boolean => engine === 'postgres'\n"
    expect(findings({ 'src/drivers/postgres/a.ts': text, 'src/config/b.ts': text, 'src/testing/c.ts': text })).toEqual([])
  })

  it('read the files of a folder without git too, but not what was made or fetched', () => {
    rmSync(join(folder, '.git'), { recursive: true })
    const text = glue('// TO', 'DO later\n')
    expect(findings({ 'src/a.ts': text, 'node_modules/b/src/b.ts': text, 'dist/c.js': text, 'temp/d.ts': text, 'coverage/e.ts': text }))
      .toEqual(['src/a.ts:1 nothing-left-for-later'])
  })

  it('allow one file per folder to start programs', () => {
    const text = "import { spawn } from 'node:child_process'\n"
    expect(findings({ 'src/testing/a.ts': text, 'src/backup/b.ts': text })).toEqual([])
    expect(findings({ 'src/testing/a.ts': text, 'src/testing/b.ts': text })).toEqual([
      'src/testing/a.ts:1 one-child-process-owner', 'src/testing/b.ts:1 one-child-process-owner',
    ])
  })
})
