import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type Committed, committedOf } from '../frame/check.ts'
import type { Curve } from '../frame/measure.ts'
import { markdownOf, type Report } from './markdown.ts'
import { type PeerReport, peerSection } from './peers.ts'
import { plotOf } from './plot.ts'

/** The folder of the package: this file is built to `dist/bench/report`. */
export const packageRoot = new URL('../../../', import.meta.url)

const at = (path: string) => new URL(path, packageRoot)
const results = 'bench/results.json'
const peerResults = 'bench/peers/results.json'
const plot = 'benchmarks/growth.svg'
const page = 'docs/benchmarks.md'

/** Reads the committed results. Throws a TypeError where there are none. */
export function readCommitted(): Committed {
  if (!existsSync(at(results))) throw new TypeError(`--check needs ${results}: run the bench first`)
  return committedOf(JSON.parse(readFileSync(at(results), 'utf8')))
}

/** Writes the results, the page and the plot; the paths that were written. */
export function writeReport(report: Report, curves: readonly Curve[]): string[] {
  mkdirSync(at('docs/benchmarks/'), { recursive: true })
  return write({
    [results]: `${JSON.stringify(report, null, 2)}\n`,
    [page]: pageOf(report, readJson<PeerReport>(peerResults)),
    ...(curves.length === 0 ? {} : { [`docs/${plot}`]: plotOf(curves) }),
  })
}

/** Writes the rows beside another MCP server, and the page with them; the paths that were written. */
export function writePeerReport(report: PeerReport): string[] {
  const measured = readJson<Report>(results)
  return write({
    [peerResults]: `${JSON.stringify(report, null, 2)}\n`,
    ...(measured === undefined ? {} : { [page]: pageOf(measured, report) }),
  })
}

function pageOf(report: Report, peers: PeerReport | undefined): string {
  const remarks = existsSync(at('bench/remarks.md')) ? readFileSync(at('bench/remarks.md'), 'utf8') : ''
  const sections = [remarks.trimEnd(), ...(peers === undefined ? [] : [peerSection(peers)])]
  return markdownOf(report, sections.join('\n\n'), existsSync(at(`docs/${plot}`)) ? plot : undefined)
}

/** What an earlier run of ours wrote; undefined where there is none. */
function readJson<Written>(path: string): Written | undefined {
  return existsSync(at(path)) ? (JSON.parse(readFileSync(at(path), 'utf8')) as Written) : undefined
}

function write(files: Readonly<Record<string, string>>): string[] {
  for (const [path, content] of Object.entries(files)) writeFileSync(at(path), content)
  return Object.keys(files)
}
