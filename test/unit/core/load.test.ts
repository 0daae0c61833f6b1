import { describe, expect, it, vi } from 'vitest'
import { ConfigError } from '../../../src/core/errors.js'
import { load } from '../../../src/core/load.js'

/** A specifier the type checker does not follow. */
const importNamed = (name: string) => (): Promise<unknown> => import(name) as Promise<unknown>

function failing(code: string, message: string): () => Promise<never> {
  return async () => { throw Object.assign(new Error(message), { code }) }
}

describe('load', () => {
  it('gives the imported module', async () => {
    const { join } = await load('node:path', () => import('node:path'), 'a test')
    expect(join('a', 'b')).toBe('a/b')
  })

  it('explains a package that is not installed: who wanted it and how to get it', async () => {
    const error = await load('not-a-package-of-anyone', importNamed('not-a-package-of-anyone'), "engine 'mysql'").catch((e: unknown) => e)
    expect(error).toBeInstanceOf(ConfigError)
    expect(error).toMatchObject({
      message: "engine 'mysql' needs the npm package 'not-a-package-of-anyone', which is not installed",
      hint: 'run: npm install not-a-package-of-anyone',
    })
    expect((error as Error).cause).toBeInstanceOf(Error)
  })

  it('explains it for CommonJS resolution too', async () => {
    await expect(load('pg', failing('MODULE_NOT_FOUND', "Cannot find module 'pg'"), 'x')).rejects.toBeInstanceOf(ConfigError)
  })

  it('passes on a package that is there but fails while loading', async () => {
    const cause = new SyntaxError('Unexpected token')
    await expect(load('pg', () => Promise.reject(cause), 'x')).rejects.toBe(cause)
  })

  it('passes on a missing package that the wanted one needs', async () => {
    await expect(load('mysql2', failing('ERR_MODULE_NOT_FOUND', "Cannot find package 'iconv-lite'"), 'x')).rejects.toThrow('iconv-lite')
  })

  it('passes on a thrown value that is no error', async () => {
    const importer = vi.fn<() => Promise<never>>().mockRejectedValue(null)
    await expect(load('pg', importer, 'x')).rejects.toBeNull()
  })
})
