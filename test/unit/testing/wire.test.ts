import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WireReader, type WireMessage } from '../../../src/testing/wire.js'

function message(type: string, body: Buffer | string): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes.length + 4)
  return Buffer.concat([Buffer.from(type), length, bytes])
}

function startup(code: number, body = ''): Buffer {
  const head = Buffer.alloc(8)
  head.writeInt32BE(8 + body.length)
  head.writeInt32BE(code, 4)
  return Buffer.concat([head, Buffer.from(body)])
}

const PROTOCOL_3 = 196_608
const SSL = 80_877_103

/** Cuts `bytes` at the given places. */
function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...sorted].map((from, index) => bytes.subarray(from, sorted[index] ?? bytes.length))
}

const summary = (messages: readonly WireMessage[]) => messages.map(({ type, sql, tag }) => [type, sql ?? tag])

test('reads the same messages however the bytes are cut', () => {
  const fromClient = Buffer.concat([
    startup(SSL), startup(PROTOCOL_3, 'user\0me\0\0'), message('Q', 'begin\0'), message('P', 'name\0COMMIT\0\0\0'), message('S', ''),
  ])
  const fromServer = Buffer.concat([
    Buffer.from('N'), message('R', Buffer.alloc(4)), message('C', 'BEGIN\0'), message('D', Buffer.alloc(100_000)), message('C', 'COMMIT\0'),
  ])
  fc.assert(fc.property(fc.array(fc.nat(300_000), { maxLength: 12 }), (places) => {
    const wire = new WireReader()
    const sent = cutAt(fromClient, places).flatMap((chunk) => wire.fromClient(chunk))
    const answered = cutAt(fromServer, places).flatMap((chunk) => wire.fromServer(chunk))
    expect(summary(sent)).toEqual([['Q', 'begin'], ['P', 'COMMIT'], ['S', undefined]])
    expect(summary(answered)).toEqual([['R', undefined], ['C', 'BEGIN'], ['D', undefined], ['C', 'COMMIT']])
  }), { numRuns: 200 })
})

test('sees nothing after a switch to TLS', () => {
  const wire = new WireReader()
  wire.fromClient(startup(SSL))
  expect(wire.fromServer(Buffer.from('S'))).toEqual([])
  expect(wire.fromClient(message('Q', 'commit\0'))).toEqual([])
  expect(wire.fromServer(message('C', 'COMMIT\0'))).toEqual([])
})

test('a cancel request is not mistaken for a session', () => {
  const wire = new WireReader()
  expect(wire.fromClient(startup(80_877_102, '12345678'))).toEqual([])
  expect(wire.fromClient(message('Q', 'commit\0'))).toEqual([])
})
