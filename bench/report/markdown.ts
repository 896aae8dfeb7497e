import type { Result } from '../frame/verdict.ts'
import type { Machine } from './machine.ts'
import { amount, ratioText, targetText } from './numbers.ts'

/** What a page of figures is made of. */
export interface Report {
  /** ISO date of the run. */
  readonly date: string
  readonly command: string
  /** Seconds that the run took. */
  readonly seconds: number
  readonly machine: Machine
  readonly results: readonly Result[]
}

const explanation = `Every ratio comes from one run: both sides answer by turns, in blocks, and who begins changes with every round. A ratio is
the median of the rounds, with the least and the most of them behind it. A process of its own stands for each side, for the
exchange and for the load of many clients. The exchange replays prepared answers and packs nothing, so that everybody gets the
same bytes; tokens are real JWTs of an issuer on this machine. Neither side writes a log,
nor a record of calls but in the row on that. Where ours answers the same bytes as
the reference, that is checked before. The process of the load shares the two cores with what it loads.`

/** The page with the figures. \`remarks\` is what people wrote to it; it comes last, as it is. */
export function markdownOf(report: Report, remarks: string, plot: string | undefined): string {
  const { machine, results, command, date, seconds } = report
  const versions = Object.entries(machine.packages).map(([name, version]) => `${name} ${version}`)
  const met = results.filter((result) => result.met).length
  return `${[
    '# Benchmarks',
    `    ${command}`,
    `${met} of ${results.length} measures reach what they must. Made on ${date.slice(0, 10)} in ${Math.round(seconds)} seconds, by the command above, which writes this page.`,
    `${machine.processor}, ${machine.cores} cores, ${machine.memory} GB, ${machine.system}, Node ${machine.node}; ${versions.join(', ')}.`,
    tableOf(results),
    explanation,
    ...(plot === undefined
      ? []
      : ['## Growth', `![What a call takes when there is ten and a hundred times as much](${plot})`]),
    '## Absolute figures',
    ...results.map(figuresOf),
    remarks.trim(),
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`
}

function tableOf(results: readonly Result[]): string {
  const rows = results.map((result) => {
    const { title, against, ratio, ours, reference, unit, met } = result
    const sides = [ours, reference].map((side) => (side === undefined ? '' : amount(side, unit)))
    return [
      title,
      against,
      ratio === undefined ? '' : ratioText(ratio),
      mustBe(result),
      ...sides,
      met ? 'yes' : '**no**',
    ]
  })
  const head = ['measure', 'beside', 'ratio', 'must be', 'ours', 'reference', 'reached']
  return alignedTable(head, rows)
}

/** A head and rows of cells as a table, with its columns below each other. */
export function alignedTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const [first = [], ...others] = [head, ...rows].map((row) => row.map(cell))
  const widths = first.map((name, column) =>
    Math.max(3, name.length, ...others.map((row) => row[column]?.length ?? 0)),
  )
  const rule = widths.map((width) => '-'.repeat(width))
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`
  return [first, rule, ...others].map(line).join('\n')
}

/** What the ratio must be, and what the figures. */
function mustBe(result: Result): string {
  const bounds = result.figures.flatMap(({ name, unit, atMost }) =>
    atMost === undefined ? [] : [`${name} ≤ ${amount(atMost, unit)}`],
  )
  return [targetText(result), ...bounds].filter((part) => part !== '').join('; ')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

function figuresOf({ title, figures, notes }: Result): string {
  const lines = figures.map(({ name, value, unit, atMost }) => {
    const bound =
      atMost === undefined
        ? ''
        : `, must be at most ${amount(atMost, unit)}${value <= atMost ? '' : ': **missed**'}`
    return `- ${name}: ${amount(value, unit)}${bound}`
  })
  return [`### ${title}`, ...(lines.length === 0 ? [] : [lines.join('\n')]), ...notes].join('\n\n')
}
