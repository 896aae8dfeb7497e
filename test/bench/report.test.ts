import { describe, expect, it } from 'vitest'
import type { Result } from '../../bench/frame/verdict.ts'
import { consoleLines } from '../../bench/report/console.ts'
import { markdownOf, type Report } from '../../bench/report/markdown.ts'
import { amount } from '../../bench/report/numbers.ts'
import { peerSection } from '../../bench/report/peers.ts'
import { plotOf } from '../../bench/report/plot.ts'

const denied: Result = {
  name: 'denied',
  title: 'Denied call',
  against: 'a | b',
  unit: 'ms',
  target: { of: 'ours ÷ reference', bound: 'at most', value: 1.25 },
  ratio: { median: 1.2345, least: 1.1, most: 1.4 },
  ours: 0.2468,
  reference: 0.2,
  figures: [{ name: 'requests', value: 2, unit: '', atMost: 0 }],
  notes: ['A note.'],
  met: false,
}
const start: Result = {
  ...denied,
  name: 'start',
  title: 'Start',
  target: undefined,
  ratio: undefined,
  ours: undefined,
  reference: undefined,
  figures: [{ name: 'first answer', value: 812.4, unit: 'ms', atMost: 1000 }],
  notes: [],
  met: true,
}
const report: Report = {
  date: '2026-03-04T05:06:07.000Z',
  command: 'npm run bench',
  seconds: 301.4,
  machine: {
    processor: 'Some CPU',
    cores: 2,
    memory: 8,
    system: 'linux x64',
    node: '20.19.0',
    packages: { fastify: '5.0.0' },
  },
  results: [denied, start],
}

describe('numbers', () => {
  it('have three digits that matter, and their unit', () => {
    expect([amount(1234567, 'ms'), amount(12.345, 'ms'), amount(0.001234, 'ms'), amount(0, '')]).toEqual([
      '1,234,567 ms',
      '12.3 ms',
      '0.0012 ms',
      '0',
    ])
    expect(amount(1.5, '×')).toBe('1.5×')
  })
})

describe('the terminal', () => {
  it('shows a miss with its ratio, its target, both sides, figures and notes', () => {
    expect(consoleLines(denied, 4.4)).toEqual([
      'MISS denied                       1.23× (1.1–1.4) ≤ 1.25×   ours 0.247 ms, reference 0.2 ms   [4 s]',
      '       requests: 2 (at most 0)',
      '       A note.',
    ])
  })
})

describe('the page', () => {
  it('has the command, the machine, a row for each measure, and what was missed', () => {
    const page = markdownOf(report, '## Remarks\n\nWritten by hand.\n', 'benchmarks/growth.svg')
    expect(page).toContain('\n    npm run bench\n')
    expect(page).toContain('1 of 2 measures reach what they must. Made on 2026-03-04 in 301 seconds')
    expect(page).toContain('Some CPU, 2 cores, 8 GB, linux x64, Node 20.19.0; fastify 5.0.0.')
    const cells = page.split('\n').filter((line) => line.startsWith('|'))
    expect(cells).toEqual([
      '| measure     | beside | ratio           | must be                 | ours     | reference | reached |',
      '| ----------- | ------ | --------------- | ----------------------- | -------- | --------- | ------- |',
      '| Denied call | a \\| b | 1.23× (1.1–1.4) | ≤ 1.25×; requests ≤ 0   | 0.247 ms | 0.2 ms    | **no**  |',
      '| Start       | a \\| b |                 | first answer ≤ 1,000 ms |          |           | yes     |',
    ])
    expect(page).toContain('- requests: 2, must be at most 0: **missed**')
    expect(page).toContain('- first answer: 812 ms, must be at most 1,000 ms\n')
    expect(page).toContain('](benchmarks/growth.svg)')
    expect(page.endsWith('## Remarks\n\nWritten by hand.\n')).toBe(true)
  })

  it('leaves out a plot that there is not', () => {
    expect(markdownOf(report, '', undefined)).not.toContain('![')
  })
})

describe('the section on another MCP server', () => {
  it('has the command, and for each call the ratio and the requests of both', () => {
    const counted = [
      ['requests, ours, first call', 4],
      ['requests, the peer, first call', 3],
      ['requests, ours', 1],
      ['requests, the peer', 2],
    ] as const
    const figures = counted.map(([name, value]) => ({ name, value, unit: '' }))
    const results = [{ ...denied, title: '`a_tool`', figures, notes: ['ours answers with an error'] }]
    const section = peerSection({ date: report.date, rounds: 20, machine: report.machine, results })
    expect(section).toContain('\n    npm run bench -- --jupyterhealth URL --exchange-token T --peer URL\n')
    expect(section).toContain('Each row is 20 pairs')
    expect(section).toMatch(
      /\| `a_tool` +\| 1\.23× \(1\.1–1\.4\) +\| 0\.247 ms +\| 0\.2 ms +\| 1 \(4\) +\| 2 \(3\) +\| ours answers with an error +\|$/,
    )
  })
})

describe('the plot', () => {
  it('draws each curve from its own first point, on powers of ten', () => {
    const points = [
      { size: 50, milliseconds: 2 },
      { size: 500, milliseconds: 2 },
      { size: 5000, milliseconds: 200 },
    ]
    const svg = plotOf([{ name: 'a < b', grows: 'patients', points }])
    expect(svg).toContain('<polyline points="60.0,325.5 285.0,325.5 510.0,30.0"')
    expect(svg).toContain('>a &lt; b<')
    expect(svg).toContain('>50 · 500 · 5,000<')
    expect(svg).toContain('>from 2.00 ms<')
  })
})
