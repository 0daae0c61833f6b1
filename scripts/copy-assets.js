// Copies what tsc does not: the files of src/**/assets/ that are read at run time.
import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

for (const entry of readdirSync('src', { recursive: true, withFileTypes: true })) {
  if (!entry.isDirectory() || entry.name !== 'assets') continue
  const folder = join(entry.parentPath, entry.name)
  cpSync(folder, folder.replace(/^src/, 'dist'), { recursive: true })
}
