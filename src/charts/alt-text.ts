import { titleWord } from '../results/own-words.ts'
import { describeNumbers } from '../statistics/description.ts'
import { rounded } from '../statistics/rounding.ts'
import { type Panel, totalsOf } from './panel.ts'

/** What a picture shows, in words: for whoever does not see it. MCP has no place of its own for that. */
export function altText(panels: readonly Panel[], period: string, zone: string): string {
  return `Chart: ${panels.map(panelText).join('; ')}. Time axis: ${period}, ${zone}.`
}

function panelText(panel: Panel): string {
  const { unit } = panel
  const title = titleWord(panel.title)
  switch (panel.kind) {
    case 'line':
      return `${title}, ${figures(
        panel.points.map(({ value }) => value),
        'reading',
        unit,
      )}`
    case 'pressure': {
      const systolic = panel.readings.flatMap(({ systolic }) => systolic ?? [])
      const diastolic = panel.readings.flatMap(({ diastolic }) => diastolic ?? [])
      return `${title} as a band, systolic ${figures(systolic, 'reading', unit)}, diastolic ${figures(diastolic, 'reading', unit)}`
    }
    case 'bars':
      return `${title} as bars, ${figures([...totalsOf(panel.bars).values()], 'day', unit)}`
    case 'clock':
      return `${title} as bars, ${counted(panel.stretches.length, 'sleep')}`
  }
}

function figures(numbers: readonly number[], what: string, unit: string): string {
  const description = describeNumbers(numbers)
  if (description === undefined) return `no ${what}s`
  const { n, min, max, median } = description
  const measured = (text: string) => (unit === '' ? text : `${text} ${unit}`)
  if (n === 1) return `1 ${what}: ${measured(rounded(min))}`
  return `${n} ${what}s from ${rounded(min)} to ${measured(rounded(max))}, median ${rounded(median)}`
}

function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}
