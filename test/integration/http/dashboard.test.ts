import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Database } from '../../../src/index.js'
import { dashboard, type DashboardOptions } from '../../../src/http/index.js'
import { browserProgram } from '../../support/browser.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { call, closed, listen } from './support.js'

const server = await freshDatabase()
let db: Database

beforeAll(async () => {
  db = await Database.open({ primary: server.primaryUrl, replicas: [...server.replicaUrls], pool: { max: 7 }, health: { intervalMs: 200 } })
})
afterAll(async () => { await db.close() })

async function served<T>(options: DashboardOptions, work: (port: number) => Promise<T>): Promise<T> {
  const { server: http, port } = await listen(dashboard(db, { intervalMs: 100, ...options }))
  try {
    return await work(port)
  } finally {
    await closed(http)
  }
}

describe('who may see the page', () => {
  const get = (port: number, headers = {}, path = '/dashboard/'): Promise<number> => call(port, path, { method: 'GET', headers }).then(({ status }) => status)

  it('without authorize: this machine, by its own name, and nobody behind a proxy', async () => {
    await served({}, async (port) => {
      expect(await get(port, { host: `localhost:${String(port)}` })).toBe(200)
      expect(await get(port, { host: 'rebound.example:80' })).toBe(403)
      expect(await get(port, { 'host': 'localhost', 'x-forwarded-for': '203.0.113.7' })).toBe(403)
      expect(await get(port, { host: 'rebound.example' }, '/dashboard/events')).toBe(403)
      expect(await get(port, { host: 'rebound.example' }, '/dashboard/snapshot')).toBe(403)
    })
  })

  it('with authorize: whom it lets in', async () => {
    await served({ authorize: ({ headers }) => headers['x-key'] === 'secret' }, async (port) => {
      expect(await get(port)).toBe(403)
      expect(await get(port, { 'x-key': 'secret' })).toBe(200)
    })
  })

  it('nobody can change anything, and other paths are not there', async () => {
    await served({}, async (port) => {
      expect((await call(port, '/dashboard/', { headers: { host: 'localhost' } })).status).toBe(405)
      expect(await get(port, { host: 'localhost' }, '/dashboard/assets/client.js')).toBe(404)
      expect(await get(port, { host: 'localhost' }, '/elsewhere')).toBe(404)
    })
  })
})

describe('the page in a browser', () => {
  let browser: Browser
  let profile: string
  beforeAll(async () => {
    profile = mkdtempSync(join(tmpdir(), 'sluice-browser-'))
    browser = await chromium.launch({
      executablePath: browserProgram(),
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    })
  }, 120_000)
  afterAll(async () => {
    await browser.close()
    rmSync(profile, { recursive: true, force: true })
  })

  /** Opens the page; whatever it says to the console or asks of the network is kept. */
  async function opened(port: number, size: { width: number, height: number }, colorScheme: 'light' | 'dark'): Promise<{ page: Page, said: string[], asked: string[] }> {
    const page = await browser.newPage({ viewport: size, colorScheme })
    const said: string[] = []
    const asked: string[] = []
    page.on('console', (message) => { if (message.type() === 'error' || message.type() === 'warning') said.push(message.text()) })
    page.on('pageerror', (error) => { said.push(error.message) })
    page.on('request', (request) => { asked.push(new URL(request.url()).pathname) })
    await page.goto(`http://localhost:${String(port)}/dashboard`)
    await page.locator('#nodes tbody tr').nth(2).waitFor({ timeout: 20_000 })
    return { page, said, asked }
  }

  const sizes = [{ width: 1280, height: 900 }, { width: 390, height: 844 }]
  it.each(sizes.flatMap((size) => (['light', 'dark'] as const).map((theme) => [size.width, theme, size] as const)))(
    'at %i pixels, %s: shows every node and chart, fits the width, and asks nobody else', async (width, theme, size) => {
      await served({}, async (port) => {
        const { page, said, asked } = await opened(port, size, theme)
        await Promise.all(Array.from({ length: 50 }, () => db.query('select 1')))
        await page.locator('#load canvas').waitFor()
        await page.locator('#latency canvas').waitFor()
        const wide = await page.evaluate(() =>
          (globalThis as unknown as { document: { documentElement: { scrollWidth: number } } }).document.documentElement.scrollWidth)
        expect(wide).toBeLessThanOrEqual(width)
        expect(await page.locator('#state-text').textContent()).toBe('healthy')
        const folder = process.env['SLUICE_SCREENSHOTS']
        if (folder) await page.screenshot({ path: join(folder, `dashboard-${String(width)}-${theme}.png`), fullPage: true })
        await page.close()
        expect(said).toEqual([])
        expect(new Set(asked)).toEqual(new Set(['/dashboard', '/dashboard/', '/dashboard/events']))
      })
    }, 180_000)

  it('shows what the database counts and what is in use now, as it changes', async () => {
    await served({}, async (port) => {
      const { page } = await opened(port, sizes[0]!, 'light')
      const cells = page.locator('#nodes tbody tr').nth(0).locator('td')
      expect(await cells.nth(0).textContent()).toBe(new URL(server.primaryUrl).host)
      await db.connection(async () => {
        await eventually(async () => (await cells.nth(4).textContent())?.includes('1 of 7') === true)
      })
      await eventually(async () => (await cells.nth(4).textContent())?.includes('0 of 7') === true)
      const before = db.stats().errors
      await db.query('select 1 / 0', { target: 'primary' }).catch(() => undefined)
      await eventually(async () => (await page.locator('#now').textContent())?.includes(`Errors${String(before + 1)}`) === true)
      await page.close()
    })
  }, 180_000)
})
