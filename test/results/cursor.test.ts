import { EncryptJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { type CursorBinding, createCursors } from '../../src/results/cursor.ts'

const key = new Uint8Array(32).fill(1)
const start = Date.parse('2026-11-23T05:00:00Z')
const binding: CursorBinding = {
  principal: { issuer: 'https://issuer.example', subject: 'user-1' },
  tool: 'list_studies',
  arguments: { study_id: 's1', detail: 'minimal', cursor: undefined, limit: 50, format: 'fhir' },
}
const refused = {
  code: 'FHIR_MCP_INVALID_ARGUMENT',
  detail: 'cursor is not valid for this call: leave it out and start again with the first page.',
}

/** Cursors with a clock that can be set. */
function clocked(at = start) {
  const clock = { at }
  return { clock, cursors: createCursors(key, () => clock.at) }
}

describe('a cursor', () => {
  it('gives its position back to the same call', async () => {
    const { cursors } = clocked()
    const position = [{ branch: 's1', last: '42' }, null]
    const cursor = await cursors.seal(binding, position)
    expect(await cursors.open(binding, cursor)).toEqual(position)
  })

  it('gives its position back whatever format, limit and cursor the call has', async () => {
    const { cursors } = clocked()
    const cursor = await cursors.seal(binding, '42')
    const given = { detail: 'minimal', study_id: 's1', cursor, limit: 7, format: 'table' }
    expect(await cursors.open({ ...binding, arguments: given }, cursor)).toBe('42')
  })

  it('tells nothing of its position, its subject or its arguments', async () => {
    const cursor = await clocked().cursors.seal(binding, 'patient-4711')
    const readable = cursor
      .split('.')
      .map((part) => Buffer.from(part, 'base64url').toString('latin1'))
      .join()
    for (const secret of ['patient-4711', 'user-1', 'list_studies']) expect(readable).not.toContain(secret)
  })

  it.each<[string, CursorBinding]>([
    ['another subject', { ...binding, principal: { issuer: 'https://issuer.example', subject: 'user-2' } }],
    [
      'the same subject of another issuer',
      { ...binding, principal: { issuer: 'https://other.example', subject: 'user-1' } },
    ],
    ['another tool', { ...binding, tool: 'search_patients' }],
    ['another argument', { ...binding, arguments: { ...binding.arguments, study_id: 's2' } }],
    ['one argument more', { ...binding, arguments: { ...binding.arguments, order: 'oldest' } }],
    ['one argument less', { ...binding, arguments: { study_id: 's1' } }],
  ])('is refused for %s', async (_, other) => {
    const { cursors } = clocked()
    const cursor = await cursors.seal(binding, '42')
    await expect(cursors.open(other, cursor)).rejects.toMatchObject(refused)
    expect(await cursors.open(binding, cursor)).toBe('42')
  })

  it('is valid for one hour and not longer', async () => {
    const { clock, cursors } = clocked()
    const cursor = await cursors.seal(binding, '42')
    clock.at = start + 3_599_000
    expect(await cursors.open(binding, cursor)).toBe('42')
    clock.at = start + 3_601_000
    await expect(cursors.open(binding, cursor)).rejects.toMatchObject(refused)
  })

  it('is refused when it was sealed with another key, changed, cut or made up', async () => {
    const { cursors } = clocked()
    const cursor = await cursors.seal(binding, '42')
    const foreign = await createCursors(new Uint8Array(32).fill(2), () => start).seal(binding, '42')
    const middle = cursor.length - 30
    const changed = cursor.slice(0, middle) + (cursor[middle] === 'A' ? 'B' : 'A') + cursor.slice(middle + 1)
    const plain = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"position":"42"}').toString('base64url')}.`
    for (const forged of [foreign, changed, cursor.slice(0, -2), plain, 'x', '']) {
      await expect(cursors.open(binding, forged)).rejects.toMatchObject(refused)
    }
    expect(await cursors.open(binding, cursor)).toBe('42')
  })

  it('is refused without an expiry, or with another way to seal, even under the same key', async () => {
    const { cursors } = clocked()
    const endless = await new EncryptJWT({ position: '42' })
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .encrypt(key)
    const other = await new EncryptJWT({ position: '42' })
      .setProtectedHeader({ alg: 'A256KW', enc: 'A256GCM' })
      .setExpirationTime('1h')
      .encrypt(key)
    await expect(cursors.open(binding, endless)).rejects.toMatchObject(refused)
    await expect(cursors.open(binding, other)).rejects.toMatchObject(refused)
  })
})
