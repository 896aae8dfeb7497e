import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** One file of a fixtures folder. */
export interface Situation {
  readonly request: {
    readonly method: string
    /** Path and query below the FHIR base. */
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    /** Who asked, where the server has callers. */
    readonly as?: string | null
    readonly body?: unknown
  }
  readonly response: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: unknown
  }
}

/** Reads the situations of a folder, by name. */
export async function readSituations(folder: string): Promise<Map<string, Situation>> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort()
  const entries = files.map(async (file) => {
    const situation = JSON.parse(await readFile(join(folder, file), 'utf8')) as Situation
    return [file.slice(0, -'.json'.length), situation] as const
  })
  return new Map(await Promise.all(entries))
}

/** Writes a situation in the form of the fixtures. */
export async function writeSituation(folder: string, name: string, situation: Situation): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(situation, null, 1)}\n`)
}

/** The `next` link of a recorded answer. */
export function nextLinkOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('link' in body) || !Array.isArray(body.link)) {
    return undefined
  }
  const links = body.link as { relation?: string; url?: string }[]
  return links.find(({ relation }) => relation === 'next')?.url
}
