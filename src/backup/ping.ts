const TIMEOUT_MS = 10_000

/**
 * Tells a monitor that a scheduled backup begins, succeeded or failed, so that it notices silence. That a monitor cannot be
 * reached is its own alarm and never fails a backup.
 */
export async function ping(url: string | undefined, suffix: '' | '/start' | '/fail'): Promise<void> {
  if (url === undefined) return
  try {
    const reply = await fetch(url.replace(/\/$/, '') + suffix, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'follow' })
    await reply.body?.cancel()
  } catch {
    // silence is what the monitor listens for
  }
}
