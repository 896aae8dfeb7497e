import { parseArgs } from 'node:util'

/** A live server to measure on, in place of the local exchange. */
export interface Live {
  readonly dialect: 'hapi' | 'jupyterhealth'
  readonly url: string
  /** What the exchange is asked with. */
  readonly token: string | undefined
}

/** Another MCP server to stand beside ours. */
export interface PeerArguments {
  readonly url: string
  readonly token: string | undefined
  /** Path of the file that says what our calls are called there; by default that of JupyterHealth's own server. */
  readonly calls: string | undefined
}

/** What the command line asks for. */
export interface BenchArguments {
  /** Measures by name or the beginning of it; empty: all. */
  readonly only: readonly string[]
  readonly check: boolean
  /** Rounds of a comparison. */
  readonly rounds: number
  readonly live: Live | undefined
  readonly peer: PeerArguments | undefined
  /** Port at which both ask the exchange with `--peer`, so that the peer can be pointed at it. */
  readonly exchangePort: number
}

/** How it is used. */
export const usage = `npm run bench -- [options]
  --only a,b               only measures whose names begin so
  --check                  compare with bench/results.json; exit 1 when a ratio is worse by more than 30 %
  --rounds N               rounds of each comparison (9; 20 with --peer)
  --hapi URL               measure on a live HAPI server
  --jupyterhealth URL      measure on a live JupyterHealth Exchange, with --exchange-token T
  --peer URL               another MCP server beside ours, with --token T and --calls FILE (bench/peers/README.md)
  --exchange-port N        with --peer: port at which both ask the exchange (9911)`

/** Reads the command line. Throws a TypeError that says what is wrong. */
export function parseArguments(argv: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string' },
      check: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      hapi: { type: 'string' },
      jupyterhealth: { type: 'string' },
      'exchange-token': { type: 'string' },
      peer: { type: 'string' },
      token: { type: 'string' },
      calls: { type: 'string' },
      'exchange-port': { type: 'string', default: '9911' },
    },
  })
  if (values.hapi !== undefined && values.jupyterhealth !== undefined) {
    throw new TypeError('--hapi and --jupyterhealth do not go together')
  }
  if (values.check && (values.hapi ?? values.jupyterhealth ?? values.peer) !== undefined) {
    throw new TypeError('--check compares with the local exchange: it goes with no other server')
  }
  if (values.peer === undefined && values.calls !== undefined) throw new TypeError('--calls needs --peer')
  if (values.peer !== undefined && values.hapi !== undefined) {
    throw new TypeError('--peer goes with the local exchange or with --jupyterhealth')
  }
  return {
    only: (values.only ?? '').split(',').filter((name) => name !== ''),
    check: values.check,
    rounds: wholeNumber('--rounds', values.rounds ?? (values.peer === undefined ? '9' : '20'), 1, 1000),
    live: liveOf(values.hapi, values.jupyterhealth, values['exchange-token']),
    peer:
      values.peer === undefined ? undefined : { url: values.peer, token: values.token, calls: values.calls },
    exchangePort: wholeNumber('--exchange-port', values['exchange-port'], 0, 65_535),
  }
}

function liveOf(
  hapi: string | undefined,
  jupyterhealth: string | undefined,
  token: string | undefined,
): Live | undefined {
  const url = (hapi ?? jupyterhealth)?.replace(/\/+$/, '')
  if (url === undefined) return undefined
  return { dialect: hapi === undefined ? 'jupyterhealth' : 'hapi', url, token }
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new TypeError(`${name} must be a whole number from ${least} to ${most}`)
}
