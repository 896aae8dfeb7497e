import { describe, expect, it } from 'vitest'
import { altText } from '../../src/charts/alt-text.ts'
import { type ChartRequest, chartOf } from '../../src/charts/chart.ts'
import { collectPanels } from '../../src/charts/collect.ts'
import { dayLength, type Panel } from '../../src/charts/panel.ts'
import { pngOf, svgOf } from '../../src/charts/render.mjs'
import { type Theme, themes } from '../../src/charts/theme.ts'
import type { Observation } from '../../src/fhir/types.ts'
import { readingTime } from '../../src/results/reading-time.ts'
import { contributionsOf } from '../../src/statistics/contributions.ts'
import { bloodPressure, coded, observation, quantity } from '../tools/observation-double.ts'
import { chunksOf, sizeOfPng } from './png.ts'

const hour = 3_600_000
const start = Date.parse('2026-10-01T08:00:00Z')

function panelsOf(observations: readonly Observation[], zone = 'UTC', label = 'LOINC 1-1'): Panel[] {
  const collector = collectPanels(zone)
  for (const one of observations) collector.add(one, contributionsOf(one), readingTime(one, zone), label)
  return collector.panels()
}
const svgFor = (panels: readonly Panel[], more: Partial<ChartRequest> = {}) =>
  svgOf(chartOf({ panels, zone: 'UTC', theme: 'light', ...more }).spec)
const textsIn = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text)
const line = (points: readonly (readonly [number, number])[], more: Partial<Panel> = {}): Panel => ({
  kind: 'line',
  type: 'heart-rate',
  title: 'Heart rate',
  unit: 'beats/min',
  joined: true,
  points: points.map(([at, value]) => ({ at, value })),
  ...(more as object),
})
/** The pieces of the first line mark: each begins with a move. */
const pieces = (svg: string) =>
  [...svg.matchAll(/aria-roledescription="line mark"[^>]*? d="([^"]+)"/g)].map(([, path]) => path ?? '')

describe('a picture', () => {
  it('has the unit, the type, the period and the axes in it', async () => {
    const svg = await svgFor(
      panelsOf([
        observation('a', { effectiveDateTime: '2026-10-01T08:00:00Z', valueQuantity: quantity(60) }),
        observation('b', { effectiveDateTime: '2026-10-09T08:00:00Z', valueQuantity: quantity(80) }),
        bloodPressure('c', '2026-10-03', 120, 80),
      ]),
    )
    const texts = textsIn(svg)
    for (const text of [
      'Heart rate',
      'beats/min',
      'Blood pressure',
      'mmHg',
      '1 Oct 2026 to 9 Oct 2026, UTC',
    ]) {
      expect(texts).toContain(text)
    }
    expect(texts).toContain('3 Oct')
    expect(texts).toContain('70')
  })

  it('breaks its line at a gap, and nowhere else', async () => {
    const days = [0, 1, 2, 6, 7, 8].map((day) => [start + day * dayLength, 60 + day] as const)
    expect(pieces(await svgFor([line(days)]))).toHaveLength(2)
    const whole = Array.from({ length: 9 }, (_, day) => [start + day * dayLength, 60 + day] as const)
    expect(pieces(await svgFor([line(whole)]))).toHaveLength(1)
  })

  it('breaks a band of 10,000 readings at a gap, and says how it is drawn', async () => {
    const many = Array.from({ length: 10_000 }, (_, index) => {
      const at = start + index * 600_000 + (index < 5000 ? 0 : 20 * dayLength)
      return [at, index === 7777 ? 999 : 60 + (index % 30)] as const
    })
    const { spec, notes } = chartOf({ panels: [line(many)], zone: 'UTC', theme: 'light' })
    const svg = await svgOf(spec)
    expect(pieces(svg)).toHaveLength(2)
    expect(notes).toEqual([
      'Heart rate: 10000 readings are drawn as the median, the lowest and the highest of each day; no peak is left out.',
    ])
    expect(textsIn(svg)).toContain('Line: median reading of each day. Band: lowest to highest.')
    expect(textsIn(svg)).toContain('1,000')
    expect(svg.length).toBeLessThan(60_000)
  })

  it('shows the wall clock of the zone, whatever zone the process is in', async () => {
    const observations = [0, 1, 2].map((index) =>
      observation(`o${index}`, {
        effectiveDateTime: new Date(start + index * hour).toISOString(),
        valueQuantity: quantity(60),
      }),
    )
    const [panel] = panelsOf(observations, 'America/New_York')
    expect(panel).toMatchObject({ points: [{ at: start - 4 * hour }, {}, {}] })
    const texts = textsIn(await svgFor(panel === undefined ? [] : [panel]))
    expect(texts).toContain('04:00')
    expect(texts).not.toContain('08:00')
  })

  it('shows the period that was asked for, and less only where it is nearly empty', async () => {
    const day = (n: number) => Date.UTC(2026, 9, n)
    const panels = [
      line([
        [day(10), 60],
        [day(20), 61],
      ]),
    ]
    const asked = chartOf({ panels, zone: 'UTC', theme: 'light', from: day(1), before: day(32) })
    expect(asked).toMatchObject({ period: '1 Oct 2026 to 31 Oct 2026', notes: [] })
    const empty = chartOf({
      panels,
      zone: 'UTC',
      theme: 'light',
      from: Date.UTC(2000, 0, 1),
      before: day(32),
    })
    expect(empty.period).toBe('10 Oct 2026 to 20 Oct 2026')
    expect(empty.notes).toEqual([
      'The time axis shows only the part of the period in which there are readings to draw.',
    ])
  })

  it('stacks the parts of a night with a legend', async () => {
    const night = Date.UTC(2026, 9, 1)
    const panel: Panel = {
      kind: 'bars',
      type: 'sleep-episode',
      title: 'Sleep episode per night',
      unit: 'h',
      parts: ['deep', 'REM'],
      bars: [
        { day: night, part: 'REM', value: 2 },
        { day: night, part: 'deep', value: 1 },
        { day: night + dayLength, part: 'deep', value: 3 },
      ],
    }
    const texts = textsIn(await svgFor([panel]))
    for (const text of ['deep', 'REM', 'h']) expect(texts).toContain(text)
    expect(altText([panel], 'x', 'UTC')).toContain('2 days from 3 to 3 h')
  })

  it('draws more days than there is room for bars as a band', async () => {
    const bars = Array.from({ length: 700 }, (_, n) => ({ day: Date.UTC(2025, 0, n), part: 'sum', value: n }))
    const panel: Panel = {
      kind: 'bars',
      type: 'step-count',
      title: 'Steps',
      unit: 'steps',
      parts: ['sum'],
      bars,
    }
    const { notes } = chartOf({ panels: [panel], zone: 'UTC', theme: 'light' })
    expect(notes).toEqual([
      'Steps: 700 days are drawn as the median, the lowest and the highest of each week; no peak is left out.',
    ])
  })
})

