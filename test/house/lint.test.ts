import { ESLint } from 'eslint'
import { describe, expect, it } from 'vitest'

const eslint = new ESLint()

/** Rules broken by a text, were it the file at `path` (an existing one, for the types). */
async function broken(text: string, path: string): Promise<string[]> {
  const results = await eslint.lintText(text, { filePath: path })
  return results.flatMap((result) => result.messages.map((message) => message.ruleId ?? message.message))
}

// Put together here, so that this file keeps the rules itself.
const glue = (...parts: string[]): string => parts.join('')

describe('the linter', () => {
  it.each([
    ['export default 1\n', 'no-restricted-syntax'],
    ["export * from './errors.js'\n", 'no-restricted-syntax'],
    ['export enum Colour { red }\n', 'no-restricted-syntax'],
    ['export class A { private a = 1; b(): number { return this.a } }\n', 'no-restricted-syntax'],
    ['export interface ILogger { a: 1 }\n', 'no-restricted-syntax'],
    ['export const home = process.env\n', 'no-restricted-properties'],
    ["import { env } from 'node:process'\nexport const home = env\n", 'no-restricted-imports'],
    ['export const a: any = 1\n', '@typescript-eslint/no-explicit-any'],
    ['export function a(): void { Promise.reject(new Error()) }\n', '@typescript-eslint/no-floating-promises'],
    ['export function a(): void { [1].forEach(async () => { await Promise.resolve() }) }\n', '@typescript-eslint/no-misused-promises'],
    ['export const a: number = JSON.parse(String(1))\n', '@typescript-eslint/no-unsafe-assignment'],
    ['export const a = 1;\n', 'semi'],
    [glue('// eslint-', 'disable-next-line semi\nexport const a = 1;\n'), 'semi'],
    [`export function long(): void {\n${'  long()\n'.repeat(50)}}\n`, 'max-lines-per-function'],
    [`export const a = 1\n${'// more\n'.repeat(301)}`, 'max-lines'],
  ])('refuses %j', async (text, rule) => {
    expect(await broken(text, 'src/core/backoff.ts')).toContain(rule)
  })

  it('lets the one file for it read the environment', async () => {
    const text = 'export const home = process.env\n'
    expect(await broken(text, 'src/config/env.ts')).not.toContain('no-restricted-properties')
  })

  it('has nothing against sound code', async () => {
    expect(await broken("/** A. */\nexport const greeting = 'hello'\n", 'src/core/backoff.ts')).toEqual([])
  })
}, 240_000)
