import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { crc32 } from 'node:zlib'
import { signatureProblem, type S3Keys } from './s3-signature.js'

type Operation = 'put' | 'get' | 'delete' | 'list' | 'create' | 'part' | 'complete' | 'abort' | 'listUploads'

/** A request, as a fault sees it. */
export interface S3Request {
  readonly operation: Operation
  readonly key: string
  /** 1 for the first request of this operation. */
  readonly count: number
  readonly part: number
}

/** `reset` cuts the connection, when reading in the middle of the answer; `stall` never answers. */
type Fault = 'unavailable' | 'internal' | 'denied' | 'reset' | 'stall'

/** How the server behaves; may be changed while it runs. */
export interface S3Behaviour {
  fault?: ((request: S3Request) => Fault | undefined) | undefined
  /** As some endpoints do: a CRC32 is refused. */
  rejectsChecksums?: boolean
  /** As some endpoints do: `If-None-Match` is refused. */
  rejectsConditions?: boolean
}

interface Multipart { readonly key: string, readonly at: Date, readonly parts: Map<number, Buffer> }
interface Stored { readonly data: Buffer, readonly at: Date }
interface Call { readonly request: IncomingMessage, readonly response: ServerResponse, readonly url: URL, readonly key: string, readonly body: Buffer }

const PAGE = 3
const STATUS: Readonly<Record<string, number>> = {
  AccessDenied: 403, BadDigest: 400, InternalError: 500, InvalidAccessKeyId: 403, InvalidPart: 400, NoSuchKey: 404, NoSuchUpload: 404,
  NotImplemented: 501, PreconditionFailed: 412, SignatureDoesNotMatch: 403, SlowDown: 503, XAmzContentSHA256Mismatch: 400,
}
const FAULTS: Readonly<Partial<Record<Fault, string>>> = { unavailable: 'SlowDown', internal: 'InternalError', denied: 'AccessDenied' }

/**
 * One bucket with path-style addresses, in memory: what backups need of S3, and the faults no real endpoint can be made to
 * show. Signatures, digests and checksums are verified.
 */
