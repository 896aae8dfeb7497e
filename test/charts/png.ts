import type { Answer } from '../../src/results/answer.ts'

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** The picture of an answer. Throws where there is none, or what is there is no PNG. */
export function pngOfAnswer({ content = [] }: Pick<Answer, 'content'>): Buffer {
  const data = content.find(({ type }) => type === 'image')?.data
  if (typeof data !== 'string') throw new TypeError('no picture')
  const png = Buffer.from(data, 'base64')
  if (!png.subarray(0, 8).equals(signature)) throw new TypeError('no PNG')
  return png
}

/** Width and height that a PNG says it has (PNG, 11.2.1 IHDR). */
export function sizeOfPng(png: Uint8Array): { readonly width: number; readonly height: number } {
  const view = new DataView(png.buffer, png.byteOffset)
  return { width: view.getUint32(16), height: view.getUint32(20) }
}

/** The types of a PNG's chunks, in order (PNG, 5.3). */
export function chunksOf(png: Uint8Array): string[] {
  const bytes = Buffer.from(png)
  const types: string[] = []
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    types.push(bytes.toString('latin1', at + 4, at + 8))
  }
  return types
}
