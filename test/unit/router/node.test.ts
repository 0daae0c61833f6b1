import { describe, expect, it } from 'vitest'
import { ConnectionError } from '../../../src/core/errors.js'
import { node, probed } from './nodes.js'

const lost = new ConnectionError('lost', 'the connection was lost', { connectionLost: true })

describe('failures of a node', () => {
  it('that were under way together are one: it is suspect, not down', () => {
    const replica = probed(node('r', 'replica'))
    const startedAt = performance.now() - 100
    replica.failed(lost, startedAt)
    replica.failed(lost, startedAt + 10)
    expect(replica.state).toBe('suspect')
  })

  it('one after the other take it down', () => {
    const replica = probed(node('r', 'replica'))
    replica.failed(lost)
    replica.failed(lost)
    expect(replica.state).toBe('down')
  })

  it('begin anew after an answer', () => {
    const replica = probed(node('r', 'replica'))
    replica.failed(lost)
    replica.answered(1)
    replica.failed(lost)
    expect(replica.state).toBe('suspect')
  })
})
