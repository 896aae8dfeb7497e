import { blocksOf, textOf } from '../../docs/markdown.ts'
import type { Keycloak } from './server.ts'

const document = 'docs/keycloak.md'

/** The commands of a document, carried out as an administrator does it who follows it word for word. */
export interface Walk {
  /** Runs the commands below a heading. */
  follow(heading: string): Promise<void>
  /** The settings of the server that the blocks below these headings export, one after the other. */
  settings(...headings: readonly string[]): Promise<Record<string, string>>
  /** Headings with commands that nobody has followed. */
  left(): string[]
}

/** A document's headings with the blocks below each that are for a shell. */
function sections(): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const part of textOf(document).split(/^(?=#{1,3} )/m)) {
    const [, heading = ''] = /^#+ (.*)$/m.exec(part) ?? []
    const blocks = blocksOf(document, part).filter(({ language }) => language === 'sh')
    if (blocks.length > 0)
      found.set(
        heading,
        blocks.map(({ text }) => text),
      )
  }
  return found
}

/** A block that sets the server's environment and changes nothing at Keycloak. */
function isSettings(block: string): boolean {
  return block.includes('FHIR_MCP_') && !block.includes('kcadm.sh')
}

/** `mcp` is the public address of the server; `password` is the person's. */
export function walk(keycloak: Keycloak, mcp: string, password: string): Walk {
  const all = sections()
  const followed = new Set<string>()
  const [first = ''] = all.get('Keycloak') ?? []
  // The only words that are not the document's: where things are on this machine.
  const preamble = [
    first.match(/^export REALM=.*$/m)?.[0] ?? '',
    `export KEYCLOAK=${keycloak.origin} MCP=${mcp} MAYA_PASSWORD=${password}`,
  ].join('\n')

  function blocks(heading: string, settings: boolean): string[] {
    const section = all.get(heading)
    if (section === undefined) throw new Error(`${document} has no commands below "${heading}"`)
    followed.add(heading)
    const taken = section.filter((block) => isSettings(block) === settings)
    // The first block names addresses, which are others here.
    return taken.map((block) => block.replaceAll(/^export (?:KEYCLOAK|REALM|MCP)=.*$/gm, ''))
  }

  return {
    async follow(heading) {
      await keycloak.run([preamble, ...blocks(heading, false)].join('\n'))
    },
    async settings(...headings) {
      const program = [preamble, ...headings.flatMap((heading) => blocks(heading, true)), 'env -0']
      const variables = (await keycloak.run(program.join('\n'))).split('\0').map((line) => {
        const at = line.indexOf('=')
        const [name, value] = [line.slice(0, at), line.slice(at + 1)]
        // Files of the document are in the folder where its commands ran.
        return [name, value.replace(/^\.\//, `${keycloak.folder}/`)] as const
      })
      return Object.fromEntries(variables.filter(([name]) => name.startsWith('FHIR_MCP_')))
    },
    left: () => [...all.keys()].filter((heading) => !followed.has(heading)),
  }
}