export class S3Server {
  readonly keys: S3Keys = { accessKeyId: 'AKIDTEST', secretAccessKey: 'wJalr/s3cr3t+of:the#tests' }
  readonly objects = new Map<string, Stored>()
  readonly uploads = new Map<string, Multipart>()
  readonly counts = new Map<Operation, number>()
  behaviour: S3Behaviour = {}
  readonly #server = createServer((request, response) => {
    this.#handle(request, response).catch(() => request.socket.destroy())
  })

  async start(): Promise<this> {
    await new Promise<void>((resolve) => { this.#server.listen(0, '127.0.0.1', resolve) })
    return this
  }

  /** `s3://` location of a prefix in the bucket. */
  location(prefix = 'shop', more = ''): string {
    const { port } = this.#server.address() as AddressInfo
    return `s3://backups/${prefix}?region=eu-central-1&endpoint=http://127.0.0.1:${String(port)}${more}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => { this.#server.close(resolve) })
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const url = new URL(request.url ?? '', 'http://s3')
    const call = { request, response, url, body, key: decodeURIComponent(url.pathname).replace(/^\/backups\/?/, '') }
    const operation = operationOf(call)
    const count = (this.counts.get(operation) ?? 0) + 1
    this.counts.set(operation, count)
    const problem = signatureProblem(request, body, this.keys) ?? this.#checksumProblem(call)
    if (problem !== undefined) { refuse(call, problem); return }
    const fault = this.behaviour.fault?.({ operation, key: call.key, count, part: Number(url.searchParams.get('partNumber') ?? 0) })
    if (fault === 'stall') return
    const code = fault && FAULTS[fault]
    if (code !== undefined) refuse(call, code)
    else if (fault === 'reset' && operation !== 'get') request.socket.destroy()
    else this.#answer(operation, call, fault === 'reset')
  }

  #checksumProblem({ request, body }: Call): string | undefined {
    const sent = request.headers['x-amz-checksum-crc32']
    if (sent === undefined) return undefined
    if (this.behaviour.rejectsChecksums) return 'NotImplemented'
    const digest = Buffer.alloc(4)
    digest.writeUInt32BE(crc32(body))
    return sent === digest.toString('base64') ? undefined : 'BadDigest'
  }

  #answer(operation: Operation, call: Call, cut: boolean): void {
    const { key, url, body } = call
    const id = url.searchParams.get('uploadId') ?? ''
    switch (operation) {
      case 'put': this.#store(call, body); return
      case 'get': this.#get(call, cut); return
      case 'delete': this.objects.delete(key); send(call, 204); return
      case 'list': this.#list(call); return
      case 'create': {
        const made = `upload-${String(this.counts.get('create'))}`
        this.uploads.set(made, { key, at: new Date(), parts: new Map() })
        send(call, 200, `<InitiateMultipartUploadResult><UploadId>${made}</UploadId></InitiateMultipartUploadResult>`)
        return
      }
      case 'part': {
        const upload = this.uploads.get(id)
        if (!upload) { refuse(call, 'NoSuchUpload'); return }
        upload.parts.set(Number(url.searchParams.get('partNumber')), body)
        send(call, 200, '', { etag: etagOf(body) })
        return
      }
      case 'complete': this.#complete(call, id); return
      case 'abort':
        if (this.uploads.delete(id)) send(call, 204)
        else refuse(call, 'NoSuchUpload')
        return
      case 'listUploads': this.#listUploads(call)
    }
  }

  #complete(call: Call, id: string): void {
    const upload = this.uploads.get(id)
    if (!upload) { refuse(call, 'NoSuchUpload'); return }
    const named = [...call.body.toString().matchAll(/<Part>.*?<\/Part>/gs)].map(([text]) => ({
      part: upload.parts.get(Number(/<PartNumber>(\d+)/.exec(text)?.[1])), etag: /<ETag>(.*?)<\/ETag>/.exec(text)?.[1]?.replaceAll('&quot;', '"'),
    }))
    const data = named.flatMap(({ part, etag }) => (part && etag === etagOf(part) ? [part] : []))
    if (data.length !== named.length || data.length !== upload.parts.size) { refuse(call, 'InvalidPart'); return }
    if (this.#store(call, Buffer.concat(data))) this.uploads.delete(id)
  }

  #store(call: Call, data: Buffer): boolean {
    const condition = call.request.headers['if-none-match']
    const problem = condition === undefined ? undefined
      : this.behaviour.rejectsConditions ? 'NotImplemented' : this.objects.has(call.key) ? 'PreconditionFailed' : undefined
    if (problem !== undefined) { refuse(call, problem); return false }
    this.objects.set(call.key, { data, at: new Date() })
    const text = call.request.method === 'POST' ? `<CompleteMultipartUploadResult><ETag>${etagOf(data)}</ETag></CompleteMultipartUploadResult>` : ''
    send(call, 200, text, { etag: etagOf(data) })
    return true
  }

  #get(call: Call, cut: boolean): void {
    const stored = this.objects.get(call.key)
    if (!stored) { refuse(call, 'NoSuchKey'); return }
    const match = call.request.headers['if-match']
    if (match !== undefined && match !== etagOf(stored.data)) { refuse(call, 'PreconditionFailed'); return }
    const from = Number(/^bytes=(\d+)-$/.exec(call.request.headers.range ?? '')?.[1] ?? 0)
    const data = stored.data.subarray(from)
    call.response.writeHead(from > 0 ? 206 : 200, { 'content-length': data.length, etag: etagOf(stored.data) })
    if (!cut) { call.response.end(data); return }
    call.response.write(data.subarray(0, Math.ceil(data.length / 2)), () => call.request.socket.destroy())
  }

  #list(call: Call): void {
    const prefix = call.url.searchParams.get('prefix') ?? ''
    const after = call.url.searchParams.get('continuation-token') ?? ''
    const all = [...this.objects].filter(([key]) => key.startsWith(prefix) && key > after).sort(([a], [b]) => (a < b ? -1 : 1))
    const page = all.slice(0, PAGE)
    const contents = page.map(([key, { data, at }]) =>
      `<Contents><Key>${key}</Key><Size>${String(data.length)}</Size><LastModified>${at.toISOString()}</LastModified></Contents>`)
    const next = all.length > PAGE ? `<NextContinuationToken>${page.at(-1)?.[0] ?? ''}</NextContinuationToken>` : ''
    send(call, 200, `<ListBucketResult><IsTruncated>${String(next !== '')}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`)
  }

  #listUploads(call: Call): void {
    const prefix = call.url.searchParams.get('prefix') ?? ''
    const after = call.url.searchParams.get('upload-id-marker') ?? ''
    const all = [...this.uploads].filter(([id, { key }]) => key.startsWith(prefix) && id > after).sort(([a], [b]) => (a < b ? -1 : 1))
    const page = all.slice(0, PAGE)
    const uploads = page.map(([id, { key, at }]) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${at.toISOString()}</Initiated></Upload>`)
    const [id = '', last] = page.at(-1) ?? []
    const next = all.length > PAGE ? `<NextKeyMarker>${last?.key ?? ''}</NextKeyMarker><NextUploadIdMarker>${id}</NextUploadIdMarker>` : ''
    send(call, 200, `<ListMultipartUploadsResult><IsTruncated>${String(next !== '')}</IsTruncated>${next}${uploads.join('')}</ListMultipartUploadsResult>`)
  }
}

function operationOf({ request, url, key }: Call): Operation {
  const has = (name: string): boolean => url.searchParams.has(name)
  switch (request.method) {
    case 'POST': return has('uploads') ? 'create' : 'complete'
    case 'PUT': return has('uploadId') ? 'part' : 'put'
    case 'DELETE': return has('uploadId') ? 'abort' : 'delete'
    default: return key !== '' ? 'get' : has('uploads') ? 'listUploads' : 'list'
  }
}

const etagOf = (data: Buffer): string => `"${createHash('md5').update(data).digest('hex')}"`

function send({ response }: Call, status: number, text = '', headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/xml', ...headers })
  response.end(text && `<?xml version="1.0" encoding="UTF-8"?>${text}`)
}

function refuse(call: Call, code: string): void {
  send(call, STATUS[code] ?? 400, `<Error><Code>${code}</Code><Message>${code}</Message></Error>`)
}
