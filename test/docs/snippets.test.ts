import { join, resolve } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { read, repositoryFiles } from './repository.js'

/**
 * Every TypeScript example of the documentation must compile against the source. What an example takes for granted stands
 * in front of it in a comment the reader does not see:
 *
 * ```text
 * <!-- given: declare const email: string -->
 * ```
 *
 * `db` is given to all of them, and so are top-level `return` and `await`: an example is the inside of a function.
 */
interface Snippet { page: string, line: number, text: string, file: string }

const FENCE = /(?:<!-- given:([^]*?)-->\s*)?^```(?:ts|typescript)\n([^]*?)^```/gm

function snippetsOf(page: string): Snippet[] {
  const markdown = read(page)
  return [...markdown.matchAll(FENCE)].map((match, index) => {
    const code = match[2]!
    const imports = code.match(/^import [^]*?from '[^']+'$/gm) ?? []
    const body = imports.reduce((text, statement) => text.replace(statement, ''), code)
    const ownDb = /\bconst db\b|\bdb:/.test(body)
    const text = [
      ...imports, match[1] ?? '', ownDb ? '' : "declare const db: import('sluice').Database",
      `export async function example(): Promise<unknown> {\n${body}\nreturn undefined }`,
    ].join('\n')
    const line = markdown.slice(0, match.index).split('\n').length
    return { page, line, text, file: resolve(join('temp', 'snippets', `${page.replaceAll('/', '_')}-${index}.ts`)) }
  })
}

function complaints(snippets: readonly Snippet[]): string[] {
  const { options } = ts.parseJsonConfigFileContent(ts.readConfigFile('tsconfig.json', (path) => ts.sys.readFile(path)).config, ts.sys, '.')
  const settings: ts.CompilerOptions = {
    ...options, noUnusedLocals: false, noUnusedParameters: false, allowUnreachableCode: true, noEmit: true,
    paths: { 'sluice': [resolve('src/index.ts')], 'sluice/*': [resolve('src/*/index.ts'), resolve('src/http/*.ts')] },
  }
  const texts = new Map(snippets.map((snippet) => [snippet.file, snippet]))
  const host = ts.createCompilerHost(settings)
  const { getSourceFile, fileExists, readFile } = host
  host.fileExists = (file) => texts.has(file) || fileExists.call(host, file)
  host.readFile = (file) => texts.get(file)?.text ?? readFile.call(host, file)
  host.getSourceFile = (file, ...rest) => {
    const snippet = texts.get(file)
    return snippet ? ts.createSourceFile(file, snippet.text, rest[0], true) : getSourceFile.call(host, file, ...rest)
  }
  const program = ts.createProgram([...texts.keys()], settings, host)
  return snippets.flatMap((snippet) => {
    const source = program.getSourceFile(snippet.file)
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    return found.map((diagnostic) => {
      const { line } = ts.getLineAndCharacterOfPosition(source!, diagnostic.start ?? 0)
      const code = snippet.text.split('\n')[line]!.trim()
      return `${snippet.page}:${snippet.line} '${code}': ${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')}`
    })
  })
}

const snippets = repositoryFiles('.md').filter((path) => path === 'README.md' || path.startsWith('docs/')).flatMap(snippetsOf)

describe('the examples of the documentation', () => {
  it('exist', () => {
    expect(snippets.length).toBeGreaterThan(2)
  })

  it('compile against the source', () => {
    expect(complaints(snippets)).toEqual([])
  }, 60_000)

  it('would be refused if they used what is not there', () => {
    const text = "import { Database } from 'sluice'\nDatabase.opne()\n"
    const wrong = complaints([{ page: 'x.md', line: 1, text, file: resolve('temp/snippets/wrong.ts') }])
    expect(wrong).toHaveLength(1)
    expect(wrong[0]).toContain("Property 'opne' does not exist")
  }, 60_000)
})
