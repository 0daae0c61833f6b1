// Removes from dist/ what no file of src/ stands behind any more: tsc never deletes, and dist/ is what gets published.
// Maps of declarations are no longer made: they would lead to sources that are not shipped.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const BUILT = /\.(js|d\.ts)(\.map)?$/

for (const entry of readdirSync('dist', { recursive: true, withFileTypes: true })) {
  const file = join(entry.parentPath, entry.name)
  if (!entry.isFile()) continue
  const source = file.replace(/^dist/, 'src').replace(BUILT, '.ts')
  if (!existsSync(source) || file.endsWith('.d.ts.map')) rmSync(file)
}
