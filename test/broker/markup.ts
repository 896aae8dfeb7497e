/** A piece of markup: a tag with its attributes, or the text between two. */
export type Piece =
  | {
      readonly kind: 'open' | 'close'
      readonly tag: string
      readonly attributes: ReadonlyMap<string, string>
    }
  | { readonly kind: 'text'; readonly text: string }

const tag = /^<(\/?)([a-z][a-z0-9]*)((?: [a-z-]+(?:="[^"<>]*")?)*)>/
const attribute = / ([a-z-]+)(?:="([^"<>]*)")?/g
const reference = /&(amp|lt|gt|quot|#39);|&/g
const characters: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
const empty = new Set(['meta', 'input'])

/**
 * Reads markup far more strictly than a browser: a `<`, `>` or `&` that is not of our own form throws, and so does a tag
 * that closes another one. What a browser could take for markup is in its pieces, or it throws.
 */
export function readMarkup(page: string): Piece[] {
  const pieces: Piece[] = []
  const open: string[] = []
  const start = '<!doctype html>'
  if (!page.startsWith(start)) throw new Error('no doctype')
  let rest = page.slice(start.length)
  while (rest !== '') {
    if (!rest.startsWith('<')) {
      const end = rest.indexOf('<')
      const text = end === -1 ? rest : rest.slice(0, end)
      if (text.includes('>')) throw new Error(`a loose > in ${JSON.stringify(text.slice(0, 80))}`)
      pieces.push({ kind: 'text', text: decode(text) })
      rest = rest.slice(text.length)
      continue
    }
    const [all, slash, name = '', list = ''] = tag.exec(rest) ?? []
    if (all === undefined) throw new Error(`no tag of ours: ${JSON.stringify(rest.slice(0, 80))}`)
    const attributes = new Map<string, string>()
    for (const [, key = '', value = ''] of list.matchAll(attribute)) {
      if (attributes.has(key)) throw new Error(`${key} twice`)
      attributes.set(key, decode(value))
    }
    rest = rest.slice(all.length)
    pieces.push({ kind: slash === '' ? 'open' : 'close', tag: name, attributes })
    if (slash === '/') {
      if (open.pop() !== name) throw new Error(`</${name}> closes something else`)
    } else if (name === 'style') {
      rest = rest.slice(rest.indexOf('</style>'))
      open.push(name)
    } else if (!empty.has(name)) open.push(name)
  }
  if (open.length > 0) throw new Error(`not closed: ${open.join(' ')}`)
  return pieces
}

/** Tags and the names of their attributes, in order: what a page is made of, whatever its texts say. */
export function skeleton(page: string): string[] {
  return readMarkup(page).flatMap((piece) =>
    piece.kind === 'text'
      ? []
      : [`${piece.kind} ${piece.tag} ${[...piece.attributes.keys()].join(' ')}`.trim()],
  )
}

/** All that is drawn, as one text. */
export function drawn(page: string): string {
  return readMarkup(page)
    .map((piece) => (piece.kind === 'text' ? piece.text : ''))
    .join('')
}

function decode(text: string): string {
  return text.replace(reference, (all, name: string | undefined) => {
    const character = name === undefined ? undefined : characters[name]
    if (character === undefined) throw new Error(`a loose ${all}`)
    return character
  })
}
