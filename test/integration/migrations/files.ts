import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const made: string[] = []
// here and not where one is made: a hook that is asked for inside a test is never run
afterAll(() => { for (const path of made) rmSync(path, { recursive: true, force: true }) })

/** A folder of migrations that tests write and change; gone after the file. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'sluice-migrations-'))

  constructor(files: Readonly<Record<string, string>> = {}) {
    this.write(files)
    made.push(this.path)
  }

  write(files: Readonly<Record<string, string>>): this {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.path, name), text)
    return this
  }

  remove(...names: readonly string[]): this {
    for (const name of names) rmSync(join(this.path, name))
    return this
  }
}

/** `000001_t1.up.sql` and so on: every one makes a table of its own. */
export function tables(count: number, from = 1): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => index + from).flatMap((version) => {
    const digits = String(version).padStart(6, '0')
    return [
      [`${digits}_t${version}.up.sql`, `create table t${version} (id int primary key);\ninsert into t${version} values (${version});\n`],
      [`${digits}_t${version}.down.sql`, `drop table t${version};\n`],
    ]
  }))
}
