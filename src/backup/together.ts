/**
 * Runs jobs side by side. The first that fails aborts the others; all have ended when this does, and the first failure
 * is the one thrown.
 */
export async function together<A, B>(
  outer: AbortSignal | undefined, first: (signal: AbortSignal) => Promise<A>, second: (signal: AbortSignal) => Promise<B>,
): Promise<[A, B]> {
  const controller = new AbortController()
  const signal = outer ? AbortSignal.any([outer, controller.signal]) : controller.signal
  let failure: { readonly error: unknown } | undefined
  const guarded = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> => {
    try {
      return await work(signal)
    } catch (error) {
      failure ??= { error }
      controller.abort(error)
      return undefined
    }
  }
  const both = await Promise.all([guarded(first), guarded(second)])
  if (failure) throw failure.error
  return both as [A, B]
}
