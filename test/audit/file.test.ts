import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDescriptorLines } from '../../src/audit/descriptor-lines.ts'
import { openFileLines } from '../../src/audit/file-lines.ts'
import type { Journal } from '../../src/audit/journal.ts'
import { createJournal, type Lines } from '../../src/audit/journal.ts'
import { auditFile } from './records.ts'

const line = (n: number) => `{"n":${n}}\n`
const textIn = (path: string) => readFileSync(path, 'utf8')

function opened(lines: Lines, changes: (string | undefined)[] = [], patience = 10_000): Journal {
  const journal = createJournal(lines, { patience, onChange: (failure) => void changes.push(failure) })
  onTestFinished(() => journal.close())
  return journal
}

/** Lines that write when they are let, and once they are `free` at once. */
function held() {
  let isFree = false
  const writes: { text: string; done: () => void; fail: (code: string) => void }[] = []
  let next: () => void = () => undefined
  const lines: Lines = {
    append: (bytes) =>
      new Promise((resolve, reject) => {
        const fail = (code: string) => reject(Object.assign(new Error('held'), { code }))
        writes.push({ text: bytes.toString(), done: resolve, fail })
        if (isFree) resolve()
        next()
      }),
    close: async () => undefined,
  }
  const begun = async (n: number) => {
    while (writes.length < n) {
      await new Promise<void>((resolve) => {
        next = resolve
      })
    }
    return writes[n - 1]
  }
  const free = () => {
    isFree = true
  }
  return { lines, writes, begun, free }
}

describe('the file of records', () => {
  it('is made for its owner alone, with its folder', async () => {
    const path = join(dirname(auditFile()), 'new', 'folder', 'audit.ndjson')
    await opened(openFileLines(path)).append(line(1))
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700)
    expect(textIn(path)).toBe(line(1))
  })

  it('is refused where others may read it, at start and later', async () => {
    const path = auditFile()
    writeFileSync(path, '', { mode: 0o600 })
    const journal = opened(openFileLines(path))
    chmodSync(path, 0o640)
    expect(() => openFileLines(path)).toThrow('audit.path must be a file of its owner alone (mode 0600).')
    await expect(journal.append(line(1))).rejects.toMatchObject({ code: 'FHIR_MCP_CONFIG' })
    chmodSync(path, 0o600)
    await journal.append(line(2))
    expect(textIn(path)).toBe(line(2))
  })

  it('is no link, no folder and nothing that is not there to be written', () => {
    const path = auditFile()
    writeFileSync(`${path}.target`, '', { mode: 0o600 })
    symlinkSync(`${path}.target`, path)
    expect(() => openFileLines(path)).toThrow(/CONFIG|audit\.path/)
    mkdirSync(`${path}.folder`)
    expect(() => openFileLines(`${path}.folder`)).toThrow('audit.path')
    expect(() => openFileLines(join(`${path}.target`, 'below'))).toThrow('audit.path cannot be written')
    expect(() => openFileLines('/dev/null')).toThrow('audit.path')
  })

  it('goes on in a new file when it was renamed, removed or emptied from outside', async () => {
    const path = auditFile()
    const journal = opened(openFileLines(path))
    await journal.append(line(1))
    renameSync(path, `${path}.1`)
    await journal.append(line(2))
    rmSync(path)
    await journal.append(line(3))
    truncateSync(path)
    await journal.append(line(4))
    expect([textIn(`${path}.1`), textIn(path)]).toEqual([line(1), line(4)])
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('has a line that a kill cut off taken out, and keeps a whole one that lacks its end', async () => {
    const path = auditFile()
    writeFileSync(path, `${line(1)}{"n":2,"subject":"a`, { mode: 0o600 })
    await opened(openFileLines(path)).append(line(3))
    expect(
      textIn(path)
        .split('\n')
        .map((one) => one.trim()),
    ).toEqual(['{"n":1}', '', '{"n":3}', ''])
    writeFileSync(path, `${line(1)}{"n":2}`)
    await opened(openFileLines(path)).append(line(3))
    expect(textIn(path)).toBe(`${line(1)}${line(2)}${line(3)}`)
  })

  it('is shared by several writers without a line in another', async () => {
    const path = auditFile()
    const writers = [1, 2, 3, 4].map(() => opened(openFileLines(path)))
    const long = 'x'.repeat(9000)
    const all = writers.flatMap((journal, writer) =>
      Array.from({ length: 50 }, (_, n) => journal.append(`${JSON.stringify({ writer, n, long })}\n`)),
    )
    await Promise.all(all)
    const lines = textIn(path)
      .trimEnd()
      .split('\n')
      .map((one) => JSON.parse(one))
    expect(lines).toHaveLength(200)
    for (const writer of [0, 1, 2, 3]) {
      expect(lines.filter((one) => one.writer === writer).map(({ n }) => n)).toEqual([...Array(50).keys()])
    }
  })
})

describe('the journal', () => {
  it('makes everything that comes during one write durable with the next', async () => {
    const { lines, writes, begun } = held()
    const journal = opened(lines)
    const first = journal.append(line(1))
    ;(await begun(1))?.done()
    await first
    const second = journal.append(line(2))
    const write = await begun(2)
    const later = [3, 4, 5].map((n) => journal.append(line(n)))
    write?.done()
    await second
    ;(await begun(3))?.done()
    await Promise.all(later)
    expect(writes.map(({ text }) => text)).toEqual([line(1), line(2), [3, 4, 5].map(line).join('')])
  })

  it('says no to everybody who waits when writing fails, says so once, and recovers', async () => {
    const { lines, begun } = held()
    const changes: (string | undefined)[] = []
    const journal = opened(lines, changes)
    for (const n of [1, 2]) {
      const refused = journal.append(line(n))
      ;(await begun(n))?.fail('ENOSPC')
      await expect(refused).rejects.toMatchObject({ code: 'ENOSPC' })
      expect(journal.status().failing).toBe(true)
    }
    const kept = journal.append(line(3))
    ;(await begun(3))?.done()
    await kept
    expect(changes).toEqual(['ENOSPC', undefined])
  })

  it('does not let calls wait for a disk that hangs, and does not write them later', async () => {
    const { lines, writes, begun, free } = held()
    const changes: (string | undefined)[] = []
    const journal = opened(lines, changes, 1)
    const first = journal.append(line(1))
    const write = await begun(1)
    await expect(first).rejects.toMatchObject({ code: 'STALLED' })
    await expect(journal.append(line(2))).rejects.toMatchObject({ code: 'STALLED' })
    write?.done()
    free()
    const kept = async () =>
      journal.append(line(3)).then(
        () => true,
        () => false,
      )
    while (!(await kept()));
    expect(new Set(writes.map(({ text }) => text))).toEqual(new Set([line(1), line(3)]))
    expect(changes.at(0)).toBe('STALLED')
    expect(changes.at(-1)).toBeUndefined()
  })
})

describe('a descriptor', () => {
  it('gets whole lines, and is refused when it is not open', async () => {
    const path = auditFile()
    const fd = openSync(path, 'a', 0o600)
    const journal = opened(openDescriptorLines(fd))
    await Promise.all([1, 2].map((n) => journal.append(line(n))))
    appendFileSync(path, '')
    expect(textIn(path)).toBe(line(1) + line(2))
    expect(() => openDescriptorLines(987)).toThrow('audit.descriptor is not open.')
  })

  it.runIf(process.platform === 'linux')('that is full refuses', async () => {
    const journal = opened(openDescriptorLines(openSync('/dev/full', 'w')))
    await expect(journal.append(line(1))).rejects.toMatchObject({ code: 'ENOSPC' })
  })
})
