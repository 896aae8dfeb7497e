import type { Readable, Writable } from 'node:stream'
import type { Environment } from '../config/env.ts'

/** The streams of the process. */
export interface StdioStreams {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
}

/** Opens an address in the person's browser; rejects where there is none. */
export type OpenBrowser = (url: string) => Promise<void>

/** What a command has of its process. */
export interface Surroundings extends StdioStreams {
  readonly environment: Environment
  /** Resolves when the process is asked to stop. */
  readonly stopped: Promise<void>
  /** Opens an address in the person's browser; by default the one of the system. */
  readonly openBrowser?: OpenBrowser
}
