import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { anchorOf, headings, prose, read, repositoryFiles } from './repository.js'

const pages = repositoryFiles('.md').filter((path) => !path.startsWith('etc/'))

function anchors(path: string): Set<string> {
  const seen = new Map<string, number>()
  const text = read(path)
  const fromHeadings = headings(text).map(({ text: heading }) => {
    const anchor = anchorOf(heading)
    const times = seen.get(anchor) ?? 0
    seen.set(anchor, times + 1)
    return times === 0 ? anchor : `${anchor}-${times}`
  })
  const explicit = [...text.matchAll(/<a (?:id|name)="([^"]+)"/g)].map((match) => match[1]!)
  return new Set([...fromHeadings, ...explicit])
}

/** What is wrong with a link of a page, or undefined. */
function fault(page: string, link: string): string | undefined {
  if (/^[a-z][a-z+.-]*:/i.test(link)) return undefined
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : normalize(join(dirname(page), decodeURIComponent(path)))
  if (target.startsWith('..')) return `${link}: leads out of the repository`
  if (!existsSync(target)) return `${link}: there is no ${target}`
  if (anchor && target.endsWith('.md') && !anchors(target).has(anchor)) return `${link}: ${target} has no heading for #${anchor}`
  return undefined
}

describe('the documentation', () => {
  it.each(pages)('has only links that lead somewhere in %s', (page) => {
    const text = prose(read(page)).replace(/`[^`\n]*`/g, '')
    const inline = [...text.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)].map((match) => match[1]!)
    const references = [...text.matchAll(/^\[[^\]]+\]:\s+(\S+)/gm)].map((match) => match[1]!)
    expect([...inline, ...references].map((link) => fault(page, link)).filter((found) => found !== undefined)).toEqual([])
  })

  it('has every page that the source sends people to', () => {
    const missing = repositoryFiles('.ts').filter((path) => path.startsWith('src/')).flatMap((path) => {
      const mentioned = [...read(path).matchAll(/\bdocs\/[\w/-]+\.md(?:#[\w-]+)?/g)].map((match) => match[0])
      return mentioned.map((link) => fault('README.md', link)).filter((found) => found !== undefined).map((found) => `${path}: ${found}`)
    })
    expect(missing).toEqual([])
  })
})

describe('the list of decisions', () => {
  it('names every decision, and each page has its number in its title', () => {
    const decisions = pages.filter((path) => /^docs\/decisions\/\d{4}-/.test(path)).map((path) => path.replace('docs/decisions/', ''))
    const listed = [...read('docs/decisions/README.md').matchAll(/\]\((\d{4}-[^)]+)\)/g)].map((match) => match[1]!)
    expect(listed).toEqual(decisions)
    for (const page of decisions) expect(headings(read(`docs/decisions/${page}`))[0]?.text, page).toMatch(new RegExp(`^${page.slice(0, 4)}: `))
  })
})
