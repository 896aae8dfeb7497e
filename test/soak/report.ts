import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describeMachine } from '../../bench/report/machine.ts'
import type { Found } from './client.ts'
import type { Memory } from './gateway-child.ts'

/** A sample of the gateway's memory; `at` in minutes since the start. */
export interface Sample extends Memory {
  readonly at: number
}

/** What a run came to. */
export interface Soak {
  readonly minutes: number
  readonly clients: number
  readonly found: Found
  readonly injected: ReadonlyMap<string, number>
  readonly records: number
  readonly lostRecords: number
  /** Samples after the first quarter. */
  readonly samples: readonly Sample[]
}

const megabyte = 1_048_576
const [begin, end] = ['<!-- figures -->', '<!-- /figures -->']
const page = 'docs/reliability.md'

/** The slope of what was sampled, in MB per minute (least squares). */
export function slopeOf(samples: readonly Sample[], of: 'rss' | 'heapUsed'): number {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
  const [x, y] = [mean(samples.map(({ at }) => at)), mean(samples.map((sample) => sample[of]))]
  const above = samples.reduce((sum, sample) => sum + (sample.at - x) * (sample[of] - y), 0)
  const below = samples.reduce((sum, { at }) => sum + (at - x) ** 2, 0)
  return below === 0 ? 0 : above / below / megabyte
}

const table = (counts: ReadonlyMap<string, number>) =>
  [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count.toLocaleString('en')}`)
    .join(', ')

/** The figures as a page has them. */
export function figuresOf(soak: Soak, root: URL): string {
  const { found, samples } = soak
  const { processor, cores, memory, system, node, packages } = describeMachine(root)
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`)
  const line = (of: 'rss' | 'heapUsed') => {
    const values = samples.map((sample) => sample[of] / megabyte)
    const [least, most] = [Math.min(...values), Math.max(...values)]
    return `${least.toFixed(0)} to ${most.toFixed(0)} MB, ${slopeOf(samples, of).toFixed(2)} MB per minute`
  }
  return [
    `    npm run test:soak -- --minutes ${soak.minutes}`,
    `${new Date().toISOString().slice(0, 10)}; ${processor}, ${cores} cores, ${memory} GB, ${system}, Node ${node}; ${versions.join(', ')}.`,
    [
      '| | |',
      '| --- | --- |',
      `| clients, minutes | ${soak.clients}, ${soak.minutes} |`,
      `| answers, each checked | ${found.answers.toLocaleString('en')} |`,
      `| wrong answers | ${found.wrong.length} |`,
      `| calls without an answer | ${found.lost.length} |`,
      `| audit records | ${soak.records.toLocaleString('en')} |`,
      `| lost audit records | ${soak.lostRecords} |`,
      `| answers by code | ${table(found.codes)} |`,
      `| injected faults | ${table(soak.injected)} |`,
      `| heap after a collection | ${line('heapUsed')} |`,
      `| resident memory | ${line('rss')} |`,
    ].join('\n'),
  ].join('\n\n')
}

/** Puts the figures between the markers of the page. */
export function writePage(figures: string, root: URL): void {
  const path = new URL(page, root)
  const before = existsSync(path) ? readFileSync(path, 'utf8') : `# Reliability\n\n${begin}\n${end}\n`
  const from = before.indexOf(begin)
  const to = before.indexOf(end)
  if (from < 0 || to < from) throw new TypeError(`${page} has no ${begin}`)
  writeFileSync(path, `${before.slice(0, from + begin.length)}\n\n${figures}\n\n${before.slice(to)}`)
}
