import { describe, expect, it } from 'vitest'
import { Screen } from '../../../src/cli/screen.js'
import { makeStyle, PLAIN_STYLE, styleFacts } from '../../../src/cli/style.js'
import { table } from '../../../src/cli/table.js'
import { clip, count, listed, millis, plural, width, wrap } from '../../../src/cli/text.js'
import { capture } from './capture.js'

const coloured = makeStyle({ color: true, unicode: true })

describe('colours', () => {
  it.each([
    [true, {}, true], [false, {}, false], [true, { NO_COLOR: '1' }, false], [true, { NO_COLOR: '' }, true], [true, { TERM: 'dumb' }, false],
    [false, { FORCE_COLOR: '1' }, true], [false, { FORCE_COLOR: '0' }, false], [true, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ])('on a terminal: %s, with %j: %s', (isTty, env, color) => {
    expect(styleFacts(isTty, env).color).toBe(color)
  })

  it('and signs beyond ASCII need a UTF-8 locale', () => {
    expect(styleFacts(true, { LANG: 'de_DE.UTF-8' }).unicode).toBe(true)
    expect(styleFacts(true, { LANG: 'de_DE.UTF-8', LC_ALL: 'C' }).unicode).toBe(false)
    expect(styleFacts(true, {}).unicode).toBe(false)
  })

  it('reach a terminal and are left out with NO_COLOR', async () => {
    expect((await capture(['help'], {}, true)).out).toContain('\u001B[1m')
    expect((await capture(['help'], { NO_COLOR: '1' }, true)).out).not.toContain('\u001B')
    expect((await capture(['help'])).out).not.toContain('\u001B')
  })
})

describe('texts', () => {
  it('show numbers with as many digits as are of use', () => {
    expect([count(1234567), millis(0.4242), millis(8.06), millis(130.4), plural(1, 'read'), plural(2_000, 'read')])
      .toEqual(['1,234,567', '0.42', '8.1', '130', '1 read', '2,000 reads'])
    expect([listed([]), listed(['a']), listed(['a', 'b', 'c'])]).toEqual(['none', 'a', 'a, b and c'])
  })

  it('are measured and cut without counting colours', () => {
    const text = `${coloured.red('abc')}${coloured.bold('def')}`
    expect(width(text)).toBe(6)
    expect(width(clip(text, 4))).toBe(4)
    expect(clip(text, 4)).toBe('\u001B[31mabc\u001B[39m\u001B[1md\u001B[22m')
    expect(clip('█████', 3)).toBe('███')
  })

  it('are wrapped at spaces', () => {
    expect(wrap('one two three, four', 9)).toEqual(['one two', 'three,', 'four'])
    expect(wrap('unbreakable', 3)).toEqual(['unbreakable'])
    expect(wrap('as it is', Infinity)).toEqual(['as it is'])
  })
})

describe('a table', () => {
  it('aligns its columns whatever the colours', () => {
    const rows = [[coloured.green('up'), '1'], ['down', '1,000']]
    expect(table([{ title: 'STATE', minWidth: 6 }, { title: 'N', align: 'right' }], rows).map((line) => width(line))).toEqual([13, 13, 13])
    expect(table([{ title: 'A' }, { title: 'B', align: 'right' }], [['x', '1'], ['yy', '22']], PLAIN_STYLE.dim))
      .toEqual(['A    B', 'x    1', 'yy  22'])
  })
})

describe('the screen', () => {
  const recording = (size: { columns: number, rows: number }): { screen: Screen, written: string[] } => {
    const written: string[] = []
    return { screen: new Screen({ isTTY: true, ...size, write: (text) => written.push(text) }), written }
  }

  it('redraws in place with one write for a frame, and never clears what it overwrites anyway', () => {
    const { screen, written } = recording({ columns: 20, rows: 10 })
    screen.draw(['one', 'two'])
    screen.draw(['three', 'four'])
    expect(written).toEqual([
      '\u001B[?25lone\u001B[K\ntwo\u001B[K\n\u001B[J',
      '\r\u001B[2Athree\u001B[K\nfour\u001B[K\n\u001B[J',
    ])
  })

  it('of a terminal that says its size is 0 is drawn whole', () => {
    const { screen, written } = recording({ columns: 0, rows: 0 })
    screen.draw(['one line', 'and another'])
    expect(written.join('')).toMatch(/one line.*\n.*and another/)
  })

  it('cuts lines that would wrap and leaves out lines that do not fit', () => {
    const { screen, written } = recording({ columns: 5, rows: 3 })
    screen.draw(['123456789', '2', '3', '4'])
    expect(written[0]).toContain('1234\u001B[K\n2\u001B[K\n\u001B[J')
    expect(written[0]).not.toContain('3\u001B[K')
  })

  it('shows the cursor again, once', () => {
    const { screen, written } = recording({ columns: 20, rows: 10 })
    screen.end()
    expect(written).toEqual([])
    screen.draw(['one'])
    screen.end()
    screen.end()
    expect(written.slice(1)).toEqual(['\u001B[?25h'])
  })
})
