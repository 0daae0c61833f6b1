import { sleep } from '../../core/deadline.js'

/** Until a lock is asked for again: short, and not in step with others. */
export function pause(): Promise<void> {
  return sleep(1 + Math.random() * 4)
}
