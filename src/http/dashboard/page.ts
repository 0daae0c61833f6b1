import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)

/** Everything the page is made of; read once. */
let parts: Promise<Readonly<Record<'page' | 'style' | 'client' | 'chart', string>>> | undefined

async function read(): Promise<Readonly<Record<'page' | 'style' | 'client' | 'chart', string>>> {
  const own = (name: string): Promise<string> => readFile(new URL(`./assets/${name}`, import.meta.url), 'utf8')
  const uplot = dirname(require.resolve('uplot'))
  const [page, style, client, chart, chartStyle] = await Promise.all([
    own('page.html'), own('style.css'), own('client.js'),
    readFile(join(uplot, 'uPlot.iife.min.js'), 'utf8'), readFile(join(uplot, 'uPlot.min.css'), 'utf8'),
  ])
  return { page, style: chartStyle + style, client, chart }
}

/** The page, complete in one file; `nonce` names its scripts and styles to the browser. */
export async function dashboardPage(nonce: string): Promise<string> {
  parts ??= read()
  const { page, style, client, chart } = await parts
  const values: Readonly<Record<string, string>> = { nonce, style, client, chart }
  return page.replaceAll(/\{\{(\w+)\}\}/g, (_whole, name: string) => values[name] ?? '')
}

/** What the page may do: run and show what carries the nonce, and ask its own origin. */
export function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'", `script-src 'nonce-${nonce}'`, `style-src 'nonce-${nonce}'`, "connect-src 'self'", 'img-src data:',
    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
  ].join('; ')
}
