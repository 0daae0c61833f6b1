import type { Probe } from '../core/dialect.js'
import type { Notifier } from '../core/notify.js'
import type { Classifier } from '../sql/classifier.js'
import type { Peek } from './cached.js'
import type { Causal } from './causal.js'
import type { FaceDialect } from './face.js'
import type { Statistics } from './statistics.js'
import type { Writes } from './writes.js'

/** What pinned work needs of its database. */
export interface PinnedParts {
  /** Looks into the query cache; undefined when that is switched off. */
  readonly peek: Peek | undefined
  readonly causal: Causal
  readonly classifier: Classifier
  readonly renderer: FaceDialect
  /** Asks for the identifier of the running transaction; undefined where the engine cannot tell fates. */
  readonly transactionId: Probe<string> | undefined
  readonly statistics: Statistics
  readonly notifier: Notifier
  readonly writes: Writes
  readonly slowQueryMs: number
  readonly statementTimeoutMs: number
  readonly readOnly: boolean
}
