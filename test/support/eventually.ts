const POLL_MS = 20

/** Waits until `check` answers true; an error inside counts as not yet, and is the cause when the time is up. */
export async function eventually(check: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const expiresAt = performance.now() + timeoutMs
  for (;;) {
    let cause: unknown
    try {
      if (await check()) return
    } catch (error) {
      cause = error
    }
    if (performance.now() > expiresAt) throw new Error(`still not true after ${timeoutMs} ms: ${check.toString()}`, { cause })
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
