import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** A block of code in a document. */
export interface Block {
  /** `docs/broker.md:24`, its first line. */
  readonly at: string
  readonly document: string
  /** What stands behind the fence; `indented` for a block without one. */
  readonly language: string
  readonly text: string
}

/** Where people read: the pages of the package and of its folders. */
export function documents(): string[] {
  const skipped = new Set(['node_modules', 'dist', 'coverage', '.git'])
  const within = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return skipped.has(entry.name) ? [] : within(path)
      return entry.name.endsWith('.md') ? [path] : []
    })
  return within('')
}

/** The text of a document. */
export function textOf(document: string): string {
  return readFileSync(join(root, document), 'utf8')
}

/** The blocks of a document, fenced and indented. */
export function blocksOf(document: string, text: string = textOf(document)): Block[] {
  const blocks: Block[] = []
  let open: { fence: string; language: string; first: number; lines: string[] } | undefined
  let blank = true
  for (const [n, line] of text.split('\n').entries()) {
    const [, fence, language = ''] = /^ *(```+)(\S*)/.exec(line) ?? []
    if (open?.fence === '' && !/^( {4}|$)/.test(line)) {
      blocks.push(blockOf(document, open))
      open = undefined
    }
    if (open === undefined && fence !== undefined) open = { fence, language, first: n + 2, lines: [] }
    else if (open === undefined && blank && /^ {4}(?![-*\d])\S/.test(line)) {
      open = { fence: '', language: 'indented', first: n + 1, lines: [line.slice(4)] }
    } else if (open !== undefined && open.fence !== '' && line.trim() === open.fence) {
      blocks.push(blockOf(document, open))
      open = undefined
    } else open?.lines.push(open.fence === '' ? line.slice(4) : line)
    blank = line.trim() === ''
  }
  return open === undefined ? blocks : [...blocks, blockOf(document, open)]
}

function blockOf(document: string, open: { language: string; first: number; lines: string[] }): Block {
  const { language, first, lines } = open
  return { at: `${document}:${first}`, document, language, text: `${lines.join('\n').trimEnd()}\n` }
}

/** A document without its fenced blocks, so that what stands in code is no link and no heading. */
function prose(text: string): string {
  return text.replace(/^( *)(```+)[\s\S]*?^\1\2$/gm, '')
}

/** The anchors of a document's headings, as GitHub makes them. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of prose(text).matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '')
    const anchor = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-')
    let [name, n] = [anchor, 0]
    while (anchors.has(name)) {
      n += 1
      name = `${anchor}-${n}`
    }
    anchors.add(name)
  }
  for (const [, id = ''] of text.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id)
  return anchors
}

/** Relative links of a document that lead nowhere: no such file, or no such heading in it. */
export function brokenLinks(document: string, text: string = textOf(document)): string[] {
  const links = [
    ...prose(text)
      .replace(/`[^`]*`/g, '')
      .matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g),
  ].map(([, to = '']) => to)
  return links.filter((to) => !/^[a-z][a-z+.-]*:/i.test(to) && !isThere(document, text, decodeURI(to)))
}

function isThere(document: string, text: string, to: string): boolean {
  const [path = '', anchor] = to.split('#')
  const target = path === '' ? document : relative(root, join(root, dirname(document), path))
  if (!existsSync(join(root, target))) return false
  if (anchor === undefined || !target.endsWith('.md')) return true
  return anchorsOf(target === document ? text : textOf(target)).has(anchor)
}
