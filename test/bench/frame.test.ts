import { describe, expect, it } from 'vitest'
import { parseArguments } from '../../bench/frame/arguments.ts'
import { type Committed, committedOf, lossesOf } from '../../bench/frame/check.ts'
import { interleave } from '../../bench/frame/interleave.ts'
import type { Outcome, Target } from '../../bench/frame/measure.ts'
import { median, spreadOf } from '../../bench/frame/statistics.ts'
import { type Result, resultOf } from '../../bench/frame/verdict.ts'

const target: Target = { of: 'ours ÷ reference', bound: 'at most', value: 1.25 }
const head = { name: 'denied', title: 'Denied', against: 'the reference', target }
const outcome: Outcome = {
  unit: 'ms',
  rounds: [
    { ours: 12, reference: 10 },
    { ours: 11, reference: 10 },
    { ours: 26, reference: 20 },
  ],
  figures: [],
}

describe('statistics', () => {
  it('takes the middle of numbers, and of an even count the mean of the two in the middle', () => {
    expect(median([10, 9, 100])).toBe(10)
    expect(median([1, 2, 3, 10])).toBe(2.5)
    expect(() => median([])).toThrow(RangeError)
  })

  it('says from which to which numbers go', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 })
  })
})

describe('interleaving', () => {
  it('lets both sides begin by turns, in blocks, and does not keep the round that warms up', async () => {
    const order: string[] = []
    const side = (name: string, value: number, block: number) => ({
      block,
      sample: async () => {
        order.push(name)
        return value
      },
    })
    const rounds = await interleave(2, side('a', 4, 2), side('b', 5, 1))
    expect(order.join('')).toBe('aabbaaaab')
    expect(rounds).toEqual([
      { ours: 4, reference: 5 },
      { ours: 4, reference: 5 },
    ])
  })

  it('takes the median of a block, and runs what is to run around it', async () => {
    const values = [1, 50, 2]
    let around = 0
    const ours = {
      block: 3,
      sample: async () => values[around++ % 3] ?? 0,
      around: async (block: () => Promise<number>) => (await block()) * 10,
    }
    const rounds = await interleave(1, ours, { block: 1, sample: async () => 1 })
    expect(rounds).toEqual([{ ours: 20, reference: 1 }])
  })
})

describe('the verdict', () => {
  it('is the median of the ratios of the rounds, held against the target', () => {
    const result = resultOf(head, outcome)
    expect(result).toMatchObject({
      ratio: { median: 1.2, least: 1.1, most: 1.3 },
      ours: 12,
      reference: 10,
      met: true,
    })
    expect(resultOf({ ...head, target: { ...target, value: 1.19 } }, outcome).met).toBe(false)
  })

  it('turns the ratio round where the target does', () => {
    const faster: Target = { of: 'reference ÷ ours', bound: 'at least', value: 100 }
    const rounds = [{ ours: 2, reference: 300 }]
    expect(resultOf({ ...head, target: faster }, { ...outcome, rounds })).toMatchObject({
      ratio: { median: 150 },
      met: true,
    })
  })

  it('fails on a figure beyond what it must not exceed, whatever the ratio is', () => {
    const figures = [{ name: 'requests', value: 1, unit: '', atMost: 0 }]
    expect(resultOf(head, { ...outcome, figures }).met).toBe(false)
  })

  it('goes by the figures alone where nothing is compared, and fails where a target has no ratio', () => {
    const nothing = { ...outcome, rounds: [] }
    expect(resultOf({ ...head, target: undefined }, nothing)).toMatchObject({ ratio: undefined, met: true })
    expect(resultOf(head, nothing).met).toBe(false)
  })
})

describe('--check', () => {
  const measured = (name: string, median: number): Result => ({
    ...resultOf({ ...head, name }, outcome),
    ratio: { median, least: median, most: median },
  })
  const committed: Committed = committedOf({
    date: '2026-01-01',
    results: [
      { name: 'slower', ratio: { median: 1, least: 1, most: 1 }, target },
      {
        name: 'rate',
        ratio: { median: 1 },
        target: { of: 'ours ÷ reference', bound: 'at least', value: 0.8 },
      },
      { name: 'without', ratio: { median: 2 } },
      { name: 'figures' },
    ],
  })

  it('finds times that grew and rates that fell by more than 30 %', () => {
    const results = [measured('slower', 1.31), measured('rate', 0.69), measured('without', 2.7)]
    expect(lossesOf(results, committed)).toEqual([
      { name: 'slower', before: 1, now: 1.31 },
      { name: 'rate', before: 1, now: 0.69 },
      { name: 'without', before: 2, now: 2.7 },
    ])
  })

  it('passes what is within 30 %, what became better, and what was not there before', () => {
    const results = [
      measured('slower', 1.29),
      measured('slower', 0.2),
      measured('rate', 0.71),
      measured('rate', 9),
      measured('new', 100),
      measured('figures', 100),
      { ...measured('slower', 9), ratio: undefined },
    ]
    expect(lossesOf(results, committed)).toEqual([])
  })

  it('refuses a file that holds no results', () => {
    expect(() => committedOf({})).toThrow()
  })
})

describe('the command line', () => {
  it('runs everything by default', () => {
    expect(parseArguments([])).toEqual({
      only: [],
      check: false,
      rounds: 9,
      live: undefined,
      peer: undefined,
      exchangePort: 9911,
    })
  })

  it('takes measures, rounds, a live server and a peer', () => {
    const given = parseArguments([
      ...['--only', 'denied,allowed', '--rounds', '3'],
      ...['--jupyterhealth', 'http://127.0.0.1:8000/FHIR/R5/', '--exchange-token', 'secret'],
      ...['--peer', 'http://127.0.0.1:9/mcp', '--token', 'other', '--calls', 'peer.json'],
    ])
    expect(given).toMatchObject({
      only: ['denied', 'allowed'],
      rounds: 3,
      live: { dialect: 'jupyterhealth', url: 'http://127.0.0.1:8000/FHIR/R5', token: 'secret' },
      peer: { url: 'http://127.0.0.1:9/mcp', token: 'other', calls: 'peer.json' },
    })
  })

  it.each([
    [['--hapi', 'http://a', '--jupyterhealth', 'http://b']],
    [['--check', '--hapi', 'http://a']],
    [['--peer', 'http://a', '--hapi', 'http://b']],
    [['--calls', 'peer.json']],
    [['--rounds', '0']],
    [['--rounds', '1.5']],
    [['--exchange-port', '65536']],
    [['--nonsense']],
  ])('refuses %j', (argv) => {
    expect(() => parseArguments(argv)).toThrow(TypeError)
  })
})
