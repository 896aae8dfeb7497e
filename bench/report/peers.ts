import type { Result } from '../frame/verdict.ts'
import type { Machine } from './machine.ts'
import { alignedTable } from './markdown.ts'
import { amount, ratioText } from './numbers.ts'

/** What a run beside another MCP server found. */
export interface PeerReport {
  /** ISO date of the run. */
  readonly date: string
  /** Pairs of calls in each row. */
  readonly rounds: number
  readonly machine: Machine
  readonly results: readonly Result[]
}

/** The section on JupyterHealth's own MCP server. */
export function peerSection({ date, rounds, machine, results }: PeerReport): string {
  const head = [
    'call',
    'ratio',
    'ours',
    'its own',
    'requests, ours (first call)',
    'requests, its own (first call)',
    'remarks',
  ]
  return [
    "## Beside JupyterHealth's own MCP server",
    '    npm run bench -- --jupyterhealth URL --exchange-token T --peer URL',
    `A real JupyterHealth Exchange with 2 workers, its own MCP server without introspection, and ours with the same token. Each row is ${rounds} pairs, one call of each by turns, through the same client. The ratio is the median of the pairs, ours to theirs, with the least and the most behind it. Both ask the exchange through one relay, which counts the requests. Made on ${date.slice(0, 10)}: ${machine.processor}, ${machine.cores} cores, Node ${machine.node}.`,
    alignedTable(head, results.map(rowOf)),
  ].join('\n\n')
}

function rowOf({ title, ratio, ours, reference, unit, figures, notes }: Result): string[] {
  const figure = (name: string) => figures.find((one) => one.name === name)?.value ?? 0
  const requests = (side: string) =>
    `${figure(`requests, ${side}`)} (${figure(`requests, ${side}, first call`)})`
  return [
    title,
    ratio === undefined ? '' : ratioText(ratio),
    ours === undefined ? '' : amount(ours, unit),
    reference === undefined ? '' : amount(reference, unit),
    requests('ours'),
    requests('the peer'),
    notes.join('; '),
  ]
}