describe('nobody is named in a picture', () => {
  const secrets = ['Achebe', 'pat-4711', 'MRN0002']
  const named = observation('pat-4711-obs', {
    subject: { reference: 'Patient/pat-4711', display: 'Chidi Achebe' },
    code: {
      coding: [{ system: 'http://loinc.org', code: '1-1', display: 'Achebe’s score' }],
      text: 'Achebe',
    },
    effectiveDateTime: '2026-10-01',
    interpretation: [{ coding: [{ system: 'https://w3id.org/openmhealth', code: 'x' }], text: 'of Achebe' }],
    valueQuantity: quantity(1, 'mg'),
    component: [{ code: { text: 'Achebe, MRN0002' }, valueQuantity: quantity(2, 'mg') }],
  })

  it('by a code’s text, a component or a statistic', async () => {
    const panels = panelsOf([named])
    expect(panels.map(({ title }) => title)).toEqual([
      'LOINC 1-1 (a statistic)',
      'LOINC 1-1: another value (a statistic)',
    ])
    const svg = await svgFor(panels)
    const png = await pngOf(svg)
    for (const secret of secrets) {
      expect(svg).not.toContain(secret)
      expect(Buffer.from(png).toString('latin1')).not.toContain(secret)
    }
  })

  it('by text beside the pixels: a PNG has none', async () => {
    const png = await pngOf(await svgFor(panelsOf([named])))
    expect(new Set(chunksOf(png))).toEqual(new Set(['IHDR', 'IDAT', 'IEND']))
    expect(sizeOfPng(png).width).toBeGreaterThan(1100)
  })

  it('and is no markup: a unit is text', async () => {
    const odd = observation('o', {
      code: coded('8867-4'),
      effectiveDateTime: '2026-10-01',
      valueQuantity: { value: 1, unit: '<b>&日本' },
    })
    const svg = await svgFor(panelsOf([odd]))
    expect(svg).toContain('&lt; b&gt;&amp;??')
  })
})

describe('a theme', () => {
  const channel = (value: number) =>
    value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4
  const luminance = (color: string) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) =>
      channel(Number.parseInt(color.slice(at, at + 2), 16)),
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const contrast = (a: string, b: string) => {
    const [low = 0, high = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y)
    return (high + 0.05) / (low + 0.05)
  }

  it.each(Object.entries(themes))('has the contrast that WCAG asks for: %s', (_, theme: Theme) => {
    for (const color of [theme.text, theme.muted]) {
      expect(contrast(color, theme.card)).toBeGreaterThanOrEqual(4.5)
    }
    for (const color of [theme.main, theme.second, theme.axis, ...Object.values(theme.parts)]) {
      expect(contrast(color, theme.card)).toBeGreaterThanOrEqual(3)
    }
  })

  it('lies on a card that is opaque', async () => {
    const svg = await svgFor([line([[start, 60]])], { theme: 'dark' })
    expect(svg).toContain(`<rect width="${/width="([\d.]+)"/.exec(svg)?.[1]}"`)
    expect(svg).toContain(`fill="${themes.dark.card}"`)
  })
})
