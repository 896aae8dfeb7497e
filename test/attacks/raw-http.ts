import { connect } from 'node:net'

/** What came back over one connection. */
export interface RawAnswer {
  /** Status of each response, in order. */
  readonly statuses: readonly number[]
  readonly text: string
}

/** Writes bytes to a new connection and reads until the other side has closed it. */
export function send(port: number, bytes: string | Buffer): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    // A server that has said no may close while there is more to come.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      const text = Buffer.concat(chunks).toString('latin1')
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})[^\r\n]*\r\n/g)].map(([, status]) =>
        Number(status),
      )
      resolve({ statuses, text })
    })
  })
}
