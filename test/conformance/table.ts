/** One line of a report. */
export interface Row {
  readonly name: string
  /** Checks. */
  readonly passed: number
  readonly failed: number
  readonly verdict: 'passed' | 'expected' | 'not scored' | 'FAILED'
  /** Why it failed. */
  readonly words: string
}

/** What one suite found. */
export interface Report {
  readonly title: string
  readonly rows: readonly Row[]
  readonly failed: boolean
  /** What the suite wrote, for when it failed. */
  readonly output: string
}

/** A report as lines for a terminal. */
export function tableOf({ title, rows, failed, output }: Report): string {
  const width = Math.max(...rows.map(({ name }) => name.length), 0)
  const lines = rows.map(({ name, passed, failed: not, verdict, words }) =>
    `  ${verdict.padEnd(10)}  ${name.padEnd(width)}  ${counted(passed, not)}  ${words}`.trimEnd(),
  )
  const count = (verdict: Row['verdict']) => rows.filter((row) => row.verdict === verdict).length
  const summary = (['passed', 'expected', 'not scored', 'FAILED'] as const)
    .filter((verdict) => count(verdict) > 0)
    .map((verdict) => `${count(verdict)} ${verdict}`)
  const end = `  ${failed ? 'FAILED' : 'ok'}: ${summary.join(', ')}`
  return [title, ...lines, end, ...(failed ? [output] : []), ''].join('\n')
}

function counted(passed: number, failed: number): string {
  return `${passed}/${passed + failed}`.padStart(5)
}
