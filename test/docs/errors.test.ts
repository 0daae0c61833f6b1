import { describe, expect, it } from 'vitest'
import { headings, read, repositoryFiles } from './repository.js'

const page = read('docs/errors.md')

/** Codes documented before and after the heading `Warnings`. */
function documented(): { errors: string[], warnings: string[] } {
  const all = headings(page)
  const border = all.findIndex((heading) => heading.text === 'Warnings')
  const codes = (part: typeof all): string[] => part.filter((heading) => heading.level === 3).map((heading) => heading.text)
  return { errors: codes(all.slice(0, border)), warnings: codes(all.slice(border)) }
}

const quotedCodes = (text: string): string[] => [...text.matchAll(/'(SLUICE_[A-Z_]+)'/g)].map((match) => match[1]!)
const unique = (codes: readonly string[]): string[] => [...new Set(codes)].sort()

describe('docs/errors.md', () => {
  it('lists exactly the codes that errors have in the source', () => {
    const codes = repositoryFiles('errors.ts').filter((path) => path.startsWith('src/')).flatMap((path) => quotedCodes(read(path)))
    expect([...documented().errors].sort()).toEqual(unique(codes))
  })

  it('lists exactly the codes that warnings have in the source', () => {
    const sources = repositoryFiles('.ts').filter((path) => path.startsWith('src/') && !/errors\.ts$|^src\/(testing|config)\//.test(path))
    expect([...documented().warnings].sort()).toEqual(unique(sources.flatMap((path) => quotedCodes(read(path)))))
  })

  it('lists no code twice', () => {
    const { errors, warnings } = documented()
    expect(unique([...errors, ...warnings])).toHaveLength(errors.length + warnings.length)
  })

  it('says of every error which class it is, what it means and what to do', () => {
    const [beforeWarnings] = page.split(/^## Warnings$/m)
    for (const section of beforeWarnings!.split(/^### /m).slice(1)) {
      const [code] = section.split('\n')
      expect(section, code).toMatch(/\*\*What to do:\*\* \S+/)
      expect(section.length, code).toBeGreaterThan(120)
    }
  })

  it('names every error class of the source', () => {
    const classes = [...(read('src/core/errors.ts') + read('src/core/row-errors.ts')).matchAll(/^export class (\w+)/gm)].map((match) => match[1]!)
    expect(classes.length).toBeGreaterThan(20)
    expect(classes.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
  })
})
