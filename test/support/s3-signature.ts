import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** A pair of keys that requests are signed with. */
export interface S3Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest()
const AUTHORIZATION = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/

/**
 * Checks a request's AWS Signature Version 4, and that the body is the signed one.
 *
 * @returns the code of S3's error, or undefined when it is right
 */
export function signatureProblem(request: IncomingMessage, body: Buffer, keys: S3Keys): string | undefined {
  const [, id, day = '', region = '', signedNames = '', signature = ''] = AUTHORIZATION.exec(request.headers.authorization ?? '') ?? []
  if (id !== keys.accessKeyId) return 'InvalidAccessKeyId'
  const header = (name: string): string => String(request.headers[name] ?? '').trim().replace(/ +/g, ' ')
  const [path = '', query = ''] = (request.url ?? '').split('?')
  const payload = header('x-amz-content-sha256')
  const names = signedNames.split(';')
  if (!names.includes('host') || !names.includes('x-amz-content-sha256')) return 'AccessDenied'
  const pairs = query.split('&').filter(Boolean).map((pair) => (pair.includes('=') ? pair : `${pair}=`)).sort()
  const canonical = [request.method, path, pairs.join('&'), ...names.map((name) => `${name}:${header(name)}`), '', signedNames, payload].join('\n')
  const scope = `${day}/${region}/s3/aws4_request`
  const key = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>((with_, part) => hmac(with_, part), `AWS4${keys.secretAccessKey}`)
  const expected = hmac(key, ['AWS4-HMAC-SHA256', header('x-amz-date'), scope, sha256(canonical)].join('\n'))
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) return 'SignatureDoesNotMatch'
  return payload === 'UNSIGNED-PAYLOAD' || payload === sha256(body) ? undefined : 'XAmzContentSHA256Mismatch'
}
