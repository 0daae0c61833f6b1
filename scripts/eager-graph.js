// What `import` of a built file loads at once: its static imports, followed. Dynamic `import()` is not.
import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join } from 'node:path'
import ts from 'typescript'

/** Specifiers a module names in static imports and re-exports; type-only ones do not survive the build. */
function staticImports(file) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest)
  return source.statements
    .filter((node) => (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier)
    .map((node) => node.moduleSpecifier.text)
}

const isBuiltin = (specifier) => specifier.startsWith('node:') || builtinModules.includes(specifier)

/**
 * @param {string} entry - a built file, `dist/index.js`
 * @returns {{ files: string[], packages: string[] }} own files and npm specifiers loaded with it, sorted
 */
export function eagerGraph(entry) {
  const files = new Set([entry])
  const packages = new Set()
  for (const file of files) {
    for (const specifier of staticImports(file)) {
      if (specifier.startsWith('.')) files.add(join(dirname(file), specifier))
      else if (!isBuiltin(specifier)) packages.add(specifier)
    }
  }
  return { files: [...files].sort(), packages: [...packages].sort() }
}
